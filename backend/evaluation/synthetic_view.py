"""What a camera standing in real terrain sees of it: the completion stage's inputs with known truth."""

from __future__ import annotations

import math

import numpy as np

from kernels.view_bound import view_bound

from ..camera import Camera
from ..scene import VisibleTerrain
from ..terrain import Grid

NEAREST_CELLS = 10.0


def view(
    heights: np.ndarray, dx_m: float, fov_x_rad: float = math.radians(70.0), stand: float = 0.93, above: float = 0.06
) -> tuple[VisibleTerrain, np.ndarray]:
    """Look across `heights` (rows, cols) m from near its last row. Returns what is visible and Z_max (algorithm 2).

    stand: row of the camera, as a share.   above: its height over the ground, as a share of the relief.
    A cell within the field of view is visible where it reaches the highest line of sight over the ground before it; ground
    closer than ten cells is below the picture.
    """
    rows, cols = heights.shape
    row, col = round(stand * rows), cols // 2
    eye = float(heights[row, col]) + above * float(np.ptp(heights))
    half, origin = 0.5 * fov_x_rad, (-col * dx_m, row * dx_m)
    sight = view_bound(heights, None, dx_m, origin, (0.0, 0.0, eye), -half, half)
    away = np.hypot(np.arange(rows)[:, None] - row, np.arange(cols)[None, :] - col)
    mask = np.isfinite(sight) & (heights >= sight) & (away >= NEAREST_CELLS)
    bound = view_bound(heights, mask, dx_m, origin, (0.0, 0.0, eye), -half, half)
    base = float(heights[mask].min())
    camera = Camera(1000, 700, fov_x_rad, 0.0, 0.0, (0.0, 0.0, eye - base))
    seen = np.where(mask, heights - base, np.nan).astype(np.float32)
    visible = VisibleTerrain(Grid(rows, cols, dx_m, origin), camera, seen, mask, np.zeros_like(mask))
    return visible, (bound - base).astype(np.float32)
