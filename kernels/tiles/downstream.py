"""Sums and minima along routed directions: within a tile from the springs down, between tiles along a graph of ways out.

Accumulation is that of Barnes (2017, "Parallel non-divergent flow accumulation for trillion cell digital elevation models on
desktops or clusters"): a tile alone, what its ways out carry, their sums over all tiles, and the tile again with what flows in.
Breaching is the same with (minimum, minus epsilon a step) in place of (sum, plus one): both are exact in integers.
"""

from __future__ import annotations

import numba
import numpy as np

from .codes import NOTHING, STAY, beyond
from .levels import step
from .tiling import at


@numba.njit(cache=True, nogil=True)
def degrees(codes):
    """uint8 (rows, cols): how many cells of the tile drain directly into each."""
    degree = np.zeros(codes.shape, np.uint8)
    for r in range(codes.shape[0]):
        for c in range(codes.shape[1]):
            if codes[r, c] != STAY:
                i, j, out = beyond(codes, r, c)
                if not out and codes[r, c] != NOTHING:
                    degree[i, j] += 1
    return degree


@numba.njit(cache=True, nogil=True)
def accumulate(codes, cells, inflow):
    """int32 (rows, cols): cells that drain through each, itself included, with `inflow` at flat `cells`; 0 without data."""
    rows, cols = codes.shape
    area = np.ones((rows, cols), np.int32)
    for k in range(cells.size):
        area[cells[k] // cols, cells[k] % cols] += inflow[k]
    degree = degrees(codes)
    for start_r in range(rows):
        for start_c in range(cols):
            if codes[start_r, start_c] == NOTHING:
                area[start_r, start_c] = 0
                continue
            r, c = start_r, start_c
            while degree[r, c] == 0:
                degree[r, c] = 255
                i, j, out = beyond(codes, r, c)
                if out or codes[r, c] == STAY:
                    break
                area[i, j] += area[r, c]
                degree[i, j] -= 1
                r, c = i, j
    return area


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
