"""The lowest spanning tree of basins (Boruvka) and how water leaves each basin along it.

Cordonnier, Bovy and Braun 2019; Jain et al. 2024. Basin 0 is the outside. What no edge joins to it stays by itself.
"""

from __future__ import annotations

import numba
import numpy as np

from .passes import ends, sorted_bits

_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(cache=True, nogil=True)
def _find(component, node):
    """Root of a node, halving the way there."""
    while component[node] != node:
        component[node] = component[component[node]]
        node = component[node]
    return node


@numba.njit(cache=True, nogil=True)
def _merge(best, best_edge, left, right, keys, component, alive, size, partner, tree, tree_left, tree_right, found):
    """Hook every component along its lowest edge and append those edges to the tree. Returns survivors and edges so far."""
    for k in range(size):
        root = alive[k]
        if best[root] == _NONE:
            partner[k] = root
            continue
        a, b = component[left[best_edge[root]]], component[right[best_edge[root]]]
        partner[k] = b if a == root else a
    kept = 0
    for k in range(size):
        root, other = alive[k], partner[k]
        if other == root:
            continue  # nothing leads on from here: this part has no outlet, or all is done
        if other != 0 and best[other] == best[root] and root < other:  # they chose each other: the smaller one stays
            alive[kept] = root
            kept += 1
        else:
            component[root] = other
            edge = best_edge[root]
            tree[found], tree_left[found], tree_right[found] = keys[edge], left[edge], right[edge]
            found += 1
    return kept, found


@numba.njit(cache=True, nogil=True)
def grow(keys, left, right, edges, component, best, best_edge, alive, partner, tree, tree_left, tree_right):
    """Edges of the lowest spanning forest of basins 0..count: keys and both basins; returns how many. Reorders `keys`.

    keys, left, right: `edges` edges.   component, best, best_edge: (count + 1,) scratch; alive, partner: (count,) scratch.
    """
    nodes = component.size
    for node in range(nodes):
        component[node] = node
    for k in range(nodes - 1):
        alive[k] = k + 1
    size, found = nodes - 1, 0
    while size > 0:
        best[0] = _NONE
        for k in range(size):
            best[alive[k]] = _NONE
        kept = 0
        for e in range(edges):
            a, b = component[left[e]], component[right[e]]
            if a == b:
                continue
            key = keys[e]
            keys[kept], left[kept], right[kept] = key, left[e], right[e]
            if key < best[a]:
                best[a], best_edge[a] = key, kept
            if key < best[b]:
                best[b], best_edge[b] = key, kept
            kept += 1
        edges = kept
        size, found = _merge(
            best, best_edge, left, right, keys, component, alive, size, partner, tree, tree_left, tree_right, found
        )
        for node in range(nodes):
            component[node] = _find(component, node)
    return found


@numba.njit(cache=True, nogil=True)
def spill(tree, tree_left, tree_right, found, stride, start, near, inner, outer, level, queue):
    """How every basin leaves, walking the tree from basin 0 outward; returns how many basins were reached, 0 included.

    start: (count + 2,) scratch; near: (2 * found,) scratch.   inner, outer: last cell in a basin and first beyond, -1 for
    basins that were not reached.   level: bits of the float32 height to which each fills, (count + 2,): -inf for basin 0, what
    was not reached, and cells without data.   queue: basins in the order of the walk.
    """
    count = inner.size - 1
    lowest = sorted_bits(np.int32(-8388608))  # -inf
    start[:] = 0
    for k in range(found):
        start[tree_left[k] + 1] += 1
        start[tree_right[k] + 1] += 1
    for k in range(count + 1):
        start[k + 1] += start[k]
    for k in range(found):
        a, b = tree_left[k], tree_right[k]
        near[start[a]] = k
        start[a] += 1
        near[start[b]] = k
        start[b] += 1
    inner[:] = -1
    outer[:] = -1
    level[:] = lowest
    queue[0] = 0
    filled, head = 1, 0
    while head < filled:
        basin = queue[head]
        head += 1
        for at in range(start[basin - 1] if basin > 0 else 0, start[basin]):
            k = near[at]
            first, second = ends(tree[k], stride)
            other = tree_left[k]
            if other == basin:
                other, first, second = tree_right[k], second, first
            if other == 0 or inner[other] >= 0:
                continue
            inner[other], outer[other] = first, second
            passing = np.int32(np.int64(tree[k] >> np.uint64(32)) - 2147483648)
            level[other] = max(level[basin], passing)
            queue[filled] = other
            filled += 1
    for k in range(level.size):
        level[k] = sorted_bits(level[k])
    return filled


@numba.njit(cache=True, nogil=True)
def turn(first, last, inner, outer, directions, steps, stride):
    """Turn the ways from the pits of basins first + 1..last to their passes around, and flag them: water then leaves."""
    for basin in range(first + 1, last + 1):
        cell = inner[basin]
        if cell < 0:
            continue
        i = (outer[basin] - cell + 2 * stride + stride // 2) // stride - 2
        place = 3 * (i + 1) + outer[basin] - cell - i * stride + 1
        code = place + 1 if place < 4 else place
        while True:
            old = directions[cell]
            directions[cell] = code | 16
            if old == 0:
                break
            cell += steps[old]
            code = 9 - old
