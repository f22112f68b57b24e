"""The lowest spanning tree of basins: Boruvka's algorithm on the passes between them.

Two basins meet along edges between neighboring cells; the height of an edge is that of its higher cell. Round 1 goes
straight over the grid, later rounds over the edges between different survivors (Cordonnier, Bovy and Braun 2019; Jain et
al. 2024). Keys are (sortable height << 32 | edge id), a total order, so the tree is unique and ties do not depend on
anything but the numbering of cells.
"""

from __future__ import annotations

import numba
import numpy as np

_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(cache=True, nogil=True)
def sortable(bits):
    """int32 (n,) that sorts like the float32 whose bits are given."""
    out = np.empty(bits.size, np.int32)
    for k in range(bits.size):
        b = bits[k]
        out[k] = b ^ ((b >> 31) & 0x7FFFFFFF)
    return out


@numba.njit(cache=True, nogil=True, inline="always")
def _key(height, edge):
    return (np.uint64(np.int64(height) + 2147483648) << np.uint64(32)) | np.uint64(edge)


@numba.njit(cache=True, nogil=True, inline="always")
def _next_cell(cell, r, c, d, rows, cols):
    """Neighbor `d` of a cell, each pair of cells once: right (0), below left, below, below right; -1 outside."""
    if d == 0:
        return cell + 1 if c + 1 < cols else -1
    j = c + d - 2
    return cell + cols + d - 2 if r + 1 < rows and 0 <= j < cols else -1


@numba.njit(cache=True, nogil=True)
def _first_round(height, labels, rows, cols, basins):
    """Lowest edge of every basin, uint64 (basins + 1,), straight from the grid."""
    best = np.full(basins + 1, _NONE, np.uint64)
    for r in range(rows):
        for c in range(cols):
            cell = r * cols + c
            mine, h = labels[cell], height[cell]
            for d in range(4):
                other = _next_cell(cell, r, c, d, rows, cols)
                if other < 0:
                    continue
                theirs = labels[other]
                if theirs != mine:
                    key = _key(max(h, height[other]), 4 * cell + d)
                    if key < best[mine]:
                        best[mine] = key
                    if key < best[theirs]:
                        best[theirs] = key
    return best


@numba.njit(cache=True, nogil=True, inline="always")
def ends(key, cols):
    """The two cells of an edge from its key."""
    edge = np.int64(key & np.uint64(0xFFFFFFFF))
    cell, d = edge >> 2, edge & 3
    return cell, (cell + 1 if d == 0 else cell + cols + d - 2)


@numba.njit(cache=True, nogil=True)
def _find(component, node):
    """Root of a node, halving the way there."""
    while component[node] != node:
        component[node] = component[component[node]]
        node = component[node]
    return node


@numba.njit(cache=True, nogil=True)
def _merge(best, component, alive, labels, cols, tree, found):
    """Hook every component along its lowest edge and append those edges to `tree`. Returns survivors and edges so far."""
    partner = np.empty(alive.size, np.int32)
    for k in range(alive.size):
        a, b = ends(best[alive[k]], cols)
        a, b = _find(component, labels[a]), _find(component, labels[b])
        partner[k] = b if a == alive[k] else a
    kept = 0
    survivors = np.empty(alive.size, np.int32)
    for k in range(alive.size):
        root, other = alive[k], partner[k]
        if other != 0 and best[other] == best[root] and root < other:  # they chose each other: the smaller one stays
            survivors[kept] = root
            kept += 1
        else:
            component[root] = other
            tree[found] = best[root]
            found += 1
    for root in alive:
        component[root] = _find(component, root)
    return survivors[:kept], found


@numba.njit(cache=True, nogil=True)
def _edges_between(height, labels, component, rows, cols):
    """Edges whose ends lie in different components: keys uint64, and both components int32."""
    for counting in (True, False):
        if counting:
            size = 0
            keys, left, right = np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32)
        else:
            keys, left, right = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int32)
        size = 0
        for r in range(rows):
            for c in range(cols):
                cell = r * cols + c
                mine = labels[cell]
                for d in range(4):
                    other = _next_cell(cell, r, c, d, rows, cols)
                    if other < 0 or labels[other] == mine:
                        continue
                    a, b = component[mine], component[labels[other]]
                    if a != b:
                        if not counting:
                            keys[size] = _key(max(height[cell], height[other]), 4 * cell + d)
                            left[size], right[size] = a, b
                        size += 1
    return keys, left, right


@numba.njit(cache=True, nogil=True)
def spanning_tree(height, labels, rows, cols, basins):
    """The edges of the lowest spanning tree of basins 0..basins, uint64 (basins,) keys.

    height: sortable int32 (n,) heights at which passes are compared.
    """
    tree = np.empty(basins, np.uint64)
    component = np.arange(basins + 1).astype(np.int32)
    alive = component[1:].copy()
    best = _first_round(height, labels, rows, cols, basins)
    alive, found = _merge(best, component, alive, labels, cols, tree, 0)
    if alive.size == 0:
        return tree
    for node in range(basins + 1):
        component[node] = _find(component, node)
    keys, left, right = _edges_between(height, labels, component, rows, cols)
    while alive.size:
        for root in alive:
            best[root] = _NONE
        kept = 0
        for e in range(keys.size):
            a, b = component[left[e]], component[right[e]]
            if a == b:
                continue
            key = keys[e]
            keys[kept], left[kept], right[kept] = key, a, b
            kept += 1
            if key < best[a]:
                best[a] = key
            if key < best[b]:
                best[b] = key
        keys, left, right = keys[:kept], left[:kept], right[:kept]
        alive, found = _merge(best, component, alive, labels, cols, tree, found)
    return tree
