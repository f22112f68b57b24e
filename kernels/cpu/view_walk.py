"""The walk of the view bound: a bundle of neighboring rays steps out together, then back.

All rays of an octant step over the same rows (of the grid, or of the grid turned for rays along columns), so that a step of
a bundle reads and writes a few neighboring cells. Out: the horizon of each ray before each step. Back: the lowest tangent
farther out. Their larger one is the limit of a ray at a cell, and the least limit of all rays is kept for every cell.
"""

from __future__ import annotations

import numba
import numpy as np

BUNDLE = 64
PAD = 4
"""Cells without ground beside each row: rays enter and leave over them."""


@numba.njit(cache=True, nogil=True)
def _cells(positions, slopes, starts, most, onward, one, other):
    """The first and last lane of a step of each ray, within PAD lanes of the grid; then the positions move a step `onward`."""
    for i in range(positions.size):
        p = positions[i]
        a = (p if p > starts[i] else starts[i]) >> 32
        b = (p + slopes[i] - 1) >> 32
        a = a if a > -PAD else -PAD
        a = a if a < most else most
        b = b if b > a else a
        b = b if b < most else most
        one[i], other[i] = a, b
        positions[i] = p + onward * slopes[i]


@numba.njit(cache=True, nogil=True)
def _gather(row, zero, sign, lanes, values):
    """Tangents at lanes counted from place `zero` of a padded row."""
    for i in range(lanes.size):
        values[i] = row[zero + sign * lanes[i]]


@numba.njit(cache=True, nogil=True)
def _keep_least(lowest, least, lanes, limits):
    """Lower a step's cells, of which lane `least` comes first."""
    for i in range(lanes.size):
        cell = lanes[i] - least
        if limits[i] < lowest[cell]:
            lowest[cell] = limits[i]


@numba.njit(cache=True, nogil=True)
def _rise(horizons, passed):
    for i in range(horizons.size):
        horizons[i] = passed[i] if passed[i] > horizons[i] else horizons[i]  # never for NaN


@numba.njit(cache=True, nogil=True)
def _limits(ahead, horizons, sky_above, limits):
    """What caps a cell that is not seen: the lowest tangent farther out, never less than the horizon before it."""
    for i in range(limits.size):
        limit = ahead[i] if ahead[i] > horizons[i] else horizons[i]
        open_above = sky_above and limit == np.inf and horizons[i] > -np.inf
        limits[i] = horizons[i] if open_above else limit


@numba.njit(cache=True, nogil=True)
def _sink(ahead, passed):
    for i in range(ahead.size):
        ahead[i] = passed[i] if passed[i] < ahead[i] else ahead[i]  # never for NaN


@numba.njit(cache=True, nogil=True)
def extents(rays, lanes, begin, least, offsets):
    """Where the cells of each step of a piece of an octant lie: `least` lane, and `offsets` into its lowest tangents from
    `begin` on, one more than steps. rays: (n, 6) by slope. Returns the end."""
    first, last = rays[:, 1].min(), rays[:, 2].max()
    n = rays.shape[0] - 1
    for step in range(first, last + 1):
        low = ((rays[0, 3] + step * rays[0, 4]) >> 32) - 1
        high = ((rays[n, 3] + (step + 1) * rays[n, 4]) >> 32) + 1
        low, high = min(max(low, -PAD), lanes + PAD - 1), min(max(high, -PAD), lanes + PAD - 1)
        least[step - first], offsets[step - first] = low, begin
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
    begin, sign = rays[:, 1].min(), (-1 if octant % 2 else 1)
    zero = PAD + (lanes - 1 if octant % 2 else 0)
    lowest[offsets[0] : offsets[rays[:, 2].max() + 1 - begin]] = np.inf
    before = np.empty((1 if opaque else length, BUNDLE), np.float32)
    ones, others = np.empty(BUNDLE, np.int32), np.empty(BUNDLE, np.int32)
    floats = np.empty((6, BUNDLE), np.float32)
    for k in range(0, rays.shape[0], BUNDLE):
        bundle = rays[k : k + BUNDLE]
        n = bundle.shape[0]
        first, last = bundle[:, 1].min(), bundle[:, 2].max()
        slopes, starts = bundle[:, 4].copy(), bundle[:, 5].copy()
        positions = bundle[:, 3] + first * slopes
        one, other = ones[:n], others[:n]
        near, far, near_limit, far_limit, horizon, ahead = (floats[0, :n], floats[1, :n], floats[2, :n], floats[3, :n],
                                                            floats[4, :n], floats[5, :n])
        horizon[:] = -np.inf
        for step in range(first, last + 1):
            row = tangents[length - 1 - step if octant & 2 else step]
            _cells(positions, slopes, starts, lanes + PAD - 1, 1, one, other)
            _gather(row, zero, sign, one, near)
            _gather(row, zero, sign, other, far)
            if opaque:
                low = lowest[offsets[step - begin] : offsets[step - begin + 1]]
                _keep_least(low, least[step - begin], one, horizon)
                for i in range(n):  # a cell does not hide itself
                    near_limit[i] = horizon[i] if one[i] == other[i] or not near[i] > horizon[i] else near[i]
                _keep_least(low, least[step - begin], other, near_limit)
            else:
                before[step - first, :n] = horizon
            _rise(horizon, near)
            _rise(horizon, far)
        if opaque:
            continue
        ahead[:] = skies[k : k + n]
        positions -= slopes
        for step in range(last, first - 1, -1):
            row = tangents[length - 1 - step if octant & 2 else step]
            low = lowest[offsets[step - begin] : offsets[step - begin + 1]]
            _cells(positions, slopes, starts, lanes + PAD - 1, -1, one, other)
            _gather(row, zero, sign, one, near)
            _gather(row, zero, sign, other, far)
            horizon[:] = before[step - first, :n]
            near_limit[:] = horizon
            _rise(horizon, near)
            _limits(ahead, horizon, sky_above, far_limit)
            _sink(ahead, far)
            _limits(ahead, near_limit, sky_above, near_limit)
            _sink(ahead, near)
            _keep_least(low, least[step - begin], other, far_limit)
            _keep_least(low, least[step - begin], one, near_limit)
