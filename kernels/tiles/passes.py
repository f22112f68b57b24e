"""Passes between the roots of a tile and across the seams, and the lowest forest of them.

The height of a pass is that of its higher cell; keys are (sortable height << 32 | 4 cell + direction) in the numbering of
the whole grid, the order of kernels.flow, so that the forest is the same however the grid is cut. A pass that is not in the
lowest forest of a part is the highest of a circle and so in no lowest forest of the whole: each tile keeps only its own
forest, as many passes as it has roots (the spillover graph of Barnes 2016, section 3, for basins instead of border labels).
"""

from __future__ import annotations

import numba
import numpy as np

from .codes import grown
from .tiling import at

_TABLE = 8192


@numba.njit(cache=True, nogil=True, inline="always")
def order_of(height):
    """A number that sorts like a float32: minus zero below zero, so that the higher one of two is never in doubt."""
    bits = np.float32(height).view(np.int32)
    return np.int64(bits ^ ((bits >> 31) & 0x7FFFFFFF)) + 2147483648


@numba.njit(cache=True, nogil=True, inline="always")
def _key(one, other, cell, d):
    return (np.uint64(max(order_of(one), order_of(other))) << np.uint64(32)) | np.uint64(4 * cell + d)


@numba.njit(cache=True, nogil=True)
def height_of(key):
    """float32 height of a pass."""
    order = np.int64(key >> np.uint64(32)) - 2147483648
    bits = np.int32(order ^ ((order >> 31) & 0x7FFFFFFF))
    return bits.view(np.float32)


@numba.njit(cache=True, nogil=True)
def edges_within(z, labels, r0, c0, cols):
    """Edges between cells of different roots: keys uint64 and the labels of both ends, int32.

    z, labels: float32 and int32 (rows + 2, cols + 2) of the tile at (r0, c0) of a terrain with `cols` columns.
    A table remembers where the last edges of two roots were put, so that few of them come more than once for the same two.
    """
    height, width = z.shape
    flat, roots = z.ravel(), labels.ravel()
    room, size = max(64, z.size // 8), 0
    keys, left, right = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32)
    seen = np.full(_TABLE, -1, np.int64)
    near = (1, width - 1, width, width + 1)
    differs = np.zeros(width, np.bool_)
    for r in range(1, height - 1):
        row, below = labels[r], labels[r + 1]
        for c in range(1, width - 1):
            mine = row[c]
            differs[c] = (mine != row[c + 1]) | (mine != below[c - 1]) | (mine != below[c]) | (mine != below[c + 1])
        for c in range(1, width - 1):
            if not differs[c]:
                continue
            k = r * width + c
            mine = roots[np.uintp(k)]
            if mine < 0:
                continue
            for d in range(4):
                theirs = roots[np.uintp(k + near[d])]
                if theirs == mine or theirs < 0:
                    continue
                key = _key(flat[np.uintp(k)], flat[np.uintp(k + near[d])], np.int64(r0 + r - 1) * cols + c0 + c - 1, d)
                slot = np.uintp((mine ^ theirs ^ ((mine + theirs) << 6)) & (_TABLE - 1))
                e = seen[slot]
                if e >= 0 and ((left[e] == mine and right[e] == theirs) or (left[e] == theirs and right[e] == mine)):
                    if key < keys[e]:
                        keys[e], left[e], right[e] = key, mine, theirs
                    continue
                if size == room:
                    room *= 2
                    keys, left, right = grown(keys, room), grown(left, room), grown(right, room)
                keys[size], left[size], right[size] = key, mine, theirs
                seen[slot] = size
                size += 1
    return keys[:size], left[:size], right[:size]


@numba.njit(cache=True, nogil=True)
def edges_across(heights, nodes, root, rows, cols):
    """Edges over the seams between cells of different basins: keys and the nodes of both ends.

    heights, nodes: `tiling.Seams`.   root: int32 (nodes,) basin of each node.
    """
    size = 0
    keys, left, right = np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32)
    for counting in (True, False):
        if not counting:
            keys, left, right = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32)
            size = 0
        for r in range(rows):
            whole_row = (r + 1) % heights.height == 0 or heights.width == 1
            for k in range(cols if whole_row else 2 * ((cols - 1) // heights.width)):
                c = k if whole_row else (k // 2 + 1) * heights.width - 1 + k % 2
                for d in range(4):
                    i, j = (r, c + 1) if d == 0 else (r + 1, c + d - 2)
                    if i >= rows or j < 0 or j >= cols:
                        continue
                    if i // heights.height == r // heights.height and j // heights.width == c // heights.width:
                        continue
                    a, b = at(nodes, r, c), at(nodes, i, j)
                    if a < 0 or b < 0 or root[a] == root[b]:
                        continue
                    if not counting:
                        keys[size] = _key(at(heights, r, c), at(heights, i, j), np.int64(r) * cols + c, d)
                        left[size], right[size] = a, b
                    size += 1
    return keys, left, right


@numba.njit(cache=True, nogil=True)
def _find(component, node):
    """Root of a node, halving the way there."""
    while component[node] != node:
        component[node] = component[component[node]]
        node = component[node]
    return node


@numba.njit(cache=True, nogil=True)
def lowest_forest(keys, left, right, component, waits):
    """Which edges form the lowest spanning forest: int64 indices. Boruvka's algorithm; keys must differ.

    component: int32, root of each node that the ends name; nodes that are one to begin with share a root. Overwritten.
    waits: bool (nodes,) or empty: nodes that know only some of their edges, so that what they are in takes none: others may
    join it, over edges that are in the lowest forest whatever the edges that are not known.
    """
    best = np.empty(component.size, np.int64)
    a_of, b_of = np.empty(keys.size, np.int32), np.empty(keys.size, np.int32)
    live = np.arange(keys.size)
    a_of[:], b_of[:] = left, right
    chosen = np.empty(min(keys.size, component.size), np.int64)
    found, size = 0, keys.size
    while True:
        best[:] = -1
        kept = 0
        for e in range(size):
            a, b = component[a_of[e]], component[b_of[e]]
            if a == b:
                continue
            edge = live[e]
            a_of[kept], b_of[kept], live[kept] = a, b, edge
            if best[a] < 0 or keys[edge] < keys[live[best[a]]]:
                best[a] = kept
            if best[b] < 0 or keys[edge] < keys[live[best[b]]]:
                best[b] = kept
            kept += 1
        size = kept
        before = found
        for node in range(component.size):
            e = best[node]
            if e < 0 or (waits.size > 0 and waits[node]):
                continue
            other = b_of[e] if a_of[e] == node else a_of[e]
            if best[other] == e and node < other and not (waits.size > 0 and waits[other]):
                continue  # they chose each other: the smaller one stays
            component[node] = other
            chosen[found] = live[e]
            found += 1
        if found == before:
            return chosen[:found].copy()
        for node in range(component.size):
            component[node] = _find(component, node)


@numba.njit(cache=True, nogil=True)
def raise_to_level(z, labels, level):
    """float32 (rows, cols): heights raised to the level of their root; NaN stays.

    z, labels: float32 and int32 (rows + 2, cols + 2).   level: float32, one more than there are roots.
    """
    out = np.empty((labels.shape[0] - 2, labels.shape[1] - 2), np.float32)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            h = z[r + 1, c + 1]
            root = labels[r + 1, c + 1]
            out[r, c] = level[root] if root >= 0 and level[root] > h else h
    return out
