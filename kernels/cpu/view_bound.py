"""Loops of the view bound: rays from the camera, cell by cell, out and back."""

from __future__ import annotations

import math
from functools import partial

import numba
import numpy as np

from .threads import bands, run

_NEAREST = 0.5  # cells; the ground at the camera's own feet has no elevation angle


@numba.njit(cache=True, nogil=True)
def exits(rows, cols, camera_x, camera_y):
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def fill_tangents(heights, visible, dx, camera_x, camera_y, camera_z, tangents, first, last):
    """Elevation tangents of visible cells of rows [first, last), NaN elsewhere."""
    for row in range(first, last):
        for col in range(heights.shape[1]):
            away = math.hypot(col - camera_x, row - camera_y)
            seen = visible[row, col] and away >= _NEAREST
            tangents[row, col] = (heights[row, col] - camera_z) / (away * dx) if seen else np.nan


@numba.njit(cache=True, nogil=True)
def walk_rays(tangents, lowest, rays, azimuths, sky_azimuths, sky_tangents, camera_x, camera_y, first, last):
    """Lower `lowest` (rows * cols) along rays [first, last)."""
    rows, cols = tangents.shape
    flat = tangents.reshape(-1)
    lowest[:] = np.inf
    cells = np.empty(rows + cols + 4, np.int32)
    passed, horizons = np.empty(rows + cols + 4, np.float32), np.empty(rows + cols + 4, np.float32)
    for k in range(first, last):
        sky = _sky_at(azimuths[k], sky_azimuths, sky_tangents)
        _walk(flat, lowest, rows, cols, camera_x, camera_y, rays[k, 0], rays[k, 1], sky, sky_azimuths.size == 0,
              cells, passed, horizons)


@numba.njit(cache=True, nogil=True)
def write_bound(lowest, visible, dx, camera_x, camera_y, camera_z, middle, half_width, bound, first, last):
    """Heights of rows [first, last) from the least tangents of each thread (chunks, rows * cols)."""
    rows, cols = bound.shape
    for row in range(first, last):
        for col in range(cols):
            limit = np.float32(np.inf)
            if not visible[row, col]:
                for chunk in range(lowest.shape[0]):
                    limit = min(limit, lowest[chunk, row * cols + col])
            if limit < np.inf:
                x, y = col - camera_x, camera_y - row
                off = abs((math.atan2(x, y) - middle + math.pi) % (2.0 * math.pi) - math.pi)
                limit = np.float32(camera_z + math.hypot(x, y) * dx * limit) if off <= half_width else np.float32(np.inf)
            bound[row, col] = limit


def view_bound(heights, visible, dx, origin, camera, azimuth_min, azimuth_max, sky_azimuths, sky_tangents, workspace):
    """Checked arguments of the public face; float32 (rows, cols)."""
    rows, cols = heights.shape
    camera_x, camera_y = (camera[0] - origin[0]) / dx, (origin[1] - camera[1]) / dx
    middle, half_width = 0.5 * (azimuth_min + azimuth_max), 0.5 * (azimuth_max - azimuth_min)
    toward = exits(rows, cols, camera_x, camera_y) - (camera_x, camera_y)
    azimuths = np.arctan2(toward[:, 0], -toward[:, 1])
    off = (azimuths - middle + math.pi) % (2 * math.pi) - math.pi
    ring = middle + off[np.abs(off) <= half_width]
    edges = [] if half_width >= math.pi else [azimuth_min, azimuth_max]
    azimuths = np.sort(np.concatenate([ring, edges]))
    rays = np.stack([np.sin(azimuths), -np.cos(azimuths)], axis=1)
    parts = bands(len(rays))
    tangents = workspace.take("tangents", (rows, cols), np.float32)
    lowest = workspace.take("lowest", (len(parts), rows * cols), np.float32)
    bound = np.empty((rows, cols), np.float32)
    run([partial(fill_tangents, heights, visible, dx, camera_x, camera_y, camera[2], tangents, *part) for part in bands(rows)])
    run([partial(walk_rays, tangents, lowest[i], rays, azimuths, sky_azimuths, sky_tangents, camera_x, camera_y, *part)
         for i, part in enumerate(parts)])
    run([partial(write_bound, lowest, visible, dx, camera_x, camera_y, camera[2], middle, half_width, bound, *part)
         for part in bands(rows)])
    return bound
