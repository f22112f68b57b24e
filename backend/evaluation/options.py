"""What every suite is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..training.elevation_data import DEFAULT_LIBRARY

DEFAULT_PICTURES = DEFAULT_LIBRARY.parent / "photos"
MASKS = Path(__file__).resolve().parents[2] / "tests" / "data" / "masks"
"""Hand-marked sky, terrain and foreground of the test pictures (tests/data/masks/README.md)."""


@dataclass(frozen=True)
class EvaluationOptions:
    """out: folder for reports and sheets.   library: elevation files.   pictures: folder with photo/ and painting/.

    views: rendered views a suite looks at.   resolution: cells across of whole runs.   only: picture names, empty for all.
    """

    out: Path
    library: Path = DEFAULT_LIBRARY
    pictures: Path = DEFAULT_PICTURES
    masks: Path = MASKS
    views: int = 100
    resolution: int = 1024
    only: tuple[str, ...] = ()
    threads: int = 2
