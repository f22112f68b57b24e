"""Breaching along routed directions in fixed point: minima from the springs down, within a tile and between tiles.

A cell ends at the least of (height upstream - steps from there x epsilon): along the graph of ways out of tiles this is a
minimum with constants that each tile can say beforehand, so two passes are exact, as with accumulation (downstream.py).
Fixed cells keep their height, which blocks what comes from above them.
"""

from __future__ import annotations

import numba
import numpy as np

from .codes import NOTHING, STAY, beyond
from .downstream import degrees, inflows
from .levels import step
from .tiling import at

BLOCKED = -1
LOWEST = -(2**31) + 1


@numba.njit(cache=True, nogil=True)
def to_units(z, scale):
    """int32 (rows, cols): heights in units, as `kernels.breach` rounds them; 0 without data. z: float32 (rows + 2, cols + 2)."""
    out = np.zeros((z.shape[0] - 2, z.shape[1] - 2), np.int32)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            h = z[r + 1, c + 1]
            if not np.isnan(h):
                out[r, c] = np.int32(np.rint(np.float64(h) * scale))
    return out


@numba.njit(cache=True, nogil=True)
def carve(units, codes, fixed, cells, inflow, epsilon):
    """Lower what lies too high, from the springs down, in place. False if heights run out of range.

    fixed: bool (rows + 2, cols + 2) or empty.   cells, inflow: flat cells and int64 units that they must not exceed.
    """
    rows, cols = units.shape
    some_fixed = fixed.size > 0
    for k in range(cells.size):
        r, c = cells[k] // cols, cells[k] % cols
        if inflow[k] < units[r, c] and not (some_fixed and fixed[r + 1, c + 1]):
            units[r, c] = inflow[k]
    degree = degrees(codes)
    for start_r in range(rows):
        for start_c in range(cols):
            if codes[start_r, start_c] == NOTHING:
                continue
            r, c = start_r, start_c
            while degree[r, c] == 0:
                degree[r, c] = 255
                i, j, out = beyond(codes, r, c)
                if out or codes[r, c] == STAY:
                    break
                least = np.int64(units[r, c]) - epsilon
                if units[i, j] > least and not (some_fixed and fixed[i + 1, j + 1]):
                    if least < LOWEST:
                        return False
                    units[i, j] = least
                degree[i, j] -= 1
                r, c = i, j
    return True


@numba.njit(cache=True, nogil=True)
def steps_out(codes, fixed):
    """int32 (rows, cols): steps from each cell to its root within the tile; BLOCKED if a fixed cell lies there or between."""
    rows, cols = codes.shape
    some_fixed = fixed.size > 0
    steps = np.full((rows, cols), -2, np.int32)
    for start_r in range(rows):
        for start_c in range(cols):
            r, c = start_r, start_c
            length, clear_after, after = 0, 0, -2
            while after == -2:
                if steps[r, c] != -2:
                    after = steps[r, c]
                    break
                if some_fixed and fixed[r + 1, c + 1]:
                    clear_after = length + 1
                code = codes[r, c]
                i, j, out = beyond(codes, r, c)
                if out or code == STAY or code > 8:
                    after = 0
                    length += 1
                    break
                r, c = i, j
                length += 1
            end_is_root = steps[r, c] == -2
            r, c = start_r, start_c
            for k in range(length):
                if after == BLOCKED or k < clear_after:
                    steps[r, c] = BLOCKED
                else:
                    steps[r, c] = after + length - k - (1 if end_is_root else 0)
                r, c, _ = beyond(codes, r, c)
    return steps


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

    z, fixed: with one cell around. Returns also cells changed, violations, sum of cuts, deepest cut, deepest cut of an outlet.
    """
    out = z[1:-1, 1:-1].copy()
    changed, violations = 0, 0
    total, deepest, border = 0.0, 0.0, 0.0
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            if codes[r, c] == NOTHING:
                continue
            before = np.float64(out[r, c])
            if units[r, c] != np.int32(np.rint(before * scale)):
                out[r, c] = np.float32(units[r, c] * unit)
                cut = before - np.float64(out[r, c])
                changed += 1
                total += cut
                deepest = max(deepest, cut)
                if codes[r, c] == STAY:
                    border = max(border, cut)
            if fixed.size > 0 and codes[r, c] != STAY:
                i, j, _ = beyond(codes, r, c)
                # only a fixed cell can lie too high, and that one has its height still
                if fixed[i + 1, j + 1] and np.rint(np.float64(z[i + 1, j + 1]) * scale) > np.int64(units[r, c]) - epsilon:
                    violations += 1
    return out, changed, violations, total, deepest, border
