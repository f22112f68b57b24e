# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""How many cells drain through each, in whole numbers: within tiles, from slot to slot, and within tiles again.

Within a tile the last donor to arrive at a cell goes on with the sum (Kahn's order), in shared memory. What leaves a tile is
added to the slot where it enters the next; between slots the sums double their reach each round. Sums of integers do not
depend on order, so the counts are the CPU's.
"""

from __future__ import annotations

from numba import cuda, float32, int32, int64

from .layout import CELLS, NOWHERE, SLOTS, STOP, TILE, local_of_place, way_on
from .state import CIRCLE_FAULT, FAULT, FLAGS, RECEIVER_FAULT

LONGEST_WAY_LOG2 = 28


@cuda.jit(device=True)
def load_counts(receivers, rows, cols, tile, counts, donors, ways, state):
    """Ones, ways and numbers of donors of a tile's cells into shared memory. Cells without data count nothing."""
    across = (cols + TILE - 1) // TILE
    top = (tile // across) * TILE
    left = (tile % across) * TILE
    for k in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
        donors[k] = 0
    cuda.syncthreads()
    for k in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
        r = top + k // TILE
        c = left + k % TILE
        way = STOP
        count = 0
        if r < rows and c < cols:
            receiver = receivers[r * cols + c]
            way = way_on(receiver, r, c, rows, cols, across)
            if way == NOWHERE or receiver < -1:
                cuda.atomic.or_(state, FAULT, RECEIVER_FAULT)
                way = STOP
            if receiver >= 0:
                count = 1
        ways[k] = way
        counts[k] = count
        if way >= 0:
            cuda.atomic.add(donors, way, 1)
    cuda.syncthreads()


@cuda.jit(device=True)
def add_up(counts, donors, ways):
    """Sums of all cells upstream within the tile. `donors` ends below zero where all have arrived."""
    for start in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
        if cuda.atomic.cas(donors, start, 0, -1) != 0:
            continue
        cuda.threadfence_block()
        cell = start
        target = ways[cell]
        while target >= 0:
            cuda.atomic.add(counts, target, counts[cell])
            cuda.threadfence_block()
            if cuda.atomic.add(donors, target, -1) != 1:
                break
            # the last one to arrive goes on; a thread that starts there may have come before it
            if cuda.atomic.cas(donors, target, 0, -1) != 0:
                break
            cuda.threadfence_block()
            cell = target
            target = ways[target]


@cuda.jit(cache=True)
def count_tiles(receivers, rows, cols, inflow, onward, state):
    """What enters each slot from the tiles beside it, added to int32 `inflow` (zero before), and the slot where that leaves again.

    onward: int32 (slots,), slot + 1 or 0.
    """
    counts = cuda.shared.array(CELLS, int32)
    donors = cuda.shared.array(CELLS, int32)
    ways = cuda.shared.array(CELLS, int32)
    across = (cols + TILE - 1) // TILE
    tiles = across * ((rows + TILE - 1) // TILE)
    for tile in range(cuda.blockIdx.x, tiles, cuda.gridDim.x):
        load_counts(receivers, rows, cols, tile, counts, donors, ways, state)
        add_up(counts, donors, ways)
        cuda.syncthreads()
        for place in range(cuda.threadIdx.x, SLOTS, cuda.blockDim.x):
            start = local_of_place(place)
            cell = start
            steps = 0
            while ways[cell] >= 0 and steps < CELLS:
                cell = ways[cell]
                steps += 1
            slot = -1
            if ways[cell] < STOP:
                slot = -2 - ways[cell]
                if cell == start:
                    cuda.atomic.add(inflow, slot, counts[cell])
            onward[tile * SLOTS + place] = slot + 1
        cuda.syncthreads()


@cuda.jit(cache=True)
def zero(values):
    for k in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        values[k] = 0


@cuda.jit(cache=True)
def count_slots(inflow, other_inflow, onward, further, state):
    """Add to every slot the inflow of all slots upstream of it. int32 (slots,) all; other_inflow, further: second buffers.

    Before round i a slot holds the inflow of slots fewer than 2^i steps upstream and points 2^i steps down. The sums end up in
    `inflow`. Cooperative.
    """
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    phase = 0
    rounds = 0
    even = True
    moving = int32(1)
    while moving != 0 and rounds < LONGEST_WAY_LOG2:
        mine = 0
        for slot in range(first, inflow.size, stride):
            if even:
                other_inflow[slot] = inflow[slot]
            else:
                inflow[slot] = other_inflow[slot]
        grid.sync()
        for slot in range(first, inflow.size, stride):
            target = (onward[slot] if even else further[slot]) - 1
            beyond = int32(0)
            if target >= 0:
                if even:
                    if inflow[slot] != 0:
                        cuda.atomic.add(other_inflow, target, inflow[slot])
                    beyond = onward[target]
                else:
                    if other_inflow[slot] != 0:
                        cuda.atomic.add(inflow, target, other_inflow[slot])
                    beyond = further[target]
                if beyond != 0:
                    mine = 1
            if even:
                further[slot] = beyond
            else:
                onward[slot] = beyond
        if mine != 0:
            state[FLAGS + phase] = 1
        following = (phase + 1) % 3
        if first == 0:
            state[FLAGS + following] = 0
        grid.sync()
        moving = state[FLAGS + phase]
        phase = following
        even = not even
        rounds += 1
    if first == 0:
        state[FLAGS + (phase + 1) % 3] = 0  # as it was found
    if moving != 0 and first == 0:
        cuda.atomic.or_(state, FAULT, CIRCLE_FAULT)
    if not even:
        for slot in range(first, inflow.size, stride):
            inflow[slot] = other_inflow[slot]


@cuda.jit(cache=True)
def write_counts(receivers, rows, cols, inflow, accumulation, state):
    """float32 (n,): cells that drain through each, itself included; 0 without data."""
    counts = cuda.shared.array(CELLS, int32)
    donors = cuda.shared.array(CELLS, int32)
    ways = cuda.shared.array(CELLS, int32)
    across = (cols + TILE - 1) // TILE
    tiles = across * ((rows + TILE - 1) // TILE)
    for tile in range(cuda.blockIdx.x, tiles, cuda.gridDim.x):
        load_counts(receivers, rows, cols, tile, counts, donors, ways, state)
        for place in range(cuda.threadIdx.x, SLOTS, cuda.blockDim.x):
            counts[local_of_place(place)] += inflow[tile * SLOTS + place]
        cuda.syncthreads()
        add_up(counts, donors, ways)
        cuda.syncthreads()
        top = (tile // across) * TILE
        left = (tile % across) * TILE
        for k in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
            r = top + k // TILE
            c = left + k % TILE
            if r < rows and c < cols:
                accumulation[r * cols + c] = float32(counts[k])
                if donors[k] != -1:  # it still waits for a donor
                    cuda.atomic.or_(state, FAULT, CIRCLE_FAULT)
        cuda.syncthreads()


KERNELS = [
    ("zero", zero, (int32[::1],)),
    ("count_tiles", count_tiles, (int32[::1], int64, int64, int32[::1], int32[::1], int32[::1])),
    ("count_slots", count_slots, (int32[::1], int32[::1], int32[::1], int32[::1], int32[::1])),
    ("write_counts", write_counts, (int32[::1], int64, int64, int32[::1], float32[::1], int32[::1])),
]
