# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Basins of all cells from the codes of tiles: jumps from slot to slot, then one look a cell."""

from __future__ import annotations

from numba import cuda, int32

from .receivers import NO_DATA
from .state import FLAGS


@cuda.jit(cache=True)
def label(codes, slot_codes, state):
    """Turn codes into labels, int32 (n,), in place: 0 drains to an outlet, -1 without data. Cooperative.

    A slot whose code is another slot takes over that one's code until all are basins: in place, since any state of another
    slot lies on the way of this one.
    """
    grid = cuda.cg.this_grid()
    first = cuda.grid(1)
    stride = cuda.gridsize(1)
    phase = 0
    moving = 1
    while moving != 0:
        mine = 0
        for slot in range(first, slot_codes.size, stride):
            code = slot_codes[slot]
            if code >= 0:
                code = slot_codes[code]
                slot_codes[slot] = code
                if code >= 0:
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
    for cell in range(first, codes.size, stride):
        code = codes[cell]
        if code >= 0:
            code = slot_codes[code]
        codes[cell] = -1 if code == NO_DATA else ~code


KERNELS = [("label", label, (int32[::1], int32[::1], int32[::1]))]
