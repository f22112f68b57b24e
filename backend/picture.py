"""The picture: what a file holds once orientation, color and depth are sorted out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Picture:
    """An upright sRGB picture.

    rgb: float32 (H, W, 3), sRGB-encoded, 0..1.   path: where it came from.   sha256: of the file's bytes.
    exif_fov_x_rad: horizontal field of view from EXIF, or None.   original_size: (width, height) before any reduction.
    """

    rgb: np.ndarray
    path: Path
    sha256: str
    exif_fov_x_rad: float | None = None
    original_size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.float32 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise ValueError("A picture is float32 (H, W, 3).")
