"""The whole terrain from its seams: which basin every root belongs to, how high it fills and over which pass it leaves."""

from __future__ import annotations

import numba
import numpy as np

from .codes import STAY
from .passes import height_of
from .tiling import at


@numba.njit(cache=True, nogil=True, inline="always")
def step(cell, code, cols):
    """Row and column of the cell one step from `cell` (flat in the whole grid)."""
    return cell // cols + code // 3 - 1, cell % cols + code % 3 - 1


@numba.njit(cache=True, nogil=True)
def basins(cells, ways, nodes, cols):
    """int32: the node at the end of each node's way, its pit's or 0 for the outlets. Downhill, so never in a circle.

    cells, ways: cell and direction of each node (node 0 is all outlets).   nodes: `tiling.Seams`.
    """
    root = np.full(cells.size, -1, np.int32)
    for start in range(cells.size):
        node = start
        while root[node] < 0 and ways[node] != STAY:
            r, c = step(cells[node], ways[node], cols)
            node = at(nodes, r, c)
        end = node if root[node] < 0 else root[node]
        node = start
        while root[node] < 0:
            root[node] = end
            if ways[node] == STAY:
                break
            r, c = step(cells[node], ways[node], cols)
            node = at(nodes, r, c)
    return root


@numba.njit(cache=True, nogil=True)
def spill(keys, left, right, root, seeds):
    """How every basin leaves, walking a forest of passes from the nodes `seeds` outward.

    keys, left, right: passes and the nodes at their ends.   root: int32 basin (its first node) of each node.
    Returns float32 `level` of each basin's node, -inf for seeds and what is not reached; int64 `over`, the pass that it leaves
    over, -1 for none; bool `from_right`, whether the basin is at that pass's right end; int32 `last`, the last basin on the way to
    the seed, -1 for seeds.
    """
    count = root.size
    start = np.zeros(count + 1, np.int64)
    for e in range(keys.size):
        start[root[left[e]] + 1] += 1
        start[root[right[e]] + 1] += 1
    for k in range(count):
        start[k + 1] += start[k]
    spot = start[:-1].copy()
    passes = np.empty(2 * keys.size, np.int64)
    for e in range(keys.size):
        for node in (root[left[e]], root[right[e]]):
            passes[spot[node]] = e
            spot[node] += 1
    order = np.zeros(count, np.uint64)  # sorts like the level: minus zero is below zero
    over = np.full(count, -1, np.int64)
    from_right = np.zeros(count, np.bool_)
    last = np.full(count, -1, np.int32)
    reached = np.zeros(count, np.bool_)
    queue = np.empty(count, np.int32)
    queue[: seeds.size] = seeds
    reached[seeds] = True
    filled, head = seeds.size, 0
    while head < filled:
        basin = queue[head]
        head += 1
        for k in range(start[basin], start[basin + 1]):
            e = passes[k]
            a, b = root[left[e]], root[right[e]]
            other = b if a == basin else a
            if reached[other]:
                continue
            reached[other] = True
            over[other], from_right[other] = e, other == b
            order[other] = max(order[basin], keys[e] >> np.uint64(32))
            last[other] = last[basin] if last[basin] >= 0 else other
            queue[filled] = other
            filled += 1
    level = np.full(count, -np.inf, np.float32)
    for node in range(count):
        if over[node] >= 0:
            level[node] = height_of(order[node] << np.uint64(32))
    return level, over, from_right, last


@numba.njit(cache=True, nogil=True)
def ways_over(keys, over, from_right, cols):
    """The last cell of each basin on its way over its pass, int64 flat in the whole grid, -1 for none; uint8 direction there."""
    cells, ways = np.full(over.size, -1, np.int64), np.full(over.size, STAY, np.uint8)
    for basin in range(over.size):
        if over[basin] < 0:
            continue
        edge = np.int64(keys[over[basin]] & np.uint64(0xFFFFFFFF))
        cell, d = edge >> 2, edge & 3
        way = np.uint8(5 if d == 0 else 5 + d)
        if from_right[basin]:
            r, c = step(cell, way, cols)
            cell, way = r * cols + c, np.uint8(8 - way)
        cells[basin], ways[basin] = cell, way
    return cells, ways


@numba.njit(cache=True, nogil=True)
def turns(from_nodes, from_cells, from_ways, cells, ways, nodes, cols):
    """Where the way from a pass back to the pit begins or enters another tile: flat cells, and where each drains then.

    from_nodes, from_cells, from_ways: node and cell where each basin is left, and its direction there.   cells, ways: cell and
    direction of each node.   nodes: `tiling.Seams`.   See `codes.turn_around`, which goes on within the tile.
    """
    size = 0
    at_cells, new_ways = np.empty(0, np.int64), np.empty(0, np.uint8)
    for counting in (True, False):
        if not counting:
            at_cells, new_ways = np.empty(size, np.int64), np.empty(size, np.uint8)
            size = 0
        for k in range(from_nodes.size):
            node, cell, way = from_nodes[k], from_cells[k], from_ways[k]
            while True:
                if not counting:
                    at_cells[size], new_ways[size] = cell, way
                size += 1
                old = ways[node]
                if old == STAY:
                    break
                r, c = step(np.int64(cells[node]), old, cols)
                cell, way, node = r * cols + c, np.uint8(8 - old), at(nodes, r, c)
    return at_cells, new_ways
