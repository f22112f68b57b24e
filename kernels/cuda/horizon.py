# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Horizon angles on a GPU: a small convex hull for each line and block of steps, asked by every cell on its own.

The rule is that of kernels.horizon: the light that falls by `tangent` a step and just touches a cell, its dark height
linear between the two lines beside the cell. Newton's steps find it; each asks both lines which of their points reaches
highest at a tangent. A block of steps answers by bisection in its hull, and is not asked where even its highest ground, put
where it would help most, stays below what another block has reached.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64, uint8

from .grids import THREADS, scratch_of
from .lines import ABSENT, NOTHING_YET, block_size, farthest_whole, first_line, laid_out, line_ground, line_place, look, turned_back
from .memory import DeviceWorkspace

_MOST_NEWTON_STEPS = 64


def hulls(ground, backward, shift, size, limit, wrong, places, corners, counts, tops):
    """Upper hulls of the ground of each line in each block of `size` steps.

    places, corners: (steps, lines of a block) step in the block and height of corners, in order.   counts, tops:
    (blocks, lines of a block) how many there are, and the highest ground.   limit, wrong: for `look` at every cell.
    """
    steps, lanes = ground.shape
    farthest = farthest_whole(steps, shift)
    block, i = cuda.blockIdx.y, cuda.grid(1)
    if i >= counts.shape[1]:
        return
    line = first_line(block, size, steps, shift, farthest) + i
    base = block * size
    count, top = 0, float32(NOTHING_YET)
    for k in range(base, base + size if base + size < steps else steps):
        offset, left, right = line_place(k, shift, farthest)
        row = steps - 1 - k if backward else k
        if 0 <= line - offset < lanes:
            look(ground[row, line - offset], limit, wrong)
        height = line_ground(ground, row, line - offset, lanes, left, right)
        if height < ABSENT:
            continue
        top = height if height > top else top
        step = k - base
        while count > 1:
            a, b = base + count - 2, base + count - 1
            rise = (float64(height) - corners[b, i]) * (int64(places[b, i]) - int64(places[a, i]))
            if rise < (float64(corners[b, i]) - corners[a, i]) * (step - int64(places[b, i])):
                break
            count -= 1
        places[base + count, i] = step
        corners[base + count, i] = height
        count += 1
    counts[block, i] = count
    tops[block, i] = top


@cuda.jit(device=True)
def _nearest(ground, backward, shift, size, farthest, line, k, places, corners, counts):
    """(step, height) of the last ground of a line before step k; step -1 where there is none."""
    steps, lanes = ground.shape
    block = k // size
    for step in range(k - 1, block * size - 1, -1):
        offset, left, right = line_place(step, shift, farthest)
        height = line_ground(ground, steps - 1 - step if backward else step, line - offset, lanes, left, right)
        if height > ABSENT:
            return step, float64(height)
    for earlier in range(block - 1, -1, -1):
        i = line - first_line(earlier, size, steps, shift, farthest)
        if 0 <= i < counts.shape[1]:
            count = counts[earlier, i]
            if count > 0:
                last = earlier * size + count - 1
                return earlier * size + int64(places[last, i]), float64(corners[last, i])
    return int64(-1), 0.0


@cuda.jit(device=True)
def _touched(ground, backward, shift, size, farthest, line, k, tangent, places, corners, counts, tops):
    """(step, height) of the ground of a line before step k that reaches highest at k when light falls by `tangent` a step."""
    steps, lanes = ground.shape
    block = k // size
    best, at, height_at = -math.inf, int64(-1), 0.0
    for step in range(k - 1, block * size - 1, -1):
        offset, left, right = line_place(step, shift, farthest)
        height = line_ground(ground, steps - 1 - step if backward else step, line - offset, lanes, left, right)
        if height > ABSENT:
            reach = float64(height) - tangent * (k - step)
            if reach >= best:
                best, at, height_at = reach, int64(step), float64(height)
    for earlier in range(block - 1, -1, -1):
        i = line - first_line(earlier, size, steps, shift, farthest)
        if i < 0 or i >= counts.shape[1] or counts[earlier, i] == 0:
            continue
        base = earlier * size
        away = k - (base + size - 1) if tangent >= 0.0 else k - base
        if float64(tops[earlier, i]) - tangent * away < best:
            continue
        low, high = base, base + counts[earlier, i] - 1
        while low < high:
            middle = (low + high + 1) // 2
            fall = tangent * (int64(places[middle, i]) - int64(places[middle - 1, i]))
            if float64(corners[middle, i]) - corners[middle - 1, i] > -fall:
                low = middle
            else:
                high = middle - 1
        step = base + int64(places[low, i])
        reach = float64(corners[low, i]) - tangent * (k - step)
        if reach >= best:
            best, at, height_at = reach, step, float64(corners[low, i])
    return at, height_at


