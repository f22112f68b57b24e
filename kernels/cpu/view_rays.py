"""Rays of the view bound: two a border cell and the two edges of what the camera sees, sorted by octant and slope.

An octant is one half of the rays along one axis: octant // 2 is 0 or 1 for rays along rows (toward the last, toward the
first), 2 or 3 along columns; octant % 2 is 1 for rays toward lower lanes. Neighbors in this order pass neighboring cells.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .. import rays

AZIMUTH_SLACK = 1e-9
"""Radians; arc tangents differ in the last bit between libraries, and no structured angle sits on the edge with this."""

_exit_direction = numba.njit(cache=True, nogil=True)(rays.exit_direction)
_ray = numba.njit(cache=True, nogil=True)(rays.ray)


@numba.njit(cache=True, nogil=True)
def sky_at(azimuth, azimuths, tangents):
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
def _all_rays(rows, cols, x, y, middle, half_width, sky_azimuths, sky_tangents, table, skies):
    """Fill `table` (n, 6): octant, first step, last step, position at step 0, slope, start; `skies` (n,). How many."""
    n = 0
    edges = 2 if half_width < math.pi else 0
    for k in range(4 * (rows + cols) + edges):
        if k < 4 * (rows + cols):
            ux, uy = _exit_direction(k, rows, cols, x, y)
            if ux == 0.0 and uy == 0.0:
                continue
            azimuth = math.atan2(ux, -uy)
            if abs((azimuth - middle + math.pi) % (2.0 * math.pi) - math.pi) > half_width + AZIMUTH_SLACK:
                continue
        else:
            azimuth = middle + (half_width if k % 2 == 0 else -half_width)
            ux, uy = math.sin(azimuth), -math.cos(azimuth)
        steps, _base, along, across, _width, start, position, slope = _ray(x, y, ux, uy, rows, cols)
        if steps == 0:
            continue
        by_rows = abs(uy) >= abs(ux)
        # the first step from the base: lanes are counted from the side that `across` leads away from
        lanes_before = (0 if across > 0 else cols - 1) if by_rows else (0 if across > 0 else (rows - 1) * cols)
        first = (_base - lanes_before) // cols if by_rows else _base - lanes_before
        if along < 0:
            first = (rows if by_rows else cols) - 1 - first
        table[n, 0] = (0 if by_rows else 4) + (2 if along < 0 else 0) + (1 if across < 0 else 0)
        table[n, 1], table[n, 2] = first, first + steps - 1
        table[n, 3], table[n, 4], table[n, 5] = position - first * slope, slope, start
        skies[n] = sky_at(azimuth, sky_azimuths, sky_tangents)
        n += 1
    return n


def sorted_rays(rows, cols, x, y, azimuth_min, azimuth_max, sky_azimuths, sky_tangents) -> tuple[np.ndarray, np.ndarray]:
    """int64 (n, 6): octant, first and last step, position at step 0, slope and start as in `rays.ray`; float32 (n,) skies.

    x, y: the camera's column and row.
    """
    table, skies = np.empty((4 * (rows + cols) + 2, 6), np.int64), np.empty(4 * (rows + cols) + 2, np.float32)
    middle, half_width = 0.5 * (azimuth_min + azimuth_max), 0.5 * (azimuth_max - azimuth_min)
    n = _all_rays(rows, cols, x, y, middle, half_width, sky_azimuths, sky_tangents, table, skies)
    order = np.argsort(table[:n, 0] * 2**33 + table[:n, 4], kind="stable")
    return table[order], skies[order]
