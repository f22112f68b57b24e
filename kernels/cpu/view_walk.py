"""The walk of the view bound: a bundle of neighboring rays steps out together, then back.

All rays of an octant step over the same rows (of the grid, or of the grid turned for rays along columns), so that a step of
a bundle reads and writes a few neighboring cells. Out: the horizon of each ray before each step. Back: the lowest tangent
farther out. Their larger one is the limit of a ray at a cell, and the least limit of all rays is kept for every cell.
"""

from __future__ import annotations

import numba
import numpy as np

BUNDLE = 256
_CROWD = 8
PAD = 4
"""Cells without ground beside each row: rays enter and leave over them."""


@numba.njit(cache=True, nogil=True)
def _cells(positions, slopes, starts, most, zero, sign, onward, one, other):
    """Places in a padded row of the first and the last lane of a step of each ray, within PAD lanes of the grid; then the
    positions move a step `onward`. Places are unsigned, so that reading there needs no test for negative ones."""
    for i in range(positions.size):
        p = positions[i]
        a = (p if p > starts[i] else starts[i]) >> 32
        b = (p + slopes[i] - 1) >> 32
        a = a if a > -PAD else -PAD
        a = a if a < most else most
        b = b if b > a else a
        b = b if b < most else most
        one[i], other[i] = zero + (sign ^ a) - sign, zero + (sign ^ b) - sign
        positions[i] = p + onward * slopes[i]


@numba.njit(cache=True, nogil=True)
def _gather(row, one, other, near, far):
    for i in range(one.size):
        near[i] = row[one[i]]
        far[i] = row[other[i]]


@numba.njit(cache=True, nogil=True)
def _keep_least(lowest, places, limits):
    """Lower cells to the limits of the rays that pass them; neighboring rays share cells."""
    last = places.size - 1
    if abs(np.int64(places[last]) - np.int64(places[0])) * _CROWD > last:
        for i in range(places.size):
            cell = places[i]
            limit, least = limits[i], lowest[cell]
            lowest[cell] = limit if limit < least else least
        return
    # many rays a cell: to read what was written a moment ago takes longer than to notice where a cell ends
    least = limits[0]
    for i in range(1, places.size):
        limit = limits[i]
        if places[i] != places[i - 1]:
            cell = places[i - 1]
            lowest[cell] = min(lowest[cell], least)
            least = limit
        else:
            least = limit if limit < least else least
    cell = places[last]
    lowest[cell] = min(lowest[cell], least)


@numba.njit(cache=True, nogil=True)
def _out(near, far, horizons, before):
    """Note the horizon before a step and raise it by what is passed; no comparison holds for NaN."""
    for i in range(horizons.size):
        horizon = horizons[i]
        before[i] = horizon
        horizon = near[i] if near[i] > horizon else horizon
        horizons[i] = far[i] if far[i] > horizon else horizon


@numba.njit(cache=True, nogil=True)
def _out_opaque(near, far, one, other, horizons, near_limits, far_limits):
    """The same where the horizon itself is the limit; a cell does not hide itself."""
    for i in range(horizons.size):
        horizon = horizons[i]
        near_limits[i] = horizon
        raised = near[i] if near[i] > horizon else horizon
        far_limits[i] = horizon if one[i] == other[i] else raised
        horizons[i] = far[i] if far[i] > raised else raised


@numba.njit(cache=True, nogil=True)
def _back(near, far, before, ahead, sky_above, near_limits, far_limits):
    """What caps cells that are not seen: the lowest tangent farther out, never less than the horizon before them."""
    for i in range(ahead.size):
        horizon, lowest = before[i], ahead[i]
        raised = near[i] if near[i] > horizon else horizon
        limit = lowest if lowest > raised else raised
        far_limits[i] = raised if sky_above and lowest == np.inf and raised > -np.inf else limit
        lowest = far[i] if far[i] < lowest else lowest
        limit = lowest if lowest > horizon else horizon
        near_limits[i] = horizon if sky_above and lowest == np.inf and horizon > -np.inf else limit
        ahead[i] = near[i] if near[i] < lowest else lowest


