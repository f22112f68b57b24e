# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Parallel lines on a GPU (the frame of kernels.parallel_lines): a thread a line, steps in blocks, grids turned where lines run
along columns.

Steps of a block are walked by as many threads as there are lines over the grid then; line numbers are those of
kernels.cpu.strips, and each product and sum is rounded on its own as there, so that ground between cells is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, int32

from kernels.arrays import simulated
from kernels.errors import HIGHEST_M
from kernels.parallel_lines import ParallelLines, parallel_lines

from .grids import THREADS, blocks_for, heights_on_device, lowered_flag, mask_on_device, raise_if_set
from .memory import DeviceWorkspace
from .scan import product, product32

NO_GROUND = np.float32(-1e30)
ABSENT = np.float32(-1e29)
"""Heights below are cells without data."""
NOTHING_YET = np.float32(-1e38)
"""A line that no ground has met."""

_MOST_BLOCKS = 65535  # along the second axis of a launch
TILE = 4 if simulated() else 32
PADDED = TILE + 1  # columns of a tile lie in different banks
TURNERS = TILE if simulated() else 8 * TILE


@cuda.jit(device=True)
def farthest_whole(steps, shift):
    """Lanes that lines of positive shift are numbered ahead, so that no number is negative."""
    return np.int64(math.floor(product(steps - 1.0, abs(shift)))) + 1


@cuda.jit(device=True)
def line_place(k, shift, farthest):
    """(offset, left, right): the line before lane 0 at step k, float32 weights of the lines before and after each cell."""
    along = product(float(k), abs(shift))
    floor = math.floor(along)
    whole, fraction = np.int64(floor), along - floor
    if shift <= 0.0:
        return whole, np.float32(1.0 - fraction), np.float32(fraction)
    if fraction == 0.0:
        return farthest - whole, np.float32(1.0), np.float32(0.0)
    return farthest - whole - 1, np.float32(fraction), np.float32(1.0 - fraction)


@cuda.jit(device=True)
def first_line(block, size, steps, shift, farthest):
    """The lowest number of a line over the grid in a block of `size` steps."""
    k = block * size
    if shift > 0.0:
        k = (k + size if k + size < steps else steps) - 1
    return line_place(k, shift, farthest)[0]


@cuda.jit(device=True)
def line_ground(ground, row, lane, lanes, left, right):
    """Ground of the line between cells lane - 1 and lane of a row; NO_GROUND where it is not over the grid.

    Linear; one cell's height where the other lies outside or has no data.
    """
    if lane < 0 or lane > lanes or (lane == lanes and right == 0.0):
        return float32(NO_GROUND)
    if lane == 0:
        return ground[row, 0]
    if lane == lanes:
        return ground[row, lanes - 1]
    here = ground[row, lane]
    if right == 0.0:
        return here
    before = ground[row, lane - 1]
    if before < ABSENT:
        return here
    if here < ABSENT:
        return before
    return product32(right, before) + product32(left, here)


@cuda.jit(device=True)
def look(height, highest, wrong):
    """wrong[0] = 1 for a height that is NaN or farther than `highest` from zero."""
    if not abs(height) <= highest:
        wrong[0] = 1


