"""What height files of both sides share: how gray is counted, what a sidecar says, how a file takes its place.

The backend writes its files with Pillow and GDAL, the add-on with Blender's Python alone; the files say the same.
Standard library only: both sides import this file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .version import VERSION

SOFTWARE = f"Photo to Terrain {VERSION}"

FRAME_NAME = "Photo to Terrain, camera at the origin"
"""The terrain frame of a picture whose place on Earth is unknown: an engineering frame in meters."""

LOCAL_CRS = f'LOCAL_CS["{FRAME_NAME}",UNIT["metre",1],AXIS["Right",EAST],AXIS["Away",NORTH]]'

PNG_LEVELS = 65535

COARSE_STEP_M = 0.02
"""A 16-bit height image with coarser steps than this shows terraces in a close render; the sidecar then warns."""


def gray_levels(heights: Any, low: float, high: float) -> Any:
    """Heights as uint16 over the full range, `low` as 0 and `high` as 65535. heights: an array of meters."""
    scale = PNG_LEVELS / (high - low) if high > low else 0.0
    return ((heights.astype("float64") - low) * scale).round().astype("uint16")


def sidecar(low: float, high: float, rows: int, cols: int, dx_m: float, origin_m: tuple[float, float]) -> dict[str, Any]:
    """What a 16-bit height image means, as JSON. Meters; origin_m: x, y of the center of cell (0, 0)."""
    step = (high - low) / PNG_LEVELS
    said: dict[str, Any] = {
        "min_m": low, "max_m": high, "step_m": step, "dx_m": dx_m, "rows": rows, "cols": cols,
        "origin_m": list(origin_m), "bits": 16, "formula": "height_m = min_m + gray / 65535 * (max_m - min_m)",
        "origin": "x, y of the center of the pixel in row 0, column 0, the far left one; y falls with the rows",
        "version": VERSION,
    }
    if step > COARSE_STEP_M:
        said["warning"] = f"One gray step is {100 * step:.1f} cm; use the GeoTIFF where terraces would show."
    return said


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder; takes the place of `path` when the block ends well, else it vanishes."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
