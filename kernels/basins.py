"""The graph of basins: labels, passes, and the spanning tree of lowest passes (Boruvka).

A basin is the set of cells whose steepest path ends in the same pit; basin 0 is the outside (all paths that end in an
outlet). Two neighboring cells of different basins are an edge whose height is the higher of the two cells. Edges are
ordered by (height, edge number), a total order, so the spanning tree is unique and nothing depends on the order of
work. Source: Cordonnier, Bovy, Braun 2019 (basin graph); Pixels2Peaks, Algorithm 2 (parallel Boruvka).

Edge number: 4 * cell + k, where k counts the four neighbors after the cell in reading order (E, SW, S, SE).
All grids are flat (rows * cols), C order, heights in metres.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NO_EDGE = np.int64(np.iinfo(np.int64).max)


@njit(cache=True)
def label_basins(receivers, outlets):
    """Return (labels int32 (n,), pits int32 (basins,)): basin of each cell; pits[0] = -1 is the outside."""
    n = receivers.size
    labels = np.full(n, -1, np.int32)
    count = 1
    for cell in range(n):
        if receivers[cell] == cell:
            if outlets[cell]:
                labels[cell] = 0
            else:
                labels[cell] = count
                count += 1
    pits = np.full(count, -1, np.int32)
    for cell in range(n):
        if receivers[cell] == cell:
            if labels[cell] > 0:
                pits[labels[cell]] = cell
            continue
        end = cell
        while labels[end] < 0:
            end = receivers[end]
        label = labels[end]
        step = cell
        while labels[step] < 0:
            labels[step] = label
            step = receivers[step]
    return labels, pits


@njit(cache=True)
def first_fixed_heights(heights, receivers, fixed):
    """Height of the first fixed cell on each cell's downhill path, the cell included; -inf where there is none."""
    n = heights.size
    found = np.full(n, np.nan, np.float32)
    for cell in range(n):
        end = cell
        while np.isnan(found[end]) and not fixed[end] and receivers[end] != end:
            end = receivers[end]
        if np.isnan(found[end]):
            found[end] = heights[end] if fixed[end] else -np.inf
        value = found[end]
        step = cell
        while step != end:
            found[step] = value
            step = receivers[step]
    return found


@njit(cache=True)
def root_heights(heights, receivers):
    """Height of the pit or outlet where each cell's downhill path ends, float32 (n,)."""
    n = heights.size
    found = np.full(n, np.nan, np.float32)
    for cell in range(n):
        end = cell
        while np.isnan(found[end]) and receivers[end] != end:
            end = receivers[end]
        if np.isnan(found[end]):
            found[end] = heights[end]
        value = found[end]
        step = cell
        while step != end:
            found[step] = value
            step = receivers[step]
    return found


@njit(cache=True, inline="always")
def _edge_key(heights, a, b, edge, penalty, first_fixed, roots):
    height = max(heights[a], heights[b])
    if penalty > 0.0 and max(first_fixed[a], first_fixed[b]) > max(roots[a], roots[b]):
        height = np.float32(height + penalty)
    bits = np.int64(np.float32(height).view(np.int32))
    if bits < 0:
        bits = bits ^ np.int64(0x7FFFFFFF)
    return (bits << np.int64(32)) | np.int64(edge)


@njit(cache=True)
def _scan_grid(heights, rows, cols, labels, component, penalty, first_fixed, roots, best, keys, ends):
    """Visit the edges between different components: keep the best of each component, and list them if keys has room.

    Returns the number of edges seen; where keys is too short nothing beyond its end is written.
    """
    count = 0
    room = keys.size
    offsets = (1, cols - 1, cols, cols + 1)
    for row in range(rows):
        for col in range(cols):
            a = row * cols + col
            basin = labels[a]
            for k in range(4):
                if (k > 0 and row == rows - 1) or (k == 1 and col == 0) or (k != 1 and k != 2 and col == cols - 1):
                    continue
                b = a + offsets[k]
                if labels[b] == basin:
                    continue
                one, two = component[basin], component[labels[b]]
                if one == two:
                    continue
                key = _edge_key(heights, a, b, 4 * a + k, penalty, first_fixed, roots)
                if key < best[one]:
                    best[one] = key
                if key < best[two]:
                    best[two] = key
                if count < room:
                    keys[count] = key
                    ends[count, 0] = one
                    ends[count, 1] = two
                count += 1
    return count


@njit(cache=True, inline="always")
def _edge_cells(edge, cols):
    a = edge >> 2
    k = edge & 3
    return a, (a + 1 if k == 0 else a + cols - 2 + k)


