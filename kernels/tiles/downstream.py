"""Sums and minima along routed directions: within a tile from the springs down, between tiles along a graph of ways out.

Accumulation is that of Barnes (2017, "Parallel non-divergent flow accumulation for trillion cell digital elevation models on
desktops or clusters"): a tile alone, what its ways out carry, their sums over all tiles, and the tile again with what flows in.
Breaching is the same with (minimum, minus epsilon a step) in place of (sum, plus one): both are exact in integers.
"""

from __future__ import annotations

import numba
import numpy as np

from .codes import NOTHING, STAY, steps_of
from .levels import step
from .tiling import at


@numba.njit(cache=True, nogil=True)
def degrees(codes):
    """uint8, of the same shape: how many cells drain directly into each; the frame, which nothing leaves, has one more."""
    degree = np.ones(codes.shape, np.uint8)
    rows, cols = codes.shape
    for r in range(1, rows - 1):
        above, row, below, out = codes[r - 1], codes[r], codes[r + 1], degree[r]
        for c in range(1, cols - 1):
            west = np.uint8(above[c - 1] == 8) + np.uint8(row[c - 1] == 5) + np.uint8(below[c - 1] == 2)
            east = np.uint8(above[c + 1] == 6) + np.uint8(row[c + 1] == 3) + np.uint8(below[c + 1] == 0)
            out[c] = west + east + np.uint8(above[c] == 7) + np.uint8(below[c] == 1)
    return degree


@numba.njit(cache=True, nogil=True)
def accumulate(codes, cells, inflow):
    """int32, of the same shape: cells that drain through each, itself included, with `inflow` at `cells`; 0 without data."""
    cols = codes.shape[1]
    flat, steps, degree = codes.ravel(), steps_of(codes), degrees(codes).ravel()
    area = np.ones(codes.size, np.int32)
    for k in range(area.size):
        area[k] = 0 if flat[k] == NOTHING else 1
    for k in range(cells.size):
        area[cells[k]] += inflow[k]
    for spring in range(cols + 1, codes.size - cols - 1):
        cell = spring
        while degree[np.uintp(cell)] == 0:
            degree[np.uintp(cell)] = 255
            target = cell + steps[flat[np.uintp(cell)]]
            if target == cell:
                break
            area[np.uintp(target)] += area[np.uintp(cell)]
            degree[np.uintp(target)] -= np.uint8(1)
            cell = target
    return area.reshape(codes.shape)


@numba.njit(cache=True, nogil=True)
def inflows(ways, cells, nodes, cols):
    """int32: how many ways out lead into each node's part of its tile; int32: the node after each, -1 for none."""
    degree = np.zeros(ways.size, np.int32)
    following = np.full(ways.size, -1, np.int32)
    for node in range(1, ways.size):
        if ways[node] != STAY:
            r, c = step(np.int64(cells[node]), ways[node], cols)
            following[node] = at(nodes, r, c)
            degree[following[node]] += 1
    return degree, following


@numba.njit(cache=True, nogil=True)
def accumulate_between(ways, cells, nodes, area, cols):
    """What flows into each tile: flat cells int64 of the whole grid, and cells drained, int32.

    area: int32 (nodes,) what each node carries of its own tile.   nodes: `tiling.Seams`.
    """
    degree, following = inflows(ways, cells, nodes, cols)
    total = area.copy()
    into = np.empty(ways.size, np.int64)
    carried = np.empty(ways.size, np.int32)
    size = 0
    for spring in range(1, ways.size):
        node = spring
        while node > 0 and degree[node] == 0:
            degree[node] = -1
            after = following[node]
            if after < 0:
                break
            r, c = step(np.int64(cells[node]), ways[node], cols)
            into[size], carried[size] = r * cols + c, total[node]
            size += 1
            total[after] += total[node]
            degree[after] -= 1
            node = after
    return into[:size].copy(), carried[:size].copy()
