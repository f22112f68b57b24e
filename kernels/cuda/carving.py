# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Breaching in fixed point: lower every cell to its donors' heights less the drop, exactly as the CPU does, in three steps.

1. Within each tile, in shared memory: cells push down along their way until nothing changes or the way leaves the tile.
2. From slot to slot: frozen pointer jumping. In round i a slot gives its height, less the drop of the cells between, to the slot
   2^i tiles further on; pointers are double-buffered, and one whose way has ended has given and stops. The loop ends when no
   pointer is left (Pixels2Peaks algorithm 1 without its fault at the outlets).
3. Within each tile again, with the lowered entries, and back to float32: only changed cells differ.
Sums are integers, minima do not depend on order: the result is the CPU's bit for bit.
"""

from __future__ import annotations

import math

from numba import cuda, float32, float64, int32, int64, uint8

from kernels.errors import HIGHEST_M

from .launch import THREADS
from .layout import CELLS, NOWHERE, SLOTS, STOP, TILE, larger, local_of_place, way_on
from .orientation import LOW
from .state import CHANGED, FAULT, FLAGS, HEIGHT_FAULT, HIGHEST, RANGE_FAULT, VIOLATIONS

HIGHEST_UNIT = 2**31 - 1
LOWEST_UNIT = -(2**31) + 1
UNIT_M = 2.0**-14


@cuda.jit(cache=True)
def prepare(state, state_floats, epsilon_m, drop, unit):
    """`drop` int64 (1,), `unit` float64 (1,) as kernels.fixed_point has them, from the largest height. One thread."""
    if cuda.grid(1) == 0:
        top = float64(state_floats[HIGHEST])
        if not top <= HIGHEST_M:
            state[FAULT] |= HEIGHT_FAULT
        else:
            size = UNIT_M
            while top / size > 2.0**30:
                size *= 2.0
            step = 1
            if top > 0:
                exponent = larger(int(state[HIGHEST]) >> 23, 1)
                step = larger(1, int64(round(math.ldexp(1.0, exponent - 150) / size)))
            units = int64(math.ceil(epsilon_m / size)) + 1  # one more for the rounding of heights to units
            drop[0] = (units + step - 1) // step * step
            unit[0] = size


@cuda.jit(device=True)
def in_units(height, per_unit):
    return int32(round(height * per_unit))


@cuda.jit(device=True)
def load_ways(z, receivers, fixed, rows, cols, tile, per_unit, units, ways):
    """Heights in units and ways of a tile's cells into shared memory; nothing goes on into a cell that stays as it is.

    fixed: uint8 (n,) or (0,), see `state.FIXED`.
    """
    across = (cols + TILE - 1) // TILE
    top = (tile // across) * TILE
    left = (tile % across) * TILE
    some_fixed = fixed.size > 0
    for k in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
        r = top + k // TILE
        c = left + k % TILE
        height = HIGHEST_UNIT
        way = STOP
        if r < rows and c < cols:
            cell = r * cols + c
            receiver = receivers[cell]
            if receiver >= 0:
                height = in_units(z[cell], per_unit)
                if not (some_fixed and fixed[receiver] != 0):
                    way = way_on(receiver, r, c, rows, cols, across)
        units[k] = height
        ways[k] = way


@cuda.jit(device=True)
def push_down(units, ways, drop, state):
    """Lower whatever lies too high downstream within the tile. Ways are no longer than the tile has cells."""
    for start in range(cuda.threadIdx.x, CELLS, cuda.blockDim.x):
        cell = start
        target = ways[start]
        while target >= 0:
            least = int64(units[cell]) - drop
            if units[target] <= least:
                break
            if least < LOWEST_UNIT:
                cuda.atomic.or_(state, FAULT, RANGE_FAULT)
                break
            cuda.atomic.min(units, target, int32(least))
            cell = target
            target = ways[target]


@cuda.jit(cache=True)
def carve_tiles(z, receivers, fixed, rows, cols, drop, unit, values, onward, state):
    """Step 1: lowest heights of the cells at slots, int32 `values`, and where each leads on.

    onward: int64 (slots,), cells on the way << 32 | slot + 1; 0 where the way ends.
    """
    units = cuda.shared.array(CELLS, int32)
    ways = cuda.shared.array(CELLS, int32)
    if state[FAULT] & HEIGHT_FAULT != 0:
        return
    across = (cols + TILE - 1) // TILE
    tiles = across * ((rows + TILE - 1) // TILE)
    epsilon = drop[0]
    per_unit = float32(1.0 / unit[0])
    for tile in range(cuda.blockIdx.x, tiles, cuda.gridDim.x):
        load_ways(z, receivers, fixed, rows, cols, tile, per_unit, units, ways)
        cuda.syncthreads()
        push_down(units, ways, epsilon, state)
        cuda.syncthreads()
        for place in range(cuda.threadIdx.x, SLOTS, cuda.blockDim.x):
            start = local_of_place(place)
            cell = start
            cells = 0  # from the start to the one that leaves
            while ways[cell] >= 0:
                cell = ways[cell]
                cells += 1
            word = int64(0)
            if ways[cell] < STOP and ways[cell] != NOWHERE:
                word = (int64(cells + 1) << 32) | int64(-1 - ways[cell])
            onward[tile * SLOTS + place] = word
            values[tile * SLOTS + place] = units[start]
        cuda.syncthreads()


@cuda.jit(cache=True)
def carve_slots(values, onward, further, drop, state):
    """Step 2, in place in `values`. onward, further: int64 (slots,), the pointers and their other buffer. Cooperative."""
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    if state[FAULT] & HEIGHT_FAULT != 0:
        return
    epsilon = drop[0]
    phase = 0
    even = True
    moving = int32(1)
    while moving != 0:
        mine = 0
        for slot in range(first, values.size, stride):
            word = onward[slot] if even else further[slot]
            target = (word & LOW) - 1
            if target >= 0:
                least = int64(values[slot]) - (word >> 32) * epsilon
                if least < values[target]:
                    if least < LOWEST_UNIT:
                        cuda.atomic.or_(state, FAULT, RANGE_FAULT)
                    else:
                        cuda.atomic.min(values, target, int32(least))
                beyond = onward[target] if even else further[target]
                if beyond != 0:
                    word = (((word >> 32) + (beyond >> 32)) << 32) | (beyond & LOW)
                    mine = 1
                else:
                    word = int64(0)
            if even:
                further[slot] = word
            else:
                onward[slot] = word
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


@cuda.jit(cache=True)
def write_carved(z, receivers, fixed, rows, cols, drop, unit, values, carved, sums, state):
    """Step 3: float32 (n,) `carved`, and `sums`, float64 (blocks, 3): sum of cuts, the deepest, the deepest of an outlet."""
    units = cuda.shared.array(CELLS, int32)
    ways = cuda.shared.array(CELLS, int32)
    parts = cuda.shared.array((THREADS, 3), float64)
    tid = cuda.threadIdx.x
    across = (cols + TILE - 1) // TILE
    tiles = across * ((rows + TILE - 1) // TILE)
    some_fixed = fixed.size > 0
    total, deepest, border = float64(0.0), float64(0.0), float64(0.0)
    changed, violations = 0, 0
    if state[FAULT] & HEIGHT_FAULT != 0:
        return
    epsilon = drop[0]
    size = float32(unit[0])
    per_unit = float32(1.0 / unit[0])
    for tile in range(cuda.blockIdx.x, tiles, cuda.gridDim.x):
        load_ways(z, receivers, fixed, rows, cols, tile, per_unit, units, ways)
        cuda.syncthreads()
        for place in range(tid, SLOTS, cuda.blockDim.x):
            k = local_of_place(place)
            if values[tile * SLOTS + place] < units[k]:
                units[k] = values[tile * SLOTS + place]
        cuda.syncthreads()
        push_down(units, ways, epsilon, state)
        cuda.syncthreads()
        top = (tile // across) * TILE
        left = (tile % across) * TILE
        for k in range(tid, CELLS, cuda.blockDim.x):
            r = top + k // TILE
            c = left + k % TILE
            if r >= rows or c >= cols:
                continue
            cell = r * cols + c
            height = z[cell]
            receiver = receivers[cell]
            if receiver >= 0 and units[k] != in_units(height, per_unit):
                lowered = float32(units[k]) * size
                cut = float64(height) - float64(lowered)
                changed += 1
                total += cut
                deepest = larger(deepest, cut)
                if receiver == cell:
                    border = larger(border, cut)
                height = lowered
            carved[cell] = height
            if (
                some_fixed
                and receiver >= 0
                and receiver != cell
                and fixed[receiver] != 0
                and in_units(z[receiver], per_unit) > int64(units[k]) - epsilon
            ):
                violations += 1
        cuda.syncthreads()
    if changed > 0:
        cuda.atomic.add(state, CHANGED, changed)
    if violations > 0:
        cuda.atomic.add(state, VIOLATIONS, violations)
    parts[tid, 0] = total
    parts[tid, 1] = deepest
    parts[tid, 2] = border
    cuda.syncthreads()
    if tid == 0:  # in a fixed order: the same numbers in every run
        for k in range(1, cuda.blockDim.x):
            total += parts[k, 0]
            deepest = larger(deepest, parts[k, 1])
            border = larger(border, parts[k, 2])
        sums[cuda.blockIdx.x, 0] = total
        sums[cuda.blockIdx.x, 1] = deepest
        sums[cuda.blockIdx.x, 2] = border


KERNELS = [
    ("prepare", prepare, (int32[::1], float32[::1], float64, int64[::1], float64[::1])),
    (
        "carve_tiles",
        carve_tiles,
        (
            float32[::1],
            int32[::1],
            uint8[::1],
            int64,
            int64,
            int64[::1],
            float64[::1],
            int32[::1],
            int64[::1],
            int32[::1],
        ),
    ),
    ("carve_slots", carve_slots, (int32[::1], int64[::1], int64[::1], int64[::1], int32[::1])),
    (
        "write_carved",
        write_carved,
        (
            float32[::1],
            int32[::1],
            uint8[::1],
            int64,
            int64,
            int64[::1],
            float64[::1],
            int32[::1],
            float32[::1],
            float64[:, ::1],
            int32[::1],
        ),
    ),
]