@njit(cache=True)
def _hook(best, labels, cols, component, tree, size):
    """Join each component with the other end of its best edge; returns the tree's new size. Updates component."""
    basins = best.size
    target = np.arange(basins).astype(np.int32)
    for root in range(1, basins):
        if component[root] != root or best[root] == NO_EDGE:
            continue
        a, b = _edge_cells(best[root] & np.int64(0xFFFFFFFF), cols)
        one, two = component[labels[a]], component[labels[b]]
        target[root] = two if one == root else one
    for root in range(1, basins):
        other = target[root]
        if other == root:
            continue
        if target[other] == root and root < other:  # both chose the same edge: the smaller stays the root
            target[root] = root
            continue
        tree[size] = best[root] & np.int64(0xFFFFFFFF)
        size += 1
    for basin in range(basins):
        root = component[basin]
        while target[root] != root:
            target[root] = target[target[root]]
            root = target[root]
        component[basin] = root
    return size


@njit(cache=True)
def spanning_tree(heights, rows, cols, labels, basins, penalty, first_fixed, roots):
    """Edge numbers, int64 (basins - 1,), of the spanning tree of lowest passes.

    penalty (metres) is added to a pass whose path would carve fixed cells; first_fixed and roots are read only then.
    """
    tree = np.empty(basins - 1, np.int64)
    component = np.arange(basins).astype(np.int32)
    best = np.full(basins, NO_EDGE, np.int64)
    none = np.empty(0, np.int64)
    no_ends = np.empty((0, 2), np.int32)
    if basins == 1:
        return tree
    _scan_grid(heights, rows, cols, labels, component, penalty, first_fixed, roots, best, none, no_ends)
    size = _hook(best, labels, cols, component, tree, 0)
    if size == basins - 1:
        return tree
    best[:] = NO_EDGE
    room = heights.size // 4 + 16
    keys = np.empty(room, np.int64)
    ends = np.empty((room, 2), np.int32)
    count = _scan_grid(heights, rows, cols, labels, component, penalty, first_fixed, roots, best, keys, ends)
    if count > room:
        keys = np.empty(count, np.int64)
        ends = np.empty((count, 2), np.int32)
        _scan_grid(heights, rows, cols, labels, component, penalty, first_fixed, roots, best, keys, ends)
    while True:
        size = _hook(best, labels, cols, component, tree, size)
        if size == basins - 1:
            return tree
        best[:] = NO_EDGE
        kept = 0
        for i in range(count):
            one, two = component[ends[i, 0]], component[ends[i, 1]]
            if one == two:
                continue
            key = keys[i]
            keys[kept] = key
            ends[kept, 0] = one
            ends[kept, 1] = two
            kept += 1
            if key < best[one]:
                best[one] = key
            if key < best[two]:
                best[two] = key
        count = kept


@njit(cache=True)
def orient_tree(tree, labels, cols, basins):
    """Direct the tree at the outside.

    Returns (order int32 (basins,) from the outside inwards, exits int32 (basins, 2)): exits[basin] = (own cell,
    cell of the parent basin) of the pass through which the basin spills.
    """
    start = np.zeros(basins + 1, np.int32)
    for i in range(tree.size):
        a, b = _edge_cells(tree[i], cols)
        start[labels[a] + 1] += 1
        start[labels[b] + 1] += 1
    for basin in range(basins):
        start[basin + 1] += start[basin]
    place = start[:-1].copy()
    cells = np.empty((2 * tree.size, 2), np.int32)
    for i in range(tree.size):
        a, b = _edge_cells(tree[i], cols)
        one, two = labels[a], labels[b]
        cells[place[one], 0] = a
        cells[place[one], 1] = b
        place[one] += 1
        cells[place[two], 0] = b
        cells[place[two], 1] = a
        place[two] += 1
    order = np.zeros(basins, np.int32)
    exits = np.full((basins, 2), -1, np.int32)
    seen = 1
    for i in range(basins):
        basin = order[i]
        for j in range(start[basin], start[basin + 1]):
            inner = labels[cells[j, 1]]
            if inner != 0 and exits[inner, 0] < 0:
                exits[inner, 0] = cells[j, 1]
                exits[inner, 1] = cells[j, 0]
                order[seen] = inner
                seen += 1
    return order, exits


@njit(cache=True)
def carve_receivers(receivers, exits):
    """Turn each basin's path from its pass to its pit around, in place, so that the pit drains through the pass."""
    for basin in range(1, exits.shape[0]):
        cell = exits[basin, 0]
        after = exits[basin, 1]
        while True:
            before = receivers[cell]
            receivers[cell] = after
            if before == cell:
                break
            after = cell
            cell = before


@njit(cache=True)
def water_levels(heights, order, exits, labels):
    """Level in metres, float32 (basins,), up to which each basin fills; -inf for the outside."""
    levels = np.full(order.size, -np.inf, np.float32)
    for i in range(1, order.size):
        basin = order[i]
        inner, outer = exits[basin, 0], exits[basin, 1]
        levels[basin] = max(max(heights[inner], heights[outer]), levels[labels[outer]])
    return levels
