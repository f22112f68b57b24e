"""Scattered heights to a grid: a surface of triangles sampled at cell centers, or single points. Upper envelope.

The result is a maximum, so it does not depend on the order of triangles or points.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .errors import LARGEST_GRID, KernelInputError, checked_mask, checked_point, checked_positive

_EDGE = 1e-9
"""Share of a triangle by which its edges reach out, so that a center on a common edge is never missed."""


@numba.njit(cache=True, nogil=True)
def _triangle(heights, ax, ay, az, bx, by, bz, cx, cy, cz):
    """Raise the cells whose centers a triangle covers. Corners in columns, rows and meters."""
    rows, cols = heights.shape
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if not abs(area) > 1e-14:  # seen from the side, or not finite
        return
    left = max(np.ceil(min(ax, min(bx, cx)) - 1e-6), 0.0)
    right = min(np.floor(max(ax, max(bx, cx)) + 1e-6), cols - 1.0)
    top = max(np.ceil(min(ay, min(by, cy)) - 1e-6), 0.0)
    bottom = min(np.floor(max(ay, max(by, cy)) + 1e-6), rows - 1.0)
    if left > right or top > bottom:
        return
    low, high = min(az, min(bz, cz)), max(az, max(bz, cz))
    over = 1.0 / area
    for r in range(int(top), int(bottom) + 1):
        for c in range(int(left), int(right) + 1):
            v = ((c - ax) * (cy - ay) - (r - ay) * (cx - ax)) * over
            w = ((bx - ax) * (r - ay) - (by - ay) * (c - ax)) * over
            if v < -_EDGE or w < -_EDGE or v + w > 1.0 + _EDGE:
                continue
            z = np.float32(min(max(az + v * (bz - az) + w * (cz - az), low), high))
            if not heights[r, c] >= z:
                heights[r, c] = z


@numba.njit(cache=True, nogil=True)
def _surface(points, valid, heights, dx, x0, y0):
    over = 1.0 / dx
    for i in range(valid.shape[0]):
        for j in range(valid.shape[1]):
            if not valid[i, j]:
                continue
            ax, ay, az = (points[i, j, 0] - x0) * over, (y0 - points[i, j, 1]) * over, points[i, j, 2]
            bx, by, bz = (points[i, j + 1, 0] - x0) * over, (y0 - points[i, j + 1, 1]) * over, points[i, j + 1, 2]
            cx, cy, cz = (points[i + 1, j, 0] - x0) * over, (y0 - points[i + 1, j, 1]) * over, points[i + 1, j, 2]
            dx_, dy_ = (points[i + 1, j + 1, 0] - x0) * over, (y0 - points[i + 1, j + 1, 1]) * over
            dz_ = points[i + 1, j + 1, 2]
            if not np.isfinite(az + bz + cz + dz_):
                continue
            _triangle(heights, ax, ay, az, bx, by, bz, cx, cy, cz)
            _triangle(heights, bx, by, bz, dx_, dy_, dz_, cx, cy, cz)


@numba.njit(cache=True, nogil=True)
def _points(points, heights, dx, x0, y0):
    rows, cols = heights.shape
    over = 1.0 / dx
    for k in range(points.shape[0]):
        c = np.floor((points[k, 0] - x0) * over + 0.5)
        r = np.floor((y0 - points[k, 1]) * over + 0.5)
        z = np.float32(points[k, 2])
        if 0 <= r < rows and 0 <= c < cols and np.isfinite(z) and not heights[int(r), int(c)] >= z:
            heights[int(r), int(c)] = z


def _checked_points(points: Any, ndim: int) -> np.ndarray:
    if not isinstance(points, np.ndarray) or points.dtype not in (np.float32, np.float64):
        kind = points.dtype if isinstance(points, np.ndarray) else type(points).__name__
        raise KernelInputError(f"The points must be a float32 or float64 array, not {kind}.")
    if points.ndim != ndim or points.shape[-1] != 3:
        raise KernelInputError(f"The points must have {ndim} axes, the last of 3 coordinates, not shape {points.shape}.")
    return np.ascontiguousarray(points, np.float64)


def _empty_grid(rows: int, cols: int) -> np.ndarray:
    if int(rows) != rows or int(cols) != cols or rows < 1 or cols < 1 or rows * cols >= LARGEST_GRID:
        raise KernelInputError(f"A grid needs at least 1 x 1 and fewer than {LARGEST_GRID} cells, not {rows} x {cols}.")
    return np.full((int(rows), int(cols)), np.nan, np.float32)


def rasterize_surface(points: np.ndarray, quad_valid: np.ndarray, rows: int, cols: int, dx_m: float,
                      origin_m: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Heights of a surface of quads, two triangles each, at the cell centers it covers (P2P 4.2, as a surface).

    points: float32 or float64 (H, W, 3) x, y, z in m.   quad_valid: bool (H-1, W-1), quads that exist; those with a
    point that is not finite are left out.   rows, cols, dx_m, origin_m: the grid, (x, y) of the center of cell (0, 0),
    rows toward -y.   Where surfaces lie over each other the highest counts. Triangles seen exactly from the side cover
    nothing.   Returns float32 (rows, cols), NaN where not covered, and bool covered. Raises KernelInputError.
    """
    surface = _checked_points(points, 3)
    if min(surface.shape[:2]) < 2:
        raise KernelInputError(f"A surface needs at least 2 x 2 points, not {surface.shape[:2]}.")
    valid = checked_mask(quad_valid, (surface.shape[0] - 1, surface.shape[1] - 1), "quad_valid")
    heights = _empty_grid(rows, cols)
    x0, y0 = checked_point(origin_m, 2, "origin_m")
    _surface(surface, valid, heights, checked_positive(dx_m, "dx_m"), x0, y0)
    return heights, ~np.isnan(heights)


def rasterize_points(points: np.ndarray, rows: int, cols: int, dx_m: float,
                     origin_m: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The highest point in each cell: points float32 or float64 (N, 3), the rest as in `rasterize_surface`."""
    cloud = _checked_points(points, 2)
    heights = _empty_grid(rows, cols)
    x0, y0 = checked_point(origin_m, 2, "origin_m")
    _points(cloud, heights, checked_positive(dx_m, "dx_m"), x0, y0)
    return heights, ~np.isnan(heights)
