"""Tiles of a grid, and the slots along their edges.

A block of threads works on a tile of TILE x TILE cells in shared memory. Water passes from tile to tile only through cells
on the tiles' edges: each of those has a slot, tile * SLOTS + place, and whatever has to travel far (labels, carving, counts)
jumps from slot to slot, an eighth of the cells. The functions here know nothing of threads.
"""

from __future__ import annotations

from numba import cuda

TILE = 32
SIDE = TILE + 2
CELLS = TILE * TILE
HALO_CELLS = SIDE * SIDE
SLOTS = 4 * TILE - 4

STOP = -1
NOWHERE = -(2**31)
"""A cell from which nothing goes on, and one whose receiver is no neighbor. -2 - slot: the way leaves the tile to that slot."""


def tile_grid(rows: int, cols: int) -> tuple[int, int]:
    """Tiles down and across."""
    return -(-rows // TILE), -(-cols // TILE)


def slot_count(rows: int, cols: int) -> int:
    down, across = tile_grid(rows, cols)
    return down * across * SLOTS


@cuda.jit(device=True)
def larger(a, b):
    """max of two: Numba compiles the built-in one for the CPU alone."""
    return a if a > b else b


@cuda.jit(device=True)
def place_in_tile(i, j):
    """Place of a cell along the edge of its tile, -1 for one inside. i, j: row and column within the tile."""
    if i == 0:
        return j
    if i == TILE - 1:
        return TILE + j
    if j == 0:
        return 2 * TILE + i - 1
    if j == TILE - 1:
        return 3 * TILE - 2 + i - 1
    return -1


@cuda.jit(device=True)
def local_of_place(place):
    """Cell within the tile, i * TILE + j, of a place along its edge."""
    if place < TILE:
        return place
    if place < 2 * TILE:
        return (TILE - 1) * TILE + place - TILE
    if place < 3 * TILE - 2:
        return (place - 2 * TILE + 1) * TILE
    return (place - (3 * TILE - 2) + 1) * TILE + TILE - 1


@cuda.jit(device=True)
def slot_of(r, c, across):
    """Slot of a cell on the edge of its tile. across: tiles in a row of tiles."""
    i, j = r % TILE, c % TILE
    return ((r // TILE) * across + c // TILE) * SLOTS + place_in_tile(i, j)


@cuda.jit(device=True)
def way_on(receiver, r, c, rows, cols, across):
    """Where the way goes from a cell within its tile: the local cell, STOP, -2 - slot if it leaves, NOWHERE for no neighbor.

    receiver: flat, < 0 for none.
    """
    cell = r * cols + c
    if receiver < 0 or receiver == cell:
        return STOP
    for dr in range(-1, 2):
        dc = receiver - cell - dr * cols
        if -1 <= dc <= 1 and 0 <= c + dc < cols and 0 <= r + dr < rows:
            i, j = r % TILE + dr, c % TILE + dc
            if 0 <= i < TILE and 0 <= j < TILE:
                return i * TILE + j
            return -2 - slot_of(r + dr, c + dc, across)
    return NOWHERE