def angles(ground, backward, shift, size, length, places, corners, counts, tops, result):
    """The angle from each cell; -pi/2 where nothing lies before it, NaN without data."""
    steps, lanes = ground.shape
    farthest = farthest_whole(steps, shift)
    for cell in range(cuda.grid(1), steps * lanes, cuda.gridsize(1)):
        k = cell // lanes
        lane = cell - k * lanes
        row = steps - 1 - k if backward else k
        height = ground[row, lane]
        if height < ABSENT:
            result[row, lane] = float32(math.nan)
            continue
        height = float64(height)
        offset, weight, other_weight = line_place(k, shift, farthest)
        line = offset + lane
        left, right = float64(weight), float64(other_weight)
        step, one = _nearest(ground, backward, shift, size, farthest, line, k, places, corners, counts)
        other_step, other = _nearest(ground, backward, shift, size, farthest, line + 1, k, places, corners, counts)
        if step < 0 or (right > 0.0 and other_step < 0):
            result[row, lane] = float32(-0.5 * math.pi)
            continue
        tangent = -math.inf
        for turn in range(_MOST_NEWTON_STEPS):
            rise, away = left * (one - height), left * (k - step)
            if right > 0.0:
                rise += right * (other - height)
                away += right * (k - other_step)
            steeper = rise / away
            if turn > 1 and steeper <= tangent:  # the first may lie above the root, all others rise to it
                break
            tangent = steeper
            before, other_before = step, other_step
            step, one = _touched(ground, backward, shift, size, farthest, line, k, tangent, places, corners, counts, tops)
            if right > 0.0:
                other_step, other = _touched(ground, backward, shift, size, farthest, line + 1, k, tangent, places, corners,
                                             counts, tops)
            if step == before and other_step == other_before:
                break
        result[row, lane] = math.atan(float32(tangent / length))


_grid, _numbers = float32[:, ::1], int32[:, ::1]
KERNELS = [
    ("hulls", hulls, (_grid, boolean, float64, int64, float32, int32[::1], uint8[:, ::1], _grid, _numbers, _grid)),
    ("angles", angles, (_grid, boolean, float64, int64, float64, uint8[:, ::1], _grid, _numbers, _grid, _grid)),
]
_hulls, _angles = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)


def horizon_angle(heights: Any, dx_m: float, azimuth_rad: float, nodata: Any = None, workspace: DeviceWorkspace | None = None,
                  block: int | None = None) -> Any:
    """Elevation of the terrain's horizon: float32 (rows, cols), radians, Numba device array, as kernels.horizon.horizon_angle.

    Agrees with the CPU to the rounding of the arc tangent and of sums that the GPU contracts (2e-6 rad).
    block: steps in a hull, at most 255; 16 or 32 by the size of the grid where not given.   The host waits once, for the check
    of the heights. Scratch: about 6 bytes a cell, 8 more where lines run along columns.
    Raises KernelInputError for heights or a mask that cannot be used.
    """
    scratch = scratch_of(workspace)
    laid = laid_out(heights, nodata, azimuth_rad, scratch)
    ground, lines = laid.ground, laid.lines
    steps, lanes = (int(extent) for extent in ground.shape)
    size = block or block_size(steps, lanes, 32)
    count, reach = -(-steps // size), lanes + math.ceil(abs(lines.shift) * size) + 3
    places = scratch.take("places", (steps, reach), np.uint8)
    corners = scratch.take("corners", (steps, reach), np.float32)
    counts = scratch.take("counts", (count, reach), np.int32)
    tops = scratch.take("tops", (count, reach), np.float32)
    shape = steps, lanes
    result = scratch.take("angles", shape, np.float32) if lines.by_columns else cuda.device_array(shape, np.float32)
    _hulls[(-(-reach // THREADS), count), THREADS](ground, lines.backward, lines.shift, size, laid.highest, laid.flag, places,
                                                             corners, counts, tops)
    laid.require()
    _angles[-(-steps * lanes // THREADS), THREADS](ground, lines.backward, lines.shift, size, lines.length * dx_m, places, corners,
                                                   counts, tops, result)
    return turned_back(result, scratch) if lines.by_columns else result
