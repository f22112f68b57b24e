"""Lowering cells along routed ways until every step drops enough: in bands of rows, then from basin to basin.

All of it computes u[receiver] = min(u[receiver], u[cell] - epsilon) in integers until nothing changes: the lowest answer is
unique, whatever the order of the work.
"""

from __future__ import annotations

import numba
import numpy as np

from ..fixed_point import LOWEST


@numba.njit(cache=True, nogil=True)
def to_units(first, last, z, scale, stride, units):
    """Padded rows of int32 heights in units of 1 / scale (a power of two: float32 is exact); 0 where there is no data."""
    cols = z.shape[1]
    for r in range(first, last):
        base = (r + 1) * stride + 1
        row, out = z[r], units[base : base + cols]
        for c in range(cols):
            h = row[c] * scale
            out[c] = np.int32(np.rint(h)) if h == h else np.int32(0)


@numba.njit(cache=True, nogil=True, inline="always")
def _gives(cell, target, units, fixed, epsilon):
    """Whether the cell makes its receiver lower."""
    return units[np.uintp(target)] > np.int64(units[np.uintp(cell)]) - epsilon and not (fixed.size > 0 and fixed[target])


@numba.njit(cache=True, nogil=True)
def _walk_down(cell, begin, end, directions, steps, units, fixed, epsilon, budget):
    """Lower what lies too high on the way from a cell on, until it leaves begin..end or meets a way that is turned around."""
    while True:
        code = directions[np.uintp(cell)]
        if code & np.uint8(16):
            break
        target = cell + steps[code]
        if target == cell or target < begin or target >= end or not _gives(cell, target, units, fixed, epsilon):
            break
        least = np.int64(units[cell]) - epsilon
        budget -= 1
        if least < LOWEST or budget < 0:
            return -1
        units[target] = least
        directions[target] |= np.uint8(32)
        cell = target
    return budget


@numba.njit(cache=True, nogil=True)
def push_rows(first, last, directions, steps, stride, labels, undrained, units, fixed, epsilon, budget):
    """Descents that are too flat, within these rows. False if the steps did not suffice."""
    begin, end = (first + 1) * stride, (last + 1) * stride
    for cell in range(begin, end):
        code = directions[np.uintp(cell)]
        target = cell + steps[code]
        if units[np.uintp(target)] <= np.int64(units[np.uintp(cell)]) - epsilon or target == cell:
            continue
        if undrained.size > 0 and undrained[labels[cell]]:
            continue
        budget = _walk_down(cell, begin, end, directions, steps, units, fixed, epsilon, budget)
        if budget < 0:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def push_edges(seams, directions, steps, stride, labels, undrained, units, fixed, epsilon, budget):
    """The same from the rows on both sides of the seams between bands, over the whole grid."""
    for seam in seams:
        for cell in range(seam * stride, (seam + 2) * stride):
            if undrained.size > 0 and undrained[labels[cell]]:
                continue
            budget = _walk_down(cell, 0, units.size, directions, steps, units, fixed, epsilon, budget)
            if budget < 0:
                return False
    return True


@numba.njit(cache=True, nogil=True)
def push_basins(order, reached, pits, inner, directions, steps, units, fixed, epsilon, budget):
    """From the pit of every basin over its pass and on into the next, from the last basins inward: each way once."""
    for k in range(reached - 1, 0, -1):
        basin = order[k]
        cell, last = np.int64(pits[basin - 1]), inner[basin]
        while True:
            target = cell + steps[directions[cell]]
            if _gives(cell, target, units, fixed, epsilon):
                least = np.int64(units[cell]) - epsilon
                if least < LOWEST:
                    return False
                units[target] = least
                directions[target] |= np.uint8(32)
            budget -= 1
            if cell == last:
                cell = target
                break
            cell = target
        budget = _walk_down(cell, 0, units.size, directions, steps, units, fixed, epsilon, budget)
        if budget < 0:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def sweep_down(directions, steps, stride, degree, labels, undrained, units, fixed, epsilon):
    """All of it in one pass from the springs down: O(n) whatever the terrain. False if heights run out of range.

    degree: uint8, how many cells drain into each; emptied.
    """
    for spring in range(stride, units.size - stride):
        cell = spring
        while degree[cell] == 0:
            degree[cell] = 255
            target = cell + steps[directions[cell]]
            if target == cell:
                break
            if _gives(cell, target, units, fixed, epsilon) and not (undrained.size > 0 and undrained[labels[cell]]):
                least = np.int64(units[cell]) - epsilon
                if least < LOWEST:
                    return False
                units[target] = least
                directions[target] |= np.uint8(32)
            degree[target] -= 1
            cell = target
    return True


@numba.njit(cache=True, nogil=True)
def write_back(first, last, z, units, unit, directions, stride, out, totals):
    """Rows of carved heights (only lowered cells differ); totals[r]: the row's cuts. Returns changed, deepest, border cut."""
    words = directions.view(np.uint64)
    mark = np.uint64(0x2020202020202020)
    changed, deepest, border = 0, 0.0, 0.0
    for r in range(first, last):
        out[r] = z[r]
        base = (r + 1) * stride
        total = 0.0
        for w in range(base // 8, (base + stride) // 8):
            if words[np.uintp(w)] & mark == 0:
                continue
            for k in range(8 * w, 8 * w + 8):
                if directions[k] & np.uint8(32) == 0:
                    continue
                c = k - base - 1
                out[r, c] = np.float32(units[k] * unit)
                cut = np.float64(z[r, c]) - np.float64(out[r, c])
                changed += 1
                total += cut
                deepest = max(deepest, cut)
                if directions[k] & np.uint8(15) == 9:
                    border = max(border, cut)
        totals[r] = total
    return changed, deepest, border


@numba.njit(cache=True, nogil=True)
def count_stuck(first, last, directions, steps, stride, units, epsilon):
    """Cells of these rows whose step drops too little."""
    stuck = 0
    for cell in range((first + 1) * stride, (last + 1) * stride):
        target = cell + steps[directions[cell]]
        if target != cell and units[target] > np.int64(units[cell]) - epsilon:
            stuck += 1
    return stuck
