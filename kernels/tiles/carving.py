"""Breaching along routed directions in fixed point: minima from the springs down, within a tile and between tiles.

A cell ends at the least of (height upstream - steps from there x epsilon): along the graph of ways out of tiles this is a
minimum with constants that each tile can say beforehand, so two passes are exact, as with accumulation (downstream.py).
Fixed cells keep their height, which blocks what comes from above them.
"""

from __future__ import annotations

import numba
import numpy as np

from ..fixed_point import LOWEST
from .codes import FRAME, NOTHING, STAY, steps_of
from .downstream import degrees, inflows
from .levels import step
from .tiling import at

BLOCKED = -1
_UNKNOWN = -2


@numba.njit(cache=True, nogil=True)
def to_units(z, scale):
    """int32, of the same shape: heights in units, as `kernels.breach` rounds them; NaN is too low to be lowered."""
    out = np.empty(z.shape, np.int32)
    heights, units = z.ravel(), out.ravel()
    for k in range(heights.size):
        units[k] = LOWEST if np.isnan(heights[k]) else np.int32(np.rint(np.float64(heights[k]) * scale))
    return out


@numba.njit(cache=True, nogil=True)
def carve(units, codes, fixed, cells, inflow, epsilon):
    """Lower what lies too high, from the springs down, in place. False if heights run out of range.

    fixed: bool, as all grids with one cell around the tile, or empty.   cells, inflow: cells and units, int64, that they must not
    exceed. What is in the frame is meaningless afterwards.
    """
    cols = codes.shape[1]
    some_fixed = fixed.size > 0
    flat, steps, degree, height, kept = codes.ravel(), steps_of(codes), degrees(codes).ravel(), units.ravel(), fixed.ravel()
    for k in range(cells.size):
        if inflow[k] < height[cells[k]] and not (some_fixed and kept[cells[k]]):
            height[cells[k]] = inflow[k]
    for spring in range(cols + 1, codes.size - cols - 1):
        cell = spring
        while degree[np.uintp(cell)] == 0:
            degree[np.uintp(cell)] = 255
            target = cell + steps[flat[np.uintp(cell)]]
            if target == cell:
                break
            least = np.int64(height[np.uintp(cell)]) - epsilon
            if height[np.uintp(target)] > least and not (some_fixed and kept[np.uintp(target)]):
                if least < LOWEST:
                    return False
                height[np.uintp(target)] = least
            degree[np.uintp(target)] -= np.uint8(1)
            cell = target
    return True


@numba.njit(cache=True, nogil=True)
def start_counting(codes):
    """int32, of the same shape, for `count_steps`."""
    return np.full(codes.shape, _UNKNOWN, np.int32)


@numba.njit(cache=True, nogil=True)
def count_steps(codes, fixed, counts, first, last, stride):
    """Steps to its root within the tile, or BLOCKED if a fixed cell lies there or between, in place in `counts`.

    For the cells first, first + stride, ... before `last`, and all on their ways down.
    """
    flat, steps, kept, out = codes.ravel(), steps_of(codes), fixed.ravel(), counts.ravel()
    some_fixed = fixed.size > 0
    for start in range(first, last, stride):
        cell, length, blocked = start, 0, 0
        while out[cell] == _UNKNOWN:
            length += 1
            if some_fixed and kept[cell]:
                blocked = length
            target = cell + steps[flat[cell]]
            if target == cell or flat[target] == FRAME:
                break
            cell = target
        beyond = -1 if out[cell] == _UNKNOWN else out[cell]  # the last cell found is a root, 0 steps from itself
        if out[cell] == BLOCKED:
            blocked = length
        cell = start
        for k in range(length):
            out[cell] = BLOCKED if k < blocked else beyond + length - k
            cell += steps[flat[cell]]


@numba.njit(cache=True, nogil=True)
def carve_between(ways, cells, nodes, units, steps, cols, epsilon):
    """What comes into each tile: flat cells int64 of the whole grid, and units int64 that they must not exceed.

    units: int64 (nodes,) each node's height after its own tile was carved.   nodes, steps: `tiling.Seams`.
    """
    degree, following = inflows(ways, cells, nodes, cols)
    least = units.copy()
    into = np.empty(ways.size, np.int64)
    limit = np.empty(ways.size, np.int64)
    size = 0
    for spring in range(1, ways.size):
        node = spring
        while node > 0 and degree[node] == 0:
            degree[node] = -1
            after = following[node]
            if after < 0:
                break
            r, c = step(np.int64(cells[node]), ways[node], cols)
            into[size], limit[size] = r * cols + c, least[node] - epsilon
            far = at(steps, r, c)
            if far != BLOCKED:
                least[after] = min(least[after], limit[size] - far * epsilon)
            size += 1
            degree[after] -= 1
            node = after
    return into[:size].copy(), limit[:size].copy()


@numba.njit(cache=True, nogil=True)
def write_back(z, units, codes, fixed, unit, scale, epsilon):
    """float32 (rows, cols) carved heights, only changed cells differ; and the numbers of the report.

    z, units, codes, fixed: with one cell around. Returns also cells changed, violations, sum of cuts, deepest cut, deepest cut
    of an outlet.
    """
    out = z[1:-1, 1:-1].copy()
    changed, violations = 0, 0
    total, deepest, border = 0.0, 0.0, 0.0
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            code, now = np.int64(codes[r + 1, c + 1]), np.int64(units[r + 1, c + 1])
            if code == NOTHING:
                continue
            before = np.float64(out[r, c])
            if now != np.int64(np.rint(before * scale)):
                out[r, c] = np.float32(now * unit)
                cut = before - np.float64(out[r, c])
                changed += 1
                total += cut
                deepest = max(deepest, cut)
                if code == STAY:
                    border = max(border, cut)
            if fixed.size > 0 and code != STAY:
                i, j = r + code // 3, c + code % 3
                # only a fixed cell can lie too high, and that one has its height still
                if fixed[i, j] and np.rint(np.float64(z[i, j]) * scale) > now - epsilon:
                    violations += 1
    return out, changed, violations, total, deepest, border