@numba.njit(cache=True, nogil=True)
def extents(rays, octant, lanes, begin, least, offsets):
    """Where the cells of each step of a piece of an octant lie: their `least` place in a padded row, and `offsets` into the
    memory for lowest tangents from `begin` on, one more than steps. rays: (n, 6) by slope. Returns the end."""
    first, last = rays[:, 1].min(), rays[:, 2].max()
    n = rays.shape[0] - 1
    for step in range(first, last + 1):
        low = ((rays[0, 3] + step * rays[0, 4]) >> 32) - 1
        high = ((rays[n, 3] + (step + 1) * rays[n, 4]) >> 32) + 1
        low, high = min(max(low, -PAD), lanes + PAD - 1), min(max(high, -PAD), lanes + PAD - 1)
        least[step - first] = PAD + (lanes - 1 - high if octant % 2 else low)
        offsets[step - first] = begin
        begin += high - low + 1
    offsets[last + 1 - first] = begin
    return begin


@numba.njit(cache=True, nogil=True)
def walk(tangents, octant, rays, skies, sky_above, opaque, least, offsets, lowest):
    """Lower the cells of a piece of an octant along its rays.

    tangents: (steps, lanes + 2 PAD), NaN where nothing is seen.   rays: (n, 6), see `view_rays.sorted_rays`.
    opaque: all ground is known and hides what lies behind; nothing farther out counts.   lowest: all pieces' cells.
    """
    length, lanes = tangents.shape[0], tangents.shape[1] - 2 * PAD
    most = lanes + PAD - 1
    begin, sign = rays[:, 1].min(), (-1 if octant % 2 else 0)
    zero = PAD + (lanes - 1 if octant % 2 else 0)
    lowest[offsets[0] : offsets[rays[:, 2].max() + 1 - begin]] = np.inf
    noted = np.empty((1 if opaque else length, BUNDLE), np.float32)
    lanes_of = np.empty((2, BUNDLE), np.uint32)
    floats = np.empty((6, BUNDLE), np.float32)
    for k in range(0, rays.shape[0], BUNDLE):
        bundle = rays[k : k + BUNDLE]
        n = bundle.shape[0]
        first, last = bundle[:, 1].min(), bundle[:, 2].max()
        slopes, starts = bundle[:, 4].copy(), bundle[:, 5].copy()
        positions = bundle[:, 3] + first * slopes
        one, other = lanes_of[0, :n], lanes_of[1, :n]
        near, far, near_limits, far_limits = floats[0, :n], floats[1, :n], floats[2, :n], floats[3, :n]
        horizons, ahead = floats[4, :n], floats[5, :n]
        horizons[:] = -np.inf
        for step in range(first, last + 1):
            row = tangents[length - 1 - step if octant & 2 else step]
            _cells(positions, slopes, starts, most, zero, sign, 1, one, other)
            _gather(row, one, other, near, far)
            if opaque:
                cells = lowest[offsets[step - begin] - least[step - begin] :]
                _out_opaque(near, far, one, other, horizons, near_limits, far_limits)
                _keep_least(cells, one, near_limits)
                _keep_least(cells, other, far_limits)
            else:
                _out(near, far, horizons, noted[step - first])
        if opaque:
            continue
        ahead[:] = skies[k : k + n]
        positions -= slopes
        for step in range(last, first - 1, -1):
            row = tangents[length - 1 - step if octant & 2 else step]
            cells = lowest[offsets[step - begin] - least[step - begin] :]
            _cells(positions, slopes, starts, most, zero, sign, -1, one, other)
            _gather(row, one, other, near, far)
            _back(near, far, noted[step - first], ahead, sky_above, near_limits, far_limits)
            _keep_least(cells, other, far_limits)
            _keep_least(cells, one, near_limits)
