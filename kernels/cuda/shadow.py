# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Cast shadows on a GPU: lines of light in blocks of steps (the rules are those of kernels.shadow).

Heights are kept relative to the falling light, so that what darkens a line is a maximum of terms that do not depend on each
other. A first pass finds the maximum of every block of steps and line, a second one those of all blocks before, and a third
walks the blocks side by side, each from what lies before it: two reads of the heights, and the bits of a single walk.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64

from .grids import THREADS, blocks_for, mask_on_device, scratch_of
from .lines import NOTHING_YET, block_size, farthest_whole, first_line, laid_out, line_ground, line_place, look, turned_back
from .memory import DeviceWorkspace
from .scan import product32

_AT_ONCE = 8
"""Blocks whose maxima are asked for before one is waited for."""


def darken(ground, backward, shift, drop, size, limit, wrong, highest):
    """highest[block, line]: the highest ground of each line in each block of `size` steps, relative to the falling light.

    limit, wrong: for `look` at every cell.
    """
    steps, lanes = ground.shape
    farthest = farthest_whole(steps, shift)
    block = cuda.blockIdx.y
    line = first_line(block, size, steps, shift, farthest) + cuda.grid(1)
    if line >= highest.shape[1]:
        return
    best = float32(NOTHING_YET)
    for k in range(block * size, (block + 1) * size if (block + 1) * size < steps else steps):
        offset, left, right = line_place(k, shift, farthest)
        if 0 <= line - offset <= lanes:
            row = steps - 1 - k if backward else k
            if line - offset < lanes:
                look(ground[row, line - offset], limit, wrong)
            height = line_ground(ground, row, line - offset, lanes, left, right) + float32(k * drop)
            best = height if height > best else best
    highest[block, line] = best


def carry(lanes, steps, shift, size, reach, highest):
    """In place: the highest of all blocks before each. Entries outside a block's lines are not read."""
    farthest = farthest_whole(steps, shift)
    line = cuda.grid(1)
    if line >= highest.shape[1]:
        return
    best = float32(NOTHING_YET)
    waiting = cuda.local.array(_AT_ONCE, float32)
    for start in range(0, highest.shape[0], _AT_ONCE):
        for i in range(_AT_ONCE):
            waiting[i] = NOTHING_YET
            if start + i < highest.shape[0]:
                first = first_line(start + i, size, steps, shift, farthest)
                if first <= line < first + reach:
                    waiting[i] = highest[start + i, line]
        for i in range(_AT_ONCE):
            if start + i < highest.shape[0]:
                highest[start + i, line] = best
                best = waiting[i] if waiting[i] > best else best


def shade(ground, backward, shift, drop, size, highest, shadow):
    """Walk each block's strips between two lines from what darkened them before."""
    steps, lanes = ground.shape
    farthest = farthest_whole(steps, shift)
    block = cuda.blockIdx.y
    strip = first_line(block, size, steps, shift, farthest) + cuda.grid(1)
    if strip + 1 >= highest.shape[1]:
        return
    before, after = highest[block, strip], highest[block, strip + 1]
    for k in range(block * size, (block + 1) * size if (block + 1) * size < steps else steps):
        offset, left, right = line_place(k, shift, farthest)
        lane = strip - offset
        row = steps - 1 - k if backward else k
        light = float32(k * drop)
        if 0 <= lane < lanes:
            shadow[row, lane] = ground[row, lane] + light < product32(left, before) + product32(right, after)
        height = line_ground(ground, row, lane, lanes, left, right) + light
        before = height if height > before else before
        height = line_ground(ground, row, lane + 1, lanes, left, right) + light
        after = height if height > after else after


def lit(nodata, shadow):
    """No shadow where there is no data."""
    rows, cols = shadow.shape
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        col = cell - row * cols
        if nodata[row, col]:
            shadow[row, col] = False


_grid, _mask = float32[:, ::1], boolean[:, ::1]
KERNELS = [
    ("darken", darken, (_grid, boolean, float64, float64, int64, float32, int32[::1], _grid)),
    ("carry", carry, (int64, int64, float64, int64, int64, _grid)),
    ("shade", shade, (_grid, boolean, float64, float64, int64, _grid, _mask)),
    ("lit", lit, (_mask, _mask)),
]
_darken, _carry, _shade, _lit = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)


def cast_shadow(heights: Any, dx_m: float, sun_azimuth_rad: float, sun_elevation_rad: float, nodata: Any = None,
                workspace: DeviceWorkspace | None = None, block: int | None = None) -> Any:
    """Which cells other terrain keeps from the sun: bool (rows, cols) Numba device array, as kernels.shadow.cast_shadow.

    block: steps that a thread walks, 16 to 64 by the size of the grid where not given.   The host waits once, for the check
    of the heights. Scratch: 4 bytes a `block` cells; 5 bytes a cell more where lines run along columns.
    Raises KernelInputError for heights or a mask that cannot be used.
    """
    scratch = scratch_of(workspace)
    laid = laid_out(heights, nodata, sun_azimuth_rad, scratch)
    ground, lines = laid.ground, laid.lines
    steps, lanes = (int(extent) for extent in ground.shape)
    size = block or block_size(steps, lanes, 64)
    count = -(-steps // size)
    number = lanes + math.ceil(abs(lines.shift) * (steps - 1)) + 3
    highest = scratch.take("highest", (count, number), np.float32)
    drop = math.tan(sun_elevation_rad) * dx_m * lines.length
    reach = lanes + math.ceil(abs(lines.shift) * size) + 3
    launch = (-(-reach // THREADS), count), THREADS
    shadow = scratch.take("shadow", (steps, lanes), np.bool_) if lines.by_columns else cuda.device_array((steps, lanes), np.bool_)
    _darken[launch](ground, lines.backward, lines.shift, drop, size, laid.highest, laid.flag, highest)
    laid.require()
    _carry[-(-number // THREADS), THREADS](lanes, steps, lines.shift, size, reach, highest)
    _shade[launch](ground, lines.backward, lines.shift, drop, size, highest, shadow)
    result = turned_back(shadow, scratch) if lines.by_columns else shadow
    if nodata is not None:
        shape = tuple(int(extent) for extent in result.shape)
        _lit[blocks_for(shape[0] * shape[1]), THREADS](mask_on_device(nodata, shape, "nodata", scratch), result)
    return result
