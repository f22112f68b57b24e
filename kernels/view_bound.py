"""Upper bound of hidden ground: the height above which it would be seen (P2P algorithm 2).

Algorithm 2 marches every camera ray and lowers each cell below it. In one vertical plane only the steepness of rays
matters: a hidden cell at horizontal distance d reaches at most z_cam + d * t, t the lowest tangent of all rays that pass
over it. Those rays end on visible cells farther out or in the sky, so t is a minimum over what follows, and never less than
the horizon, the maximum over visible cells before. One walk out and one walk back along an azimuth give both for all of
its cells; no ray is marched twice. Cells not visible are transparent: only what the picture shows hides or is passed over.

Azimuths go through quarter points of the border's cells, two a cell, so that every cell is crossed by several, and the
minimum over them is kept: the bound errs low. Each thread keeps a grid of its own; a minimum does not depend on order.

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .errors import KernelInputError

_NEAREST = 0.5  # cells; the ground at the camera's own feet has no elevation angle
_SCRATCH_BYTES = 2**30


@numba.njit(cache=True)
def _exits(rows, cols, camera_x, camera_y):
    """float64 (n, 2): columns and rows of points on the border at which rays from the camera leave the grid, in order."""
    points = np.empty((4 * (rows + cols), 2))
    n = 0
    left, top, right, bottom = -0.5, -0.5, cols - 0.5, rows - 0.5
    if camera_y > top:
        for k in range(2 * cols):
            points[n, 0], points[n, 1] = left + 0.25 + 0.5 * k, top
            n += 1
    if camera_x < right:
        for k in range(2 * rows):
            points[n, 0], points[n, 1] = right, top + 0.25 + 0.5 * k
            n += 1
    if camera_y < bottom:
        for k in range(2 * cols):
            points[n, 0], points[n, 1] = right - 0.25 - 0.5 * k, bottom
            n += 1
    if camera_x > left:
        for k in range(2 * rows):
            points[n, 0], points[n, 1] = left, bottom - 0.25 - 0.5 * k
            n += 1
    return points[:n]


@numba.njit(cache=True)
def _sky_at(azimuth, azimuths, tangents):
    """Tangent of the lowest sky ray at an azimuth, linear between samples; +inf beyond them and beside NaN."""
    n = azimuths.size
    if n == 0:
        return np.inf
    azimuth = azimuths[0] + (azimuth - azimuths[0]) % (2.0 * math.pi)
    if azimuth > azimuths[n - 1]:
        return np.inf
    after = min(np.searchsorted(azimuths, azimuth), n - 1)
    before = max(after - 1, 0)
    if azimuths[after] == azimuth:
        tangent = tangents[after]
    else:
        share = (azimuth - azimuths[before]) / (azimuths[after] - azimuths[before])
        tangent = (1.0 - share) * tangents[before] + share * tangents[after]
    return np.inf if math.isnan(tangent) else tangent


@numba.njit(cache=True)
def _walk(tangents, lowest, rows, cols, x, y, ux, uy, sky, sky_above, cells, passed, horizons):
    """Lower `lowest` (rows * cols) along one ray from (x, y) in columns and rows toward (ux, uy).

    tangents: (rows * cols) of visible cells, NaN elsewhere.   cells, passed, horizons: scratch for the longest ray.
    sky_above: the sky begins at the horizon of the visible cells.
    """
    enter, leave = 0.0, np.inf
    if ux != 0.0:
        a, b = (-0.5 - x) / ux, (cols - 0.5 - x) / ux
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    elif not -0.5 <= x <= cols - 0.5:
        return
    if uy != 0.0:
        a, b = (-0.5 - y) / uy, (rows - 0.5 - y) / uy
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    elif not -0.5 <= y <= rows - 0.5:
        return
    if enter >= leave:
        return
    col = min(max(math.floor(x + enter * ux + 0.5), 0), cols - 1)
    row = min(max(math.floor(y + enter * uy + 0.5), 0), rows - 1)
    step_col, step_row = (1 if ux > 0 else -1), (1 if uy > 0 else -1)
    next_col = (col + 0.5 * step_col - x) / ux if ux != 0.0 else np.inf
    next_row = (row + 0.5 * step_row - y) / uy if uy != 0.0 else np.inf
    delta_col = abs(1.0 / ux) if ux != 0.0 else np.inf
    delta_row = abs(1.0 / uy) if uy != 0.0 else np.inf
    n = 0
    horizon = np.float32(-np.inf)
    cell, step_down = row * cols + col, step_row * cols
    cols_left = cols - 1 - col if step_col > 0 else col
    rows_left = rows - 1 - row if step_row > 0 else row
    while True:
        tangent = tangents[cell]
        cells[n], passed[n], horizons[n] = cell, tangent, horizon
        n += 1
        if tangent > horizon:  # never for NaN
            horizon = tangent
        if next_col < next_row:
            cols_left -= 1
            if cols_left < 0:
                break
            cell += step_col
            next_col += delta_col
        else:
            rows_left -= 1
            if rows_left < 0:
                break
            cell += step_down
            next_row += delta_row
    ahead = np.float32(sky)
    for k in range(n - 1, -1, -1):
        tangent = passed[k]
        if tangent == tangent:  # visible
            ahead = min(ahead, tangent)
            continue
        horizon = horizons[k]
        limit = max(ahead, horizon)
        if sky_above and limit == np.inf and horizon > -np.inf:
            limit = horizon
        cell = cells[k]
        lowest[cell] = min(lowest[cell], limit)


@numba.njit(cache=True, parallel=True)
def _view_bound(heights, visible, dx, camera_x, camera_y, camera_z, rays, azimuths, sky_azimuths, sky_tangents, middle,
                half_width, chunks):
    """float32 (rows, cols) Z_max; camera_x, camera_y in columns and rows; rays: (n, 2) unit directions in columns, rows."""
    rows, cols = heights.shape
    tangents = np.empty((rows, cols), np.float32)
    for row in numba.prange(rows):
        for col in range(cols):
            away = math.hypot(col - camera_x, row - camera_y)
            seen = visible[row, col] and away >= _NEAREST
            tangents[row, col] = (heights[row, col] - camera_z) / (away * dx) if seen else np.nan
    flat = tangents.reshape(-1)
    lowest = np.full((chunks, rows * cols), np.float32(np.inf), np.float32)
    for chunk in numba.prange(chunks):
        cells = np.empty(rows + cols + 4, np.int32)
        passed, horizons = np.empty(rows + cols + 4, np.float32), np.empty(rows + cols + 4, np.float32)
        for k in range(rays.shape[0] * chunk // chunks, rays.shape[0] * (chunk + 1) // chunks):
            sky = _sky_at(azimuths[k], sky_azimuths, sky_tangents)
            _walk(flat, lowest[chunk], rows, cols, camera_x, camera_y, rays[k, 0], rays[k, 1], sky, sky_azimuths.size == 0,
                  cells, passed, horizons)
    bound = np.empty((rows, cols), np.float32)
    for row in numba.prange(rows):
        for col in range(cols):
            limit = np.float32(np.inf)
            if not visible[row, col]:
                for chunk in range(chunks):
                    limit = min(limit, lowest[chunk, row * cols + col])
            if limit < np.inf:
                x, y = col - camera_x, camera_y - row
                off = abs((math.atan2(x, y) - middle + math.pi) % (2.0 * math.pi) - math.pi)
                limit = np.float32(camera_z + math.hypot(x, y) * dx * limit) if off <= half_width else np.float32(np.inf)
            bound[row, col] = limit
    return bound


def view_bound(
    heights: np.ndarray,
    visible: np.ndarray,
    dx_m: float,
    origin_m: tuple[float, float],
    camera_m: tuple[float, float, float],
    azimuth_min_rad: float,
    azimuth_max_rad: float,
    sky_azimuth_rad: np.ndarray | None = None,
    sky_tangent: np.ndarray | None = None,
) -> np.ndarray:
    """Z_max of hidden ground seen from one camera: float32 (rows, cols), meters.

    heights: (rows, cols), meters, read only where visible.   visible: bool (rows, cols); the rest is transparent.
    dx_m: cell size, meters.   origin_m: world (x, y) of the center of cell (0, 0).   camera_m: world (x, y, z), in the grid
    or beside it.   azimuth_min_rad, azimuth_max_rad: what the camera sees, 0 toward +y, positive to the right.
    sky_azimuth_rad, sky_tangent: (n,) azimuths in rising order and the tangent of the elevation of the lowest ray there
    that reaches the sky; linear between samples, NaN (foreground) and azimuths beyond the samples say nothing.

    A hidden cell at distance d gets z_cam + d * max(horizon, lowest tangent farther out), the least over the azimuths that
    cross it; `horizon` is the highest tangent of visible cells before it, `farther out` are visible cells and the sky. With
    nothing farther out no ray passes: +inf, unless no sky is given at all; then sky is taken to begin at the horizon.
    +inf also at visible cells and where the center of the cell lies outside of the azimuths seen.
    Raises KernelInputError on shapes that do not fit, visible heights that are not finite, or azimuths out of order.
    Source: P2P section 4.4, algorithm 2, in the limit of dense rays.
    """
    seen = np.ascontiguousarray(visible, bool)
    grid = np.ascontiguousarray(heights, np.float32)
    if grid.ndim != 2 or grid.size == 0 or seen.shape != grid.shape:
        raise KernelInputError(f"heights {grid.shape} and visible {seen.shape} must be one (rows, cols)")
    if not np.isfinite(grid[seen]).all():
        raise KernelInputError("heights hold NaN or infinity at visible cells")
    if not (math.isfinite(dx_m) and dx_m > 0):
        raise KernelInputError(f"dx_m is {dx_m}; a cell size in meters is positive")
    if not all(math.isfinite(value) for value in (*origin_m, *camera_m, azimuth_min_rad, azimuth_max_rad)):
        raise KernelInputError("origin_m, camera_m and the azimuths must be finite")
    if azimuth_max_rad <= azimuth_min_rad:
        raise KernelInputError(f"azimuths from {azimuth_min_rad} to {azimuth_max_rad} rad enclose nothing")
    sky_azimuths, sky_tangents = _sky(sky_azimuth_rad, sky_tangent)
    camera_x = (camera_m[0] - origin_m[0]) / dx_m
    camera_y = (origin_m[1] - camera_m[1]) / dx_m
    middle, half_width = 0.5 * (azimuth_min_rad + azimuth_max_rad), 0.5 * (azimuth_max_rad - azimuth_min_rad)
    toward = _exits(grid.shape[0], grid.shape[1], camera_x, camera_y) - (camera_x, camera_y)
    azimuths = np.arctan2(toward[:, 0], -toward[:, 1])
    off = (azimuths - middle + math.pi) % (2 * math.pi) - math.pi
    ring = middle + off[np.abs(off) <= half_width]
    edges = [] if half_width >= math.pi else [azimuth_min_rad, azimuth_max_rad]
    azimuths = np.sort(np.concatenate([ring, edges]))
    rays = np.stack([np.sin(azimuths), -np.cos(azimuths)], axis=1)
    chunks = max(1, min(numba.get_num_threads(), 8, _SCRATCH_BYTES // (4 * grid.size)))
    return _view_bound(grid, seen, float(dx_m), float(camera_x), float(camera_y), float(camera_m[2]), rays, azimuths,
                       sky_azimuths, sky_tangents, middle, half_width, chunks)


def _sky(azimuth: np.ndarray | None, tangent: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Checked samples of the sky, float64 (n,) each; none become empty arrays."""
    if azimuth is None and tangent is None:
        return np.empty(0), np.empty(0)
    if azimuth is None or tangent is None:
        raise KernelInputError("sky_azimuth_rad and sky_tangent go together")
    azimuths, tangents = np.ascontiguousarray(azimuth, np.float64), np.ascontiguousarray(tangent, np.float64)
    if azimuths.ndim != 1 or azimuths.shape != tangents.shape:
        raise KernelInputError(f"sky_azimuth_rad {azimuths.shape} and sky_tangent {tangents.shape} must be one (n,)")
    if not np.isfinite(azimuths).all() or (np.diff(azimuths) < 0).any():
        raise KernelInputError("sky_azimuth_rad must be finite and must not fall")
    return azimuths, tangents
