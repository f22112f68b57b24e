"""A surface of pixels becomes a heightmap: two triangles a quad, sampled at cell centers, upper envelope.

Source: P2P section 4.3 rasterizes the visible points orthographically; triangles instead of points leave no holes between
pixels where the ground is seen from near, and the maximum keeps what lies on top where the surface folds over itself.

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .errors import KernelInputError


@numba.njit(cache=True, inline="always")
def _edge(ax, ay, bx, by):
    """Twice the signed area of (a, b, sample), a and b relative to the sample; exactly antisymmetric in a and b."""
    return ax * by - ay * bx


@numba.njit(cache=True)
def _triangle(top, x0, y0, z0, x1, y1, z1, x2, y2, z2):
    """Raise `top` to one triangle; x in columns, y in rows.

    The area of an edge is computed from the same products by both triangles that share it, so its sign is the opposite or
    zero: no sample on a shared edge falls between them.
    """
    rows, cols = top.shape
    if max(y0, y1, y2) < 0.0 or min(y0, y1, y2) > rows - 1 or max(x0, x1, x2) < 0.0 or min(x0, x1, x2) > cols - 1:
        return
    first_row = math.ceil(max(0.0, min(y0, y1, y2)))
    last_row = math.floor(min(rows - 1.0, max(y0, y1, y2)))
    first_col = math.ceil(max(0.0, min(x0, x1, x2)))
    last_col = math.floor(min(cols - 1.0, max(x0, x1, x2)))
    for row in range(first_row, last_row + 1):
        ay, by, cy = y0 - row, y1 - row, y2 - row
        for col in range(first_col, last_col + 1):
            ax, bx, cx = x0 - col, x1 - col, x2 - col
            w2 = _edge(ax, ay, bx, by)
            w0 = _edge(bx, by, cx, cy)
            w1 = _edge(cx, cy, ax, ay)
            total = w0 + w1 + w2
            inside = (w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0) or (w0 <= 0.0 and w1 <= 0.0 and w2 <= 0.0)
            if inside and total != 0.0:
                z = np.float32((w0 * z0 + w1 * z1 + w2 * z2) / total)
                if z > top[row, col]:
                    top[row, col] = z


@numba.njit(cache=True, parallel=True)
def _rasterize(points, valid, rows, cols, dx, origin_x, origin_y, chunks):
    """float32 (rows, cols), -inf where nothing lies; every chunk of picture rows fills a grid of its own."""
    tops = np.full((chunks, rows, cols), np.float32(-np.inf), np.float32)
    quad_rows, quad_cols = valid.shape
    for chunk in numba.prange(chunks):
        top = tops[chunk]
        for i in range(quad_rows * chunk // chunks, quad_rows * (chunk + 1) // chunks):
            for j in range(quad_cols):
                if not valid[i, j]:
                    continue
                # corners: a b above, c d below
                xa, ya, za = (points[i, j, 0] - origin_x) / dx, (origin_y - points[i, j, 1]) / dx, float(points[i, j, 2])
                xb = (points[i, j + 1, 0] - origin_x) / dx
                yb = (origin_y - points[i, j + 1, 1]) / dx
                zb = float(points[i, j + 1, 2])
                xc = (points[i + 1, j, 0] - origin_x) / dx
                yc = (origin_y - points[i + 1, j, 1]) / dx
                zc = float(points[i + 1, j, 2])
                xd = (points[i + 1, j + 1, 0] - origin_x) / dx
                yd = (origin_y - points[i + 1, j + 1, 1]) / dx
                zd = float(points[i + 1, j + 1, 2])
                if math.isfinite(xb + yb + zb + xc + yc + zc):
                    if math.isfinite(xa + ya + za):
                        _triangle(top, xa, ya, za, xb, yb, zb, xc, yc, zc)
                    if math.isfinite(xd + yd + zd):
                        _triangle(top, xb, yb, zb, xd, yd, zd, xc, yc, zc)
    result = tops[0]
    for row in numba.prange(rows):
        for chunk in range(1, chunks):
            for col in range(cols):
                if tops[chunk, row, col] > result[row, col]:
                    result[row, col] = tops[chunk, row, col]
    return result


def rasterize_surface(
    points_xyz: np.ndarray,
    quad_valid: np.ndarray,
    rows: int,
    cols: int,
    dx_m: float,
    origin_m: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Heights of a surface of pixels on a grid, exactly at cell centers: (float32 (rows, cols), bool (rows, cols)).

    points_xyz: float32 (H, W, 3), world meters; triangles with a corner that is not finite are left out.
    quad_valid: bool (H-1, W-1), whether the four neighboring pixels (i, j)..(i+1, j+1) lie on one surface.
    rows, cols: size of the grid.   dx_m: cell size, meters.   origin_m: world (x, y) of the center of cell (0, 0).
    Returns heights in meters, NaN where no triangle covers the cell's center, the highest where several do; and what is
    covered. Borders of triangles count as covered; triangles without area in plan are skipped.
    Raises KernelInputError on shapes that do not fit, an empty grid, or a cell size that is not positive.
    """
    points = np.ascontiguousarray(points_xyz, np.float32)
    valid = np.ascontiguousarray(quad_valid, bool)
    if points.ndim != 3 or points.shape[2] != 3 or min(points.shape[:2]) < 2:
        raise KernelInputError(f"points_xyz has shape {points.shape}; expected (H, W, 3) with H and W at least 2")
    if valid.shape != (points.shape[0] - 1, points.shape[1] - 1):
        raise KernelInputError(f"quad_valid has shape {valid.shape}; points of shape {points.shape} have one quad less a side")
    if rows < 1 or cols < 1:
        raise KernelInputError(f"a grid of {rows} x {cols} cells holds nothing")
    if not (math.isfinite(dx_m) and dx_m > 0):
        raise KernelInputError(f"dx_m is {dx_m}; a cell size in meters is positive")
    if not all(math.isfinite(value) for value in origin_m):
        raise KernelInputError(f"origin_m is {origin_m}; both coordinates must be finite")
    chunks = max(1, min(numba.get_num_threads(), 8, valid.shape[0]))
    heights = _rasterize(points, valid, int(rows), int(cols), float(dx_m), float(origin_m[0]), float(origin_m[1]), chunks)
    covered = heights > -np.inf
    heights[~covered] = np.nan
    return heights, covered
