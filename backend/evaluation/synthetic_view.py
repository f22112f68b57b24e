"""What a camera standing in real terrain sees of it: the completion stage's inputs with known truth."""

from __future__ import annotations

import math

import numpy as np

from ..camera import Camera
from ..scene import VisibleTerrain
from ..terrain import Grid


def view(
    heights: np.ndarray, dx_m: float, fov_x_rad: float = math.radians(70.0), stand: float = 0.93, above: float = 0.06
) -> tuple[VisibleTerrain, np.ndarray]:
    """Look across `heights` (rows, cols) m from near its last row. Returns what is visible and Z_max (algorithm 2).

    stand: row of the camera, as a share.   above: its height over the ground, as a share of the relief.
    Rays fan out over the field of view; along each, a cell is visible where it rises above all before it, and bounded
    by the line over the last visible one where it does not. Ground closer than ten cells is below the picture.
    """
    rows, cols = heights.shape
    row, col = round(stand * rows), cols // 2
    eye = float(heights[row, col]) + above * float(np.ptp(heights))
    reach = np.arange(10.0, math.hypot(rows, cols), 0.5)
    angles = np.linspace(-0.5 * fov_x_rad, 0.5 * fov_x_rad, 4 * cols)
    r = np.rint(row - np.cos(angles)[:, None] * reach).astype(int)
    c = np.rint(col + np.sin(angles)[:, None] * reach).astype(int)
    inside = (r >= 0) & (r < rows) & (c >= 0) & (c < cols)
    r, c = r.clip(0, rows - 1), c.clip(0, cols - 1)
    rise = np.where(inside, (heights[r, c] - eye) / (reach * dx_m), -np.inf)
    skyward = np.maximum.accumulate(rise, axis=1)
    hit = inside & (rise >= skyward)
    mask = np.zeros(heights.shape, bool)
    mask[r[hit], c[hit]] = True
    bound = np.full(heights.shape, np.inf)
    np.minimum.at(bound, (r[inside], c[inside]), (eye + skyward * reach * dx_m)[inside])
    bound[mask] = np.inf
    base = float(heights[mask].min())
    grid = Grid(rows, cols, dx_m, (-col * dx_m, row * dx_m))
    camera = Camera(1000, 700, fov_x_rad, 0.0, 0.0, (0.0, 0.0, eye - base))
    seen = np.where(mask, heights - base, np.nan).astype(np.float32)
    visible = VisibleTerrain(grid, camera, seen, mask, np.zeros_like(mask))
    return visible, (bound - base).astype(np.float32)
