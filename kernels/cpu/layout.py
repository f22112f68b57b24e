"""Scratch grids with a frame: rows padded so that neighbors need no bounds and rows of powers of two do not share cache sets.

Cell (r, c) of a grid lies at (r + 1) * stride + c + 1 of its padded scratch. Directions are one byte a cell: 0 a pit, 1..8 the
neighbors in reading order (opposite of k: 9 - k), 9 an outlet, 10 no data (the frame too); plus flags. Outlets, pits and cells
without data stay: their step is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numba
import numpy as np

from ..errors import KernelInputError
from ..workspace import Workspace
from . import threads

PIT, OUTLET, NO_DATA = 0, 9, 10
CARVED = 16
"""Flag: this cell's way was turned around toward the pass of its basin."""
LOWERED = 32
"""Flag: carving has lowered this cell."""
CODE = 15
_LARGEST = 2**30


def stride_of(rows: int, cols: int) -> int:
    """Length of a padded row. Raises KernelInputError where cells could no longer be numbered."""
    unit = 64 if cols > 64 else 8
    stride = -(-(cols + 2) // unit) * unit
    if stride % 512 == 0:
        stride += unit
    if (rows + 2) * stride >= _LARGEST:
        raise KernelInputError(f"A grid of {rows} x {cols} cells is too large for these kernels; work by tiles (kernels.tiles).")
    return stride


@lru_cache(maxsize=64)
def steps_of(stride: int) -> np.ndarray:
    """int64 (64,): what a direction, flags included, adds to a cell's number."""
    near = [0, -stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1, 0, 0, 0, 0, 0, 0, 0]
    steps = np.array(near * 4, np.int64)
    steps.flags.writeable = False
    return steps


def padded(mask: np.ndarray | None, stride: int, workspace: Workspace) -> np.ndarray:
    """A bool mask (rows, cols) in the padded layout, as scratch; (0,) for None."""
    if mask is None:
        return np.zeros(0, np.bool_)
    rows, cols = mask.shape
    out = workspace.take("padded mask", (rows + 2, stride), np.bool_)
    out[:] = False
    out[1 : rows + 1, 1 : cols + 1] = mask
    return out.reshape(-1)


def by_rows(function: Callable[..., Any], rows: int, *rest: Any) -> list[Any]:
    """function(first, last, *rest) on bands of rows, one a thread; the results in the order of the rows."""
    return threads.run([partial(function, first, last, *rest) for first, last in threads.bands(rows)])


@numba.njit(cache=True, nogil=True)
def receivers_of(first, last, directions, stride, cols, receivers):
    """Rows of int32 receivers (rows, cols): flat numbers without padding, the cell itself for what stays, -1 for no data."""
    steps = np.zeros(16, np.int32)
    for k in range(1, 9):
        place = k - 1 if k < 5 else k
        steps[k] = (place // 3 - 1) * cols + place % 3 - 1
    for r in range(first, last):
        base = (r + 1) * stride + 1
        for c in range(cols):
            code = directions[np.uintp(base + c)] & np.uint8(15)
            cell = r * cols + c
            receivers[np.uintp(r), np.uintp(c)] = -1 if code == 10 else cell + steps[code]


@numba.njit(cache=True, nogil=True)
def directions_of(first, last, receivers, stride, directions):
    """Rows of directions from int32 receivers (rows, cols), frame included; False if some receiver is no neighbor.

    A receiver of -1 is no data, the cell itself an outlet.
    """
    rows, cols = receivers.shape
    frame(first, last, directions, stride, rows, cols)
    for r in range(first, last):
        base = (r + 1) * stride + 1
        for c in range(cols):
            target = receivers[r, c]
            if target == -1:
                directions[base + c] = 10
                continue
            if target < 0 or target >= rows * cols:
                return False
            i, j = target // cols - r, target % cols - c
            if abs(i) > 1 or abs(j) > 1:
                return False
            place = 3 * (i + 1) + j + 1
            directions[base + c] = 9 if place == 4 else (place + 1 if place < 4 else place)
    return True


@numba.njit(cache=True, nogil=True)
def frame(first, last, directions, stride, rows, cols):
    """Mark the padding of these rows, and the rows above and below the grid, as no data."""
    if first == 0:
        directions[:stride] = 10
    if last == rows:
        directions[(rows + 1) * stride :] = 10
    for r in range(first, last):
        directions[(r + 1) * stride] = 10
        directions[(r + 1) * stride + cols + 1 : (r + 2) * stride] = 10
