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

from .passes import ends, key_of, sorted_bits


@numba.njit(cache=True, nogil=True, inline="always")
def _height(z, cell, stride):
    """Height of a cell that is given by its padded number."""
    return z[cell // stride - 1, cell % stride - 1]


@numba.njit(cache=True, nogil=True)
def _first_fixed(z, directions, steps, stride, fixed, none, labels):
    """float32 padded: height of the first fixed cell on the way from each cell (included) to its pit; -inf for none."""
    top = np.full(directions.size, np.nan, np.float32)
    for start in range(directions.size):
        if labels[start] == none:
            continue
        cell = start
        while np.isnan(top[cell]) and not fixed[cell] and steps[directions[cell]] != 0:
            cell += steps[directions[cell]]
        if np.isnan(top[cell]):
            top[cell] = _height(z, cell, stride) if fixed[cell] else -np.inf
        value, last, cell = top[cell], cell, start
        while cell != last:
            top[cell] = value
            cell += steps[directions[cell]]
    return top


@numba.njit(cache=True, nogil=True)
def _borders(labels, stride, count):
    """Edges between basins, listed for both: offsets int64 (count + 2,) into edge numbers int64."""
    start = np.zeros(count + 2, np.int64)
    edges = np.empty(0, np.int64)
    spot = start
    for writing in (False, True):
        if writing:
            for basin in range(count + 1):
                start[basin + 1] += start[basin]
            edges = np.empty(start[count + 1], np.int64)
            spot = start.copy()
        for cell in range(stride, labels.size - stride):
            a = labels[cell]
            if a > count:
                continue
            for d in range(4):
                b = labels[cell + 1 if d == 0 else cell + stride + d - 2]
                if a == b or b > count:
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
def avoiding_tree(z, bits, directions, steps, stride, fixed, labels, pits, penalty):
    """The edges of the tree as `spanning_tree.grow` gives them: keys and the basins of both ends.

    z: float32 (rows, cols) heights, m; bits: int32 (rows, cols), the same.   directions: before routing.   fixed: bool padded.
    penalty: m added to a pass whose way down is blocked by fixed cells; the keys have the heights without it.
    """
    top = _first_fixed(z, directions, steps, stride, fixed, pits.size + 1, labels)
    start, edges = _borders(labels, stride, pits.size)
    tree = np.empty(pits.size, np.uint64)
    left, right = np.empty(pits.size, np.int32), np.empty(pits.size, np.int32)
    joined = np.zeros(pits.size + 1, np.bool_)
    barrier = np.full(pits.size + 1, -np.inf, np.float32)  # highest fixed cell between a basin's pit and the outside
    queue = [(np.float32(0.0), np.int64(0), np.float32(0.0))]
    queue.pop()
    basin, found = 0, 0
    while True:
        joined[basin] = True
        for k in range(start[basin], start[basin + 1]):
            inner, outer = ends(np.uint64(edges[k]), stride)
            if labels[inner] == basin:
                inner, outer = outer, inner
            other = labels[inner]
            if joined[other]:
                continue
            bottom = _height(z, pits[other - 1], stride)
            beyond = max(top[outer], barrier[basin])
            height = max(_height(z, inner, stride), _height(z, outer, stride))
            if top[inner] > bottom or beyond >= bottom:
                height += penalty
            heapq.heappush(queue, (height, edges[k], max(beyond, top[inner])))
        while True:
            if len(queue) == 0:
                return tree[:found], left[:found], right[:found]
            _, edge, beyond = heapq.heappop(queue)
            first, second = ends(np.uint64(edge), stride)
            a, b = labels[first], labels[second]
            if not (joined[a] and joined[b]):
                break
        tree[found] = key_of(max(sorted_bits(_height(bits, first, stride)), sorted_bits(_height(bits, second, stride))), edge)
        left[found], right[found] = a, b
        found += 1
        basin = b if joined[a] else a
        barrier[basin] = beyond
