# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""The lowest spanning tree of basins by Boruvka's algorithm, one cooperative kernel for all rounds.

Keys are (sortable height << 32 | edge id), signed 64 bit, the same total order as on the CPU, so the tree is the same
whatever the threads do. Every basin but 0 hooks onto another exactly once, along its component's lowest edge; that edge is
kept under the basin's number. Round 1 looks at all cells and lists those on boundaries between basins, later rounds at the
shrinking list (after Jain et al. 2024; hooks and shortcuts touch arrays of basins only).
"""

from __future__ import annotations

import numpy as np
from numba import cuda, int32, int64

from .layout import larger
from .state import BASINS, FLAGS, LISTED

NONE = np.int64(0x7FFFFFFFFFFFFFFF)


@cuda.jit(device=True)
def sortable(bits):
    """int32 that sorts like the float32 of these bits."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@cuda.jit(device=True)
def lower_end(key):
    """The cell of an edge that comes first in reading order."""
    return (key & 0xFFFFFFFF) >> 2


@cuda.jit(device=True)
def upper_end(key, cols):
    """The other cell: right of it (0), below left, below, below right."""
    cell = (key & 0xFFFFFFFF) >> 2
    d = key & 3
    return cell + 1 if d == 0 else cell + cols + d - 2


@cuda.jit(device=True)
def beside_others(cell, labels, cols):
    """Whether a cell may lie on a boundary: too often true at the ends of rows, but found without a division."""
    own = labels[cell]
    for q in range(9):
        other = cell + (q // 3 - 1) * cols + q % 3 - 1
        if 0 <= other < labels.size and labels[other] != own:
            return True
    return False


@cuda.jit(device=True)
def lowest_edge(cell, mine, bits, labels, parent, rows, cols):
    """Key of the lowest edge from a cell into another component than `mine`; NONE for none."""
    low = int64(NONE)
    r = cell // cols
    c = cell - r * cols
    h = sortable(bits[cell])
    own = labels[cell]
    for q in range(9):
        i = r + q // 3 - 1
        j = c + q % 3 - 1
        if q == 4 or i < 0 or i >= rows or j < 0 or j >= cols:
            continue
        other = i * cols + j
        label = labels[other]
        if label < 0 or label == own or parent[label] == mine:
            continue
        start = cell if q > 4 else other
        d = (q if q > 4 else 8 - q) - 5
        key = (int64(larger(h, sortable(bits[other]))) << 32) | (4 * start + d)
        if key < low:
            low = key
    return low


@cuda.jit(cache=True)
def boruvka(bits, labels, rows, cols, best, parent, partner, hook, listed, relisted, state):
    """Fill `hook`, int64 (capacity + 1,): the edge by which each basin joins; NONE for basin 0 and what cannot be drained.

    bits: int32 (n,) of the heights.   labels: int32 (n,).   parent: int32 (capacity + 1,), at the end the component of each
    basin: 0 if water of it gets out.   best, partner: scratch of that size.   listed, relisted: scratch, int32 (n,).
    Cooperative. Does nothing if there are more basins than room for them.
    """
    joint = cuda.shared.array(2, int32)
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    tid = cuda.threadIdx.x
    count = state[BASINS]
    if count > parent.size - 1:
        return
    for basin in range(first, count + 1, stride):
        parent[basin] = basin
        best[basin] = NONE
        hook[basin] = NONE
    grid.sync()
    turn = 0
    phase = 0
    total = labels.size
    from_grid = True
    merging = int32(1)
    while merging != 0:
        # 1 candidates: every boundary cell offers its lowest edge to its own component
        for base in range(cuda.blockIdx.x * cuda.blockDim.x, total, stride):
            k = base + tid
            cell = -1
            mine = -1
            if k < total:
                cell = k
                if not from_grid:
                    cell = relisted[k] if turn == 0 else listed[k]
                mine = labels[cell]
                if mine > 0:
                    mine = parent[mine]
            key = int64(NONE)
            if mine > 0 and (not from_grid or beside_others(cell, labels, cols)):
                key = lowest_edge(cell, mine, bits, labels, parent, rows, cols)
                if key < best[mine]:
                    cuda.atomic.min(best, mine, key)
            if tid == 0:
                joint[0] = 0
            cuda.syncthreads()
            spot = -1
            if key != NONE:
                spot = cuda.atomic.add(joint, 0, 1)
            cuda.syncthreads()
            if tid == 0:
                joint[1] = cuda.atomic.add(state, LISTED + turn, joint[0])
            cuda.syncthreads()
            if spot >= 0:
                if turn == 0:
                    listed[joint[1] + spot] = cell
                else:
                    relisted[joint[1] + spot] = cell
        grid.sync()
        # 2 partners, while `parent` stands still
        total = state[LISTED + turn]
        for basin in range(1 + first, count + 1, stride):
            mate = -1
            key = best[basin]
            if parent[basin] == basin and key != NONE:
                low = parent[labels[lower_end(key)]]
                high = parent[labels[upper_end(key, cols)]]
                mate = high if low == basin else low
            partner[basin] = mate
        if first == 0:
            state[LISTED + 1 - turn] = 0
        grid.sync()
        # 3 hooks; of two that chose each other the smaller stays
        mine = 0
        for basin in range(1 + first, count + 1, stride):
            mate = partner[basin]
            if mate >= 0 and not (mate != 0 and best[mate] == best[basin] and basin < mate):
                parent[basin] = mate
                hook[basin] = best[basin]
                mine = 1
        if mine != 0:
            state[FLAGS + phase] = 1
        following = (phase + 1) % 3
        if first == 0:
            state[FLAGS + following] = 0
        grid.sync()
        merging = state[FLAGS + phase]
        phase = following
        # 4 shortcuts to the new components, in place: whatever is read lies on the way up
        moving = merging
        while moving != 0:
            mine = 0
            for basin in range(1 + first, count + 1, stride):
                best[basin] = NONE
                above = parent[basin]
                top = parent[above]
                if top != above:
                    parent[basin] = top
                    mine = 1
            if mine != 0:
                state[FLAGS + phase] = 1
            following = (phase + 1) % 3
            if first == 0:
                state[FLAGS + following] = 0
            grid.sync()
            moving = state[FLAGS + phase]
            phase = following
        turn = 1 - turn
        from_grid = False
    if first == 0:
        state[FLAGS + (phase + 1) % 3] = 0  # as it was found


KERNELS = [
    (
        "boruvka",
        boruvka,
        (
            int32[::1],
            int32[::1],
            int64,
            int64,
            int64[::1],
            int32[::1],
            int32[::1],
            int64[::1],
            int32[::1],
            int32[::1],
            int32[::1],
        ),
    )
]
