"""The view bound Z_max: the height above which hidden ground would hide visible ground or rise over the skyline.

Pixels2Peaks algorithm 2 takes the minimum over rays of the height at which a ray passes over a cell. Marching rays
through a grid wastes nearly all of its steps; in one vertical plane the answer is

    Z_max(c) = z_camera + d(c) * max(horizon before c, min(tangents of visible cells beyond c, tangent of the sky))

since the rays that pass over c are those above the horizon so far, and they end on visible ground beyond or in the sky.
With nothing beyond and no word about the sky the horizon so far counts: the limit of algorithm 2 for dense rays. Where
ground beyond begins right over the horizon, as it does in a dense picture, both limits agree; where cells beyond are
unknown or masked the rays through them say nothing, and the bound is that of the next ray that does. Ground before the
first visible cell (under the picture's lower edge) lies under the ray to that cell.

Rays follow rows or columns (whichever they cross faster), read heights between two cells, and lie half a cell apart at
the farthest edge: two a border cell. A cell takes the minimum over the rays through it, so the bound is on the safe
side by what a cell is wide. A cell's own height never bounds it: rays stop half a cell before it.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from .errors import KernelInputError, checked_mask, checked_number, checked_point, checked_positive, checked_shape

RAYS_PER_CELL = 2.0


@numba.njit(cache=True, nogil=True)
def _sky(azimuth, azimuths, tangents):
    """Tangent of the sky ray at an azimuth, linear between samples; NaN where nothing is said."""
    n = azimuths.size
    if n == 0 or not (azimuths[0] <= azimuth <= azimuths[n - 1]):
        return np.nan
    k = np.searchsorted(azimuths, azimuth)
    if k == 0 or azimuths[k] == azimuth:
        return tangents[k]
    share = (azimuth - azimuths[k - 1]) / (azimuths[k] - azimuths[k - 1])
    return tangents[k - 1] + share * (tangents[k] - tangents[k - 1])


@numba.njit(cache=True, nogil=True)
def _ray(z, lowest, start, step, major_stride, major0, minors, minor_stride, minor0, side, count, rise, reach, sky,
         horizon, tangent):
    """One ray over `count` steps; lowers `lowest`, the tangent per cell, on unknown cells it passes.

    z: float32 (n,), NaN unknown.   The ray crosses major lines start, start + step, ... at minor0 + side * distance.
    rise, reach: camera height and meters of ray per major cell.   sky: tangent or NaN.   horizon, tangent: scratch.
    """
    top = np.float32(-np.inf)
    before = np.int64(-1)
    for k in range(count):
        horizon[k] = top
        major = start + k * step
        away = abs(major - major0)
        minor = minor0 + side * away
        near = min(max(int(math.floor(minor + 0.5)), 0), minors - 1)
        line = major * major_stride
        h = z[line + near * minor_stride]
        if h != h:
            tangent[k] = np.inf
            continue
        share = minor - near
        other = near + 1 if share > 0.0 else near - 1
        if 0 <= other < minors:
            beside = z[line + other * minor_stride]
            if beside == beside:
                h += np.float32(abs(share)) * (beside - h)
        t = np.float32((h - rise) / (away * reach))
        tangent[k] = t
        top = max(top, t)
        before = k
    beyond = np.float32(np.inf) if sky != sky else np.float32(sky)
    if before < 0 and beyond == np.inf:
        return
    for k in range(count - 1, -1, -1):
        if tangent[k] < np.inf:
            beyond = min(beyond, tangent[k])
            continue
        bound = horizon[k] if beyond == np.inf else max(horizon[k], beyond)
        if bound == -np.inf:
            continue
        major = start + k * step
        minor = minor0 + side * abs(major - major0)
        near = min(max(int(math.floor(minor + 0.5)), 0), minors - 1)
        cell = major * major_stride + near * minor_stride
        if bound < lowest[cell]:
            lowest[cell] = bound


@numba.njit(cache=True, nogil=True)
def _inside(azimuth, azimuth_min, width):
    turned = (azimuth - azimuth_min) % (2.0 * math.pi)
    return turned <= width or width >= 2.0 * math.pi


@numba.njit(cache=True, nogil=True)
def _sector(z, lowest, rows, cols, quarter, row0, col0, z_camera, dx, azimuth_min, width, azimuths, tangents):
    """All rays that run mainly up (quarter 0), down (1), left (2) or right (3) the grid."""
    if quarter < 2:
        majors, minors, major_stride, minor_stride, major0, minor0 = rows, cols, cols, 1, row0, col0
    else:
        majors, minors, major_stride, minor_stride, major0, minor0 = cols, rows, 1, cols, col0, row0
    step = -1 if quarter % 2 == 0 else 1
    # the first line at least half a cell away, and the last one
    if step > 0:
        first, last = max(0, int(math.ceil(major0 + 0.5))), majors - 1
    else:
        first, last = min(majors - 1, int(math.floor(major0 - 0.5))), 0
    if (last - first) * step < 0:
        return
    nearest, farthest = abs(first - major0), abs(last - major0)
    low, high = -0.5 - minor0, minors - 0.5 - minor0
    side_min = max(-1.0, min(low / nearest, low / farthest))
    side_max = min(1.0, max(high / nearest, high / farthest))
    gap = 1.0 / (RAYS_PER_CELL * farthest)
    size = abs(last - first) + 1
    horizon, tangent = np.empty(size, np.float32), np.empty(size, np.float32)
    for q in range(int(math.floor(side_min / gap)), int(math.ceil(side_max / gap)) + 1):
        side = min(max(q * gap, -1.0), 1.0)
        if quarter < 2:
            azimuth = math.atan2(side, -1.0 * step)
        else:
            azimuth = math.atan2(1.0 * step, -side)
        if not _inside(azimuth, azimuth_min, width):
            continue
        enter, leave = nearest, farthest  # distances within the grid
        if side != 0.0:
            a, b = low / side, high / side
            enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
        elif not low <= 0.0 <= high:
            continue
        if enter > leave:
            continue
        skip = int(math.ceil(enter - nearest))
        count = int(math.floor(leave - nearest)) - skip + 1
        if count < 1:
            continue
        sky = _sky(azimuth, azimuths, tangents)
        _ray(z, lowest, first + skip * step, step, major_stride, major0, minors, minor_stride, minor0, side, count,
             z_camera, dx * math.sqrt(1.0 + side * side), sky, horizon, tangent)


@numba.njit(cache=True, nogil=True)
def _heights(lowest, rows, cols, row0, col0, z_camera, dx, azimuth_min, width):
    """float32 (rows, cols): tangents to heights, +inf where there are none or outside of the window. In place."""
    out = lowest.reshape(rows, cols)
    for r in range(rows):
        for c in range(cols):
            if out[r, c] == np.inf:
                continue
            x, y = c - col0, row0 - r
            if width < 2.0 * math.pi and not _inside(math.atan2(x, y), azimuth_min, width):
                out[r, c] = np.inf
            else:
                out[r, c] = z_camera + dx * math.sqrt(x * x + y * y) * out[r, c]
    return out


def _checked_ceiling(ceiling: Any) -> tuple[np.ndarray, np.ndarray]:
    if ceiling is None:
        return np.empty(0), np.empty(0)
    try:
        azimuths, tangents = (np.ascontiguousarray(part, np.float64) for part in ceiling)
    except (TypeError, ValueError):
        raise KernelInputError("The ceiling must be a pair: azimuths and tangents of the sky rays.") from None
    if azimuths.ndim != 1 or azimuths.shape != tangents.shape or not azimuths.size:
        raise KernelInputError(f"The ceiling's parts must be equally long lists, not {azimuths.shape} and {tangents.shape}.")
    if not (np.isfinite(azimuths).all() and (np.diff(azimuths) >= 0).all()):
        raise KernelInputError("The ceiling's azimuths must be finite and rise.")
    if np.isinf(tangents).any():
        raise KernelInputError("The ceiling's tangents must be finite, or NaN where the sky says nothing.")
    return azimuths, tangents


def view_bound(heights: np.ndarray, visible: np.ndarray, dx_m: float, *, origin_m: tuple[float, float],
               camera_m: tuple[float, float, float], azimuth_min: float = -math.pi, azimuth_max: float = math.pi,
               transparent: np.ndarray | None = None,
               ceiling: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Z_max in m: hidden ground above it would hide what is visible, or stand out against the sky (P2P algorithm 2).

    heights: float32 (rows, cols), read only where `visible`, bool.   dx_m: spacing.   origin_m: (x, y) of the center of
    cell (0, 0), rows toward -y.   camera_m: (x, y, z), inside or outside of the grid.   azimuth_min, azimuth_max: the
    field of view in radians, 0 = +y, positive to +x; default all around.   transparent: bool, visible cells that say
    nothing (foreground).   ceiling: azimuths (n,), rising, and tangents (n,) of the elevation of the lowest sky ray
    there; NaN says nothing. Outside of its azimuths the sky says nothing.
    Returns float32 (rows, cols), +inf on visible cells, outside of the field of view and where no ray passes.
    Raises KernelInputError.
    """
    grid = checked_shape(heights)
    dx = checked_positive(dx_m, "dx_m")
    known = checked_mask(visible, grid.shape, "visible")
    if transparent is not None:
        known = known & ~checked_mask(transparent, grid.shape, "transparent")
    z = np.where(known, grid, np.float32(np.nan))
    if not np.isfinite(z[known]).all():
        raise KernelInputError("The heights of visible cells must be finite.")
    x0, y0 = checked_point(origin_m, 2, "origin_m")
    x, y, z_camera = checked_point(camera_m, 3, "camera_m")
    start = checked_number(azimuth_min, "azimuth_min")
    width = checked_number(azimuth_max, "azimuth_max") - start
    if width <= 0:
        raise KernelInputError(f"azimuth_max must lie above azimuth_min, not {width:g} radians from it.")
    azimuths, tangents = _checked_ceiling(ceiling)
    rows, cols = grid.shape
    row0, col0 = (y0 - y) / dx, (x - x0) / dx
    lowest = np.full(rows * cols, np.inf, np.float32)
    for quarter in range(4):
        _sector(z.ravel(), lowest, rows, cols, quarter, row0, col0, z_camera, dx, start, width, azimuths, tangents)
    return _heights(lowest, rows, cols, row0, col0, z_camera, dx, start, width)
