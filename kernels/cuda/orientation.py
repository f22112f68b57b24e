# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Which way the edges of the spanning tree lead out, how high water stands in each basin, and the ways turned around.

The tree hangs from basin 0 by an Euler tour: each edge is two arcs, the arcs of a basin form a ring, and an arc is followed
by the one after its twin. Ranking that list by jumps takes log2 rounds however deep the tree is; of the two arcs of an edge the
earlier one leads away from basin 0 (Tarjan and Vishkin 1985). The order of arcs in a ring is left to chance: no result
depends on it.
"""

from __future__ import annotations

import numpy as np
from numba import cuda, int32, int64, uint8

from .layout import larger
from .spanning_tree import NONE, lower_end, sortable, upper_end
from .state import BASINS, FLAGS, LONG

DRY = np.int64(-2139095041)
"""Minus infinity as `sortable` has it: the level of basin 0."""
LOW = 0xFFFFFFFF
SHORT_PATH = 512


@cuda.jit(cache=True)
def orient(bits, labels, cols, hook, parent, ring, head, tour, ladder, inner, outer, level, state):
    """How every basin leaves: int32 (capacity + 1,) `inner` (its last cell), `outer` (first cell beyond), -1 for none, and
    `level`, the bits of the float32 height to which it fills, minus infinity for basin 0 and what cannot be drained.

    hook, parent: of `boruvka`.   ring: int32 (2 * capacity,); head: int32 (capacity + 1,); tour: int64 (2 * capacity,);
    ladder: int64 (capacity + 1,), scratch. Cooperative. Arcs 2 b - 2 and 2 b - 1 are the edge of basin b, from its first cell to
    the other and back. A pair (rank or level, next) is one word of 64 bits, so that jumps in place never see half of it.
    """
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    count = state[BASINS]
    if count > head.size - 1:
        return
    for basin in range(first, count + 1, stride):
        head[basin] = -1
        inner[basin] = -1
        outer[basin] = -1
        ladder[basin] = DRY << 32
    grid.sync()
    for basin in range(1 + first, count + 1, stride):
        key = hook[basin]
        if key != NONE and parent[basin] == 0:
            arc = 2 * basin - 2
            ring[arc] = cuda.atomic.exch(head, labels[lower_end(key)], arc)
            ring[arc + 1] = cuda.atomic.exch(head, labels[upper_end(key, cols)], arc + 1)
    grid.sync()
    for arc in range(first, 2 * count, stride):
        basin = arc // 2 + 1
        key = hook[basin]
        word = int64(0)
        if key != NONE and parent[basin] == 0:
            following = ring[arc ^ 1]
            if following < 0:
                end = labels[lower_end(key) if arc % 2 == 1 else upper_end(key, cols)]
                following = head[end] if end != 0 else -1  # the tour ends when it has been all around basin 0
            word = (int64(1) << 32) | int64(following + 1)
        tour[arc] = word
    grid.sync()
    phase = 0
    moving = int32(1)
    while moving != 0:
        mine = 0
        for arc in range(first, 2 * count, stride):
            word = tour[arc]
            following = (word & LOW) - 1
            if following >= 0:
                beyond = tour[following]
                tour[arc] = (((word >> 32) + (beyond >> 32)) << 32) | (beyond & LOW)
                mine = 1
        if mine != 0:
            state[FLAGS + phase] = 1
        following = (phase + 1) % 3
        if first == 0:
            state[FLAGS + following] = 0
        grid.sync()
        moving = state[FLAGS + phase]
        phase = following
    for basin in range(1 + first, count + 1, stride):
        key = hook[basin]
        if key != NONE and parent[basin] == 0:
            near = lower_end(key)
            far = upper_end(key, cols)
            if tour[2 * basin - 2] >> 32 < tour[2 * basin - 1] >> 32:  # fewer arcs left: the later one, towards basin 0
                near, far = far, near
            lower = labels[far]
            inner[lower] = far
            outer[lower] = near
            height = int64(larger(sortable(bits[far]), sortable(bits[near])))
            ladder[lower] = (height << 32) | int64(labels[near])
    grid.sync()
    moving = int32(1)
    while moving != 0:
        mine = 0
        for basin in range(1 + first, count + 1, stride):
            word = ladder[basin]
            above = word & LOW
            if above != 0:
                beyond = ladder[above]
                ladder[basin] = (larger(word >> 32, beyond >> 32) << 32) | (beyond & LOW)
                mine = 1
        if mine != 0:
            state[FLAGS + phase] = 1
        following = (phase + 1) % 3
        if first == 0:
            state[FLAGS + following] = 0
        grid.sync()
        moving = state[FLAGS + phase]
        phase = following
    if first == 0:
        state[FLAGS + (phase + 1) % 3] = 0  # as it was found
    for basin in range(first, count + 1, stride):
        level[basin] = sortable(int32(ladder[basin] >> 32))


@cuda.jit(cache=True)
def reroute(receivers, inner, outer, long_cells, long_targets, ways, more_ways, marks, state):
    """Turn the ways from pits to passes around, in place. Cooperative.

    One thread a basin walks its own way, which nobody else touches. What is longer than SHORT_PATH cells goes on a list, and its
    cells are then found by jumps and turned all at once.   long_cells, long_targets: int32 (capacity + 1,); ways, more_ways: int32
    (n,); marks: uint8 (n,), all scratch.
    """
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    count = state[BASINS]
    if count > inner.size - 1:
        return
    for basin in range(1 + first, count + 1, stride):
        cell = inner[basin]
        target = outer[basin]
        steps = 0
        while cell >= 0 and steps < SHORT_PATH:
            following = receivers[cell]
            receivers[cell] = target
            target = cell
            cell = -1 if following == cell else following
            steps += 1
        if cell >= 0:
            spot = cuda.atomic.add(state, LONG, 1)
            long_cells[spot] = cell
            long_targets[spot] = target
    grid.sync()
    long = state[LONG]
    if long == 0:
        return
    for cell in range(first, receivers.size, stride):
        ways[cell] = receivers[cell]
        marks[cell] = 0
    grid.sync()
    for k in range(first, long, stride):
        marks[long_cells[k]] = 1
    grid.sync()
    phase = 0
    even = True
    moving = int32(1)
    while moving != 0:
        mine = 0
        for cell in range(first, receivers.size, stride):
            way = ways[cell] if even else more_ways[cell]
            beyond = way
            if way >= 0:
                beyond = ways[way] if even else more_ways[way]
                if marks[cell] != 0:
                    marks[way] = 1
                    if beyond != way:
                        mine = 1
            if even:
                more_ways[cell] = beyond
            else:
                ways[cell] = beyond
        if mine != 0:
            state[FLAGS + phase] = 1
        following = (phase + 1) % 3
        if first == 0:
            state[FLAGS + following] = 0
        grid.sync()
        moving = state[FLAGS + phase]
        phase = following
        even = not even
    if first == 0:
        state[FLAGS + (phase + 1) % 3] = 0  # as it was found
    for cell in range(first, receivers.size, stride):
        ways[cell] = receivers[cell]
    grid.sync()
    for cell in range(first, receivers.size, stride):
        if marks[cell] != 0 and ways[cell] != cell:
            receivers[ways[cell]] = cell
    for k in range(first, long, stride):
        receivers[long_cells[k]] = long_targets[k]


KERNELS = [
    (
        "orient",
        orient,
        (
            int32[::1],
            int32[::1],
            int64,
            int64[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            int64[::1],
            int64[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
        ),
    ),
    (
        "reroute",
        reroute,
        (
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
            uint8[::1],
            int32[::1],
        ),
    ),
]
