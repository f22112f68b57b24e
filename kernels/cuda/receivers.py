# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Steepest descent, a tile at a time in shared memory, and where every cell's water leaves its tile.

Same rule and order of ties as on the CPU (kernels.cpu.basins). Pointer jumping within the tile leaves only the cells on the
edges of tiles to jump over the grid.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, cuda, float32, int32, int64

from .layout import CELLS, HALO_CELLS, SIDE, SLOTS, TILE, larger, place_in_tile, slot_of
from .state import BASINS, HIGHEST, MISSING, OUTLETS

ROOT2 = np.float32(0.70710678)
CLOSED = np.float32(np.inf)
"""What counts as the height beyond the grid and of cells without data: nothing flows there."""
OUTLET = -1
NO_DATA = -(2**31)
"""Codes of a cell: a slot (>= 0) that its water passes next, else ~basin, or NO_DATA."""


@cuda.jit(cache=True)
def descend(z, bits, outlets, nodata, rows, cols, receivers, codes, slot_codes, state):
    """D8 receivers int32 (n,), and a code for every cell and slot. One block a tile.

    z, bits: float32 (n,) and the same memory as int32.   outlets: bool (n,), or (0,) for the cells at the border or beside
    no-data.   nodata: bool (n,) or (0,).   Pits get numbers from 1 in the order in which tiles come; nothing depends on it.
    """
    heights = cuda.shared.array(HALO_CELLS, float32)
    way = cuda.shared.array(CELLS, int32)
    code = cuda.shared.array(CELLS, int32)
    tally = cuda.shared.array(5, int32)
    tid = cuda.threadIdx.x
    threads = cuda.blockDim.x
    across = (cols + TILE - 1) // TILE
    tiles = across * ((rows + TILE - 1) // TILE)
    masked = nodata.size > 0
    border = outlets.size == 0
    for tile in range(cuda.blockIdx.x, tiles, cuda.gridDim.x):
        top = (tile // across) * TILE
        left = (tile % across) * TILE
        for k in range(tid, 5, threads):
            tally[k] = 0
        highest = 0
        for k in range(tid, HALO_CELLS, threads):
            r = top + k // SIDE - 1
            c = left + k % SIDE - 1
            h = CLOSED
            if 0 <= r < rows and 0 <= c < cols:
                cell = r * cols + c
                if not (masked and nodata[cell]):
                    h = z[cell]
                    highest = larger(highest, bits[cell] & 0x7FFFFFFF)
            heights[k] = h
        cuda.syncthreads()
        cuda.atomic.max(tally, 2, int32(highest))
        leaving = 0
        missing = 0
        for k in range(tid, CELLS, threads):
            i = k // TILE
            j = k - i * TILE
            r = top + i
            c = left + j
            target = k
            note = OUTLET
            if r < rows and c < cols:
                cell = r * cols + c
                if masked and nodata[cell]:
                    missing += 1
                    receivers[cell] = -1
                    note = NO_DATA
                else:
                    h = heights[(i + 1) * SIDE + j + 1]  # an infinite one is found out by its bits
                    best = float32(0.0)
                    step = -1
                    beside = False
                    for q in range(9):
                        if q != 4:
                            other = heights[(i + q // 3) * SIDE + j + q % 3]
                            if other == CLOSED:
                                beside = True
                            drop = h - other
                            if q % 2 == 0:
                                drop = drop * ROOT2
                            if drop > best:
                                best = drop
                                step = q
                    root = beside
                    if not border:
                        root = outlets[cell]
                        if root:
                            leaving += 1
                    if root or step < 0:
                        receivers[cell] = cell
                        if not root:
                            note = -2 - cuda.atomic.add(tally, 0, 1)
                    else:
                        di = step // 3 - 1
                        dj = step % 3 - 1
                        receivers[cell] = cell + di * cols + dj
                        if 0 <= i + di < TILE and 0 <= j + dj < TILE:
                            target = (i + di) * TILE + j + dj
                        else:
                            note = slot_of(r + di, c + dj, across)
            way[k] = target
            code[k] = note
        if leaving > 0:
            cuda.atomic.add(tally, 3, leaving)
        if missing > 0:
            cuda.atomic.add(tally, 4, missing)
        cuda.syncthreads()
        if tid == 0:
            tally[1] = cuda.atomic.add(state, BASINS, tally[0])
            cuda.atomic.max(state, HIGHEST, tally[2])
            cuda.atomic.add(state, OUTLETS, tally[3])
            cuda.atomic.add(state, MISSING, tally[4])
        moving = 1
        while moving != 0:
            mine = 0
            for k in range(tid, CELLS, threads):
                here = way[k]
                there = way[here]
                if there != here:
                    way[k] = there
                    mine = 1
            moving = cuda.syncthreads_or(mine)
        for k in range(tid, CELLS, threads):
            i = k // TILE
            j = k - i * TILE
            note = code[way[k]]
            if note < OUTLET and note != NO_DATA:
                note -= tally[1]
            if top + i < rows and left + j < cols:
                codes[(top + i) * cols + left + j] = note
            place = place_in_tile(i, j)
            if place >= 0:
                slot_codes[tile * SLOTS + place] = note
        cuda.syncthreads()


KERNELS = [
    (
        "descend",
        descend,
        (
            float32[::1],
            int32[::1],
            boolean[::1],
            boolean[::1],
            int64,
            int64,
            int32[::1],
            int32[::1],
            int32[::1],
            int32[::1],
        ),
    )
]
