# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Numbers that the kernels of one call leave for each other on the GPU, int32; the host reads them once at the end."""

from __future__ import annotations

from numba import cuda, int32

BASINS = 0
"""Pits found, whether or not they fit the arrays that were made for them."""
HIGHEST = 1
"""Bits of the largest absolute height: above those of infinity for a NaN."""
FAULT = 2
"""Sum of the faults below."""
FLAGS = 3
"""Three flags of `somebody`, used in turn: one that is set, one that is read, one that is cleared."""
LISTED = 6
"""Lengths of two lists of boundary cells."""
LONG = 8
"""Paths that one thread does not finish."""
CHANGED = 9
VIOLATIONS = 10
UNDRAINED = 11
OUTLETS = 12
"""Cells with data in the mask of outlets; not counted without one."""
MISSING = 13
"""Cells without data."""
SIZE = 16

RANGE_FAULT = 1
"""Carving leaves the range of fixed point."""
RECEIVER_FAULT = 2
"""A receiver is no neighbor of its cell."""
CIRCLE_FAULT = 8
"""Receivers run in a circle."""
HEIGHT_FAULT = 4
"""A height is NaN, infinite or too large."""

FIXED = 1
ALONE = 2
"""Bits of a cell that carving leaves as it is: for it is said to be fixed, for its water does not get out."""


@cuda.jit(cache=True)
def reset(state):
    for k in range(cuda.grid(1), state.size, cuda.gridsize(1)):
        state[k] = 0


KERNELS = [("reset", reset, (int32[::1],))]