def turn(heights, nodata, highest, wrong, result):
    """Transpose, NO_GROUND where there is no data (nodata may have no cells), by tiles in shared memory; others are looked at."""
    tile = cuda.shared.array((TILE, PADDED), float32)
    rows, cols = heights.shape
    across = (cols + TILE - 1) // TILE
    top, left = cuda.blockIdx.x // across * TILE, cuda.blockIdx.x % across * TILE
    i, j = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    masked = nodata.size > 0
    for row in range(i, TILE, cuda.blockDim.x // TILE):
        r, c = top + row, left + j
        if r < rows and c < cols:
            height = heights[r, c]
            if masked and nodata[r, c]:
                height = float32(NO_GROUND)
            else:
                look(height, highest, wrong)
            tile[row, j] = height
    cuda.syncthreads()
    for col in range(i, TILE, cuda.blockDim.x // TILE):
        r, c = top + j, left + col
        if r < rows and c < cols:
            result[c, r] = tile[j, col]


def turn_mask(mask, result):
    """Transpose of a bool grid, by tiles in shared memory."""
    tile = cuda.shared.array((TILE, PADDED), boolean)
    rows, cols = mask.shape
    across = (cols + TILE - 1) // TILE
    top, left = cuda.blockIdx.x // across * TILE, cuda.blockIdx.x % across * TILE
    i, j = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    for row in range(i, TILE, cuda.blockDim.x // TILE):
        if top + row < rows and left + j < cols:
            tile[row, j] = mask[top + row, left + j]
    cuda.syncthreads()
    for col in range(i, TILE, cuda.blockDim.x // TILE):
        if top + j < rows and left + col < cols:
            result[left + col, top + j] = tile[j, col]


def without_ground(heights, nodata, highest, wrong, result):
    """A copy with NO_GROUND where there is no data; other heights are looked at."""
    rows, cols = heights.shape
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        col = cell - row * cols
        height = heights[row, col]
        if nodata[row, col]:
            height = float32(NO_GROUND)
        else:
            look(height, highest, wrong)
        result[row, col] = height


@dataclass(frozen=True)
class Laid:
    """ground: float32 (steps, lanes) on the device.   lines: over it.   flag, highest: for `look` at the ground as it is walked.

    call `require` once all of the ground has been looked at.
    """

    ground: Any
    lines: ParallelLines
    flag: Any
    highest: float

    def require(self) -> None:
        """Raises KernelInputError for heights that cannot be used; the host waits, once a call."""
        raise_if_set(self.flag, f"The heights contain NaN, infinity or values beyond {HIGHEST_M:.0e} m; "
                     "mask those cells with `nodata`.")


def laid_out(heights: Any, nodata: Any, azimuth_rad: float, workspace: DeviceWorkspace) -> Laid:
    """Heights on the device with steps as rows and NO_GROUND without data; themselves where nothing is to be changed.

    Raises KernelInputError for shapes and kinds; values are looked at in the first pass over them.
    """
    grid = heights_on_device(heights, workspace)
    shape = tuple(int(size) for size in grid.shape)
    mask = mask_on_device(nodata, shape, "nodata", workspace)
    flag, lines, highest = lowered_flag(workspace), parallel_lines(azimuth_rad), np.float32(HIGHEST_M)
    if lines.by_columns:
        turned = workspace.take("turned", shape[::-1], np.float32)
        _turn[tiles(shape), TURNERS](grid, mask, highest, flag, turned)
        return Laid(turned, lines, flag, np.float32(np.inf))
    if nodata is not None:
        masked = workspace.take("masked", shape, np.float32)
        _without_ground[blocks_for(shape[0] * shape[1]), THREADS](grid, mask, highest, flag, masked)
        return Laid(masked, lines, flag, np.float32(np.inf))
    return Laid(grid, lines, flag, highest)


def tiles(shape: tuple[int, ...]) -> int:
    """Blocks that turn an array."""
    return -(-shape[1] // TILE) * -(-shape[0] // TILE)


def block_size(steps: int, lanes: int, largest: int) -> int:
    """Steps of a block: few enough to keep a GPU busy, many enough for a launch to have room for all blocks."""
    cells = steps * lanes
    size = 16 if cells <= 2**21 else 32 if cells <= 2**24 else 64
    return max(min(size, largest), -(-steps // _MOST_BLOCKS))


def turned_back(grid: Any, workspace: DeviceWorkspace) -> Any:
    """The transpose of a float32 or bool device array as a new one."""
    rows, cols = (int(size) for size in grid.shape)
    result = cuda.device_array((cols, rows), grid.dtype)
    if np.dtype(grid.dtype) == np.bool_:
        _turn_mask[tiles((rows, cols)), TURNERS](grid, result)
    else:
        unread = workspace.take("unread flag", 1, np.int32)
        _turn[tiles((rows, cols)), TURNERS](grid, workspace.take("no mask", (0, 0), np.bool_), np.float32(np.inf), unread, result)
    return result


_grid, _mask = float32[:, ::1], boolean[:, ::1]
KERNELS = [
    ("turn_heights", turn, (_grid, _mask, float32, int32[::1], _grid)),
    ("turn_mask", turn_mask, (_mask, _mask)),
    ("without_ground", without_ground, (_grid, _mask, float32, int32[::1], _grid)),
]
_turn, _turn_mask, _without_ground = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)
