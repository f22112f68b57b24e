"""Ways out of basins that avoid ground which must not be cut.

The spanning tree of lowest passes is blind to fixed cells. Here the tree grows from the outside inward (Prim), so that the
whole way down is known when a basin joins: water that stands at the basin's pit cannot cross a fixed cell that is as high
as that pit, and a pass onto such a way counts as higher by a penalty. Water that comes down onto fixed ground from above
cuts nothing and costs nothing.
"""

from __future__ import annotations

import heapq

import numba
import numpy as np

from .spanning_tree import ends


@numba.njit(cache=True, nogil=True)
def _first_fixed(z, receivers, fixed):
    """float32 (n,): height of the first fixed cell on the way from each cell (included) to its pit; -inf for none."""
    top = np.full(z.size, np.nan, np.float32)
    for start in range(z.size):
        cell = start
        while np.isnan(top[cell]) and not fixed[cell] and receivers[cell] != cell:
            cell = receivers[cell]
        if np.isnan(top[cell]):
            top[cell] = z[cell] if fixed[cell] else -np.inf
        value, last, cell = top[cell], cell, start
        while cell != last:
            top[cell] = value
            cell = receivers[cell]
    return top


@numba.njit(cache=True, nogil=True)
def _borders(labels, rows, cols, basins):
    """Edges between basins, listed for both: offsets int64 (basins + 2,) into edge numbers int64."""
    start = np.zeros(basins + 2, np.int64)
    edges = np.empty(0, np.int64)
    for writing in (False, True):
        if writing:
            for basin in range(basins + 1):
                start[basin + 1] += start[basin]
            edges = np.empty(start[basins + 1], np.int64)
            spot = start.copy()
        for cell in range(labels.size):
            r, c = cell // cols, cell % cols
            for d in range(4):
                i, j = (r, c + 1) if d == 0 else (r + 1, c + d - 2)
                if i == rows or j < 0 or j >= cols:
                    continue
                a, b = labels[cell], labels[i * cols + j]
                if a == b:
                    continue
                if writing:
                    edges[spot[a]] = edges[spot[b]] = 4 * cell + d
                    spot[a] += 1
                    spot[b] += 1
                else:
                    start[a + 1] += 1
                    start[b + 1] += 1
    return start, edges


@numba.njit(cache=True, nogil=True)
def avoiding_tree(z, receivers, fixed, labels, pits, rows, cols, penalty):
    """The edges of the tree, uint64 (basins,), as `spanning_tree.spanning_tree` gives them (edge numbers in the low 32 bits).

    z: float32 (n,) heights, m.   receivers: before routing.   fixed: bool (n,).   pits: int32, pits[b - 1] of basin b.
    penalty: m added to a pass whose way down is blocked by fixed cells.
    """
    top = _first_fixed(z, receivers, fixed)
    start, edges = _borders(labels, rows, cols, pits.size)
    tree = np.empty(pits.size, np.uint64)
    joined = np.zeros(pits.size + 1, np.bool_)
    barrier = np.full(pits.size + 1, -np.inf, np.float32)  # highest fixed cell between a basin's pit and the outside
    queue = [(np.float32(0.0), np.int64(0), np.float32(0.0))]
    queue.pop()
    basin, found = 0, 0
    while True:
        joined[basin] = True
        for k in range(start[basin], start[basin + 1]):
            inner, outer = ends(np.uint64(edges[k]), cols)
            if labels[inner] == basin:
                inner, outer = outer, inner
            other = labels[inner]
            if joined[other]:
                continue
            bottom = z[pits[other - 1]]
            beyond = max(top[outer], barrier[basin])
            height = max(z[inner], z[outer])
            if top[inner] > bottom or beyond >= bottom:
                height += penalty
            heapq.heappush(queue, (height, edges[k], max(beyond, top[inner])))
        while True:
            if len(queue) == 0:
                return tree[:found]
            _, edge, beyond = heapq.heappop(queue)
            a, b = ends(np.uint64(edge), cols)
            a, b = labels[a], labels[b]
            if not (joined[a] and joined[b]):
                break
        basin = b if joined[a] else a
        barrier[basin] = beyond
        tree[found] = np.uint64(edge)
        found += 1
