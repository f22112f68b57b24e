"""The graph of basins under a D8 flow, its lowest spanning tree, and the way each basin spills.

Steepest descent splits a grid into basins, one a pit; all outlets together are basin 0. Two basins meet along edges
between neighboring cells; the height of an edge is that of its higher cell. Boruvka's algorithm finds the spanning tree
of lowest passes: round 1 straight from the grid, later rounds from the edges between different survivors
(Cordonnier, Bovy and Braun 2019; Jain et al. 2024). Keys are (sortable height << 32 | edge id), a total order, so the
tree is unique and ties do not depend on anything but the numbering of cells.
"""

from __future__ import annotations

import numba
import numpy as np

_ROOT2 = np.float32(0.70710678)
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(cache=True, nogil=True)
def _steepest_slow(z, r, c):
    """Flat index of the steepest lower neighbor of any cell, borders included; the cell itself for a pit."""
    rows, cols = z.shape
    best, target = np.float32(0.0), r * cols + c
    for i in range(max(r - 1, 0), min(r + 2, rows)):
        for j in range(max(c - 1, 0), min(c + 2, cols)):
            drop = z[r, c] - z[i, j]
            if i != r and j != c:
                drop *= _ROOT2
            if drop > best:
                best, target = drop, i * cols + j
    return target


@numba.njit(cache=True, nogil=True)
def descend(z, outlets, border):
    """int32 (n,) D8 receivers: the neighbor down the steepest way, ties to the first in reading order.

    outlets: bool (rows, cols), or (0, 0) with border=True for the border cells. Outlets and pits point to themselves.
    """
    rows, cols = z.shape
    receivers = np.empty(rows * cols, np.int32)
    for r in range(rows):
        base = r * cols
        edge_row = r == 0 or r == rows - 1
        for c in range(cols):
            if edge_row or c == 0 or c == cols - 1:
                root = border or outlets[r, c]
                receivers[base + c] = base + c if root else _steepest_slow(z, r, c)
                continue
            if not border and outlets[r, c]:
                receivers[base + c] = base + c
                continue
            h = z[r, c]
            best, step = np.float32(0.0), 0
            drop = (h - z[r - 1, c - 1]) * _ROOT2
            if drop > best:
                best, step = drop, -cols - 1
            drop = h - z[r - 1, c]
            if drop > best:
                best, step = drop, -cols
            drop = (h - z[r - 1, c + 1]) * _ROOT2
            if drop > best:
                best, step = drop, -cols + 1
            drop = h - z[r, c - 1]
            if drop > best:
                best, step = drop, -1
            drop = h - z[r, c + 1]
            if drop > best:
                best, step = drop, 1
            drop = (h - z[r + 1, c - 1]) * _ROOT2
            if drop > best:
                best, step = drop, cols - 1
            drop = h - z[r + 1, c]
            if drop > best:
                best, step = drop, cols
            drop = (h - z[r + 1, c + 1]) * _ROOT2
            if drop > best:
                best, step = drop, cols + 1
            receivers[base + c] = base + c + step
    return receivers


@numba.njit(cache=True, nogil=True)
def label(receivers, outlets, border, rows, cols):
    """Basin of every cell, int32 (n,), 0 = drains to an outlet; and the pits, int32: pits[b - 1] is that of basin b."""
    n = receivers.size
    labels = np.full(n, -1, np.int32)
    pits = np.empty(n // 4 + 16, np.int32)
    count = 0
    flat = outlets.ravel()
    for start in range(n):
        if labels[start] >= 0:
            continue
        cell = start
        while labels[cell] < 0 and receivers[cell] != cell:
            cell = receivers[cell]
        if labels[cell] < 0:
            if border:
                r, c = cell // cols, cell % cols
                outlet = r == 0 or c == 0 or r == rows - 1 or c == cols - 1
            else:
                outlet = flat[cell]
            if outlet:
                labels[cell] = 0
            else:
                if count == pits.size:
                    grown = np.empty(2 * count, np.int32)
                    grown[:count] = pits
                    pits = grown
                pits[count] = cell
                count += 1
                labels[cell] = count
        basin = labels[cell]
        cell = start
        while labels[cell] < 0:
            labels[cell] = basin
            cell = receivers[cell]
    return labels, pits[:count].copy()


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


@numba.njit(cache=True, nogil=True)
def _first_round(height, labels, rows, cols, basins):
    """Lowest edge of every basin, uint64 (basins + 1,), straight from the grid."""
    best = np.full(basins + 1, _NONE, np.uint64)
    for r in range(rows):
        for c in range(cols):
            cell = r * cols + c
            mine, h = labels[cell], height[cell]
            for d in range(4):
                if d == 0:
                    if c + 1 == cols:
                        continue
                    other = cell + 1
                else:
                    j = c + d - 2
                    if r + 1 == rows or j < 0 or j >= cols:
                        continue
                    other = cell + cols + d - 2
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
                    if d == 0:
                        if c + 1 == cols:
                            continue
                        other = cell + 1
                    else:
                        j = c + d - 2
                        if r + 1 == rows or j < 0 or j >= cols:
                            continue
                        other = cell + cols + d - 2
                    if labels[other] == mine:
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


@numba.njit(cache=True, nogil=True)
def spill(tree, labels, cols, z):
    """How every basin leaves, walking the tree from basin 0 outward.

    z: float32 (n,).   Returns int32 (basins + 1,) `inner` (last cell in the basin), `outer` (first cell beyond) and
    float32 `level`: the height to which the basin fills, -inf for basin 0.
    """
    count = tree.size + 1
    start = np.zeros(count + 1, np.int32)
    for key in tree:
        a, b = ends(key, cols)
        start[labels[a] + 1] += 1
        start[labels[b] + 1] += 1
    for k in range(count):
        start[k + 1] += start[k]
    spot = start[:-1].copy()
    near = np.empty(2 * tree.size, np.int32)
    far = np.empty(2 * tree.size, np.int32)
    for key in tree:
        a, b = ends(key, cols)
        for _way in range(2):
            k = spot[labels[a]]
            near[k], far[k] = a, b
            spot[labels[a]] += 1
            a, b = b, a
    inner = np.full(count, -1, np.int32)
    outer = np.full(count, -1, np.int32)
    level = np.full(count, -np.inf, np.float32)
    queue = np.zeros(count, np.int32)
    filled = 1
    for head in range(count):
        basin = queue[head]
        for k in range(start[basin], start[basin + 1]):
            other = labels[far[k]]
            if other == 0 or inner[other] >= 0:
                continue
            inner[other], outer[other] = far[k], near[k]
            level[other] = max(level[basin], max(z[far[k]], z[near[k]]))
            queue[filled] = other
            filled += 1
    return inner, outer, level


@numba.njit(cache=True, nogil=True)
def reroute(receivers, inner, outer):
    """Turn the ways from pits to passes around, in place: every cell then drains to an outlet."""
    for basin in range(1, inner.size):
        cell, target = inner[basin], outer[basin]
        while True:
            following = receivers[cell]
            receivers[cell] = target
            if following == cell:
                break
            cell, target = following, cell
