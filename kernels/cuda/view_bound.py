# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""View bound on a GPU: a warp a ray, 32 steps at a time (the rules are those of kernels.view_bound).

Cells of a step follow from its number alone (kernels.rays), so lanes do not wait for each other. Outward a warp keeps the
highest tangent before every 32 steps; inward it finds the lowest tangent behind each cell and, by a second scan of the same
steps, the horizon before it. Tangents are integers in the order of floats: maxima, minima and atomic minima are exact in
any order, and the result is that of the CPU bit for bit but for the last bit of arc tangents.

Every ray writes where it would lower the bound, near the camera too: rays that share a cell there see different horizons,
and the least of a part of them is not the least of all. A plain read before the atomic spares three writes in four.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64

from kernels import rays
from kernels.arrays import simulated

from .grids import THREADS, blocks_for, heights_on_device, lowered_flag, mask_on_device, raise_if_set, scratch_of
from .memory import DeviceWorkspace
from .scan import INFINITE, LEAST, NOTHING, distance, ordered, product, unordered

_POWERS = 0 if simulated() else 5
LANES = 1 << _POWERS
_WARPS = 1 if simulated() else 4
_EVERY_LANE = 0xFFFFFFFF
_SLACK_RAD = 1e-9  # arc tangents differ in the last bit between libraries; nothing lies this close to the window's edge
_NEAREST = 0.5
_TAU = 2.0 * math.pi

_ray = cuda.jit(device=True)(rays.ray)
_exit_direction = cuda.jit(device=True)(rays.exit_direction)

if simulated():  # no shuffles there: warps of one lane, or as many as a test says, a block each, which exchange values in memory

    @cuda.jit(device=True)
    def _from_lane(value, other, lane, exchange):
        if LANES == 1:
            return value
        cuda.syncthreads()
        exchange[lane] = value
        cuda.syncthreads()
        return exchange[other] if 0 <= other < LANES else value

    @cuda.jit(device=True)
    def _from_before(value, step, lane, exchange):
        return _from_lane(value, lane - step, lane, exchange)

    @cuda.jit(device=True)
    def _from_after(value, step, lane, exchange):
        return _from_lane(value, lane + step, lane, exchange)

else:

    @cuda.jit(device=True)
    def _from_lane(value, other, lane, exchange):
        return cuda.shfl_sync(_EVERY_LANE, value, other)

    @cuda.jit(device=True)
    def _from_before(value, step, lane, exchange):
        return cuda.shfl_up_sync(_EVERY_LANE, value, step)

    @cuda.jit(device=True)
    def _from_after(value, step, lane, exchange):
        return cuda.shfl_down_sync(_EVERY_LANE, value, step)


@cuda.jit(device=True)
def _highest_so_far(value, lane, exchange):
    """Maximum over the lanes up to this one."""
    for power in range(_POWERS):
        other = _from_before(value, 1 << power, lane, exchange)
        value = other if other > value else value
    return value


@cuda.jit(device=True)
def _lowest_from_here(value, lane, exchange):
    """Minimum over this lane and those after it."""
    for power in range(_POWERS):
        other = _from_after(value, 1 << power, lane, exchange)
        value = other if other < value else value
    return value


@cuda.jit(device=True)
def _off(azimuth, middle):
    """How far an azimuth lies from the window's middle, in [0, pi]."""
    return abs((azimuth - middle + math.pi) % _TAU - math.pi)


@cuda.jit(device=True)
def _sky_at(azimuth, azimuths, tangents):
    """Tangent of the lowest sky ray at an azimuth, linear between samples; +inf beyond them and beside NaN."""
    n = azimuths.size
    if n == 0:
        return math.inf
    azimuth = azimuths[0] + (azimuth - azimuths[0]) % _TAU
    if azimuth > azimuths[n - 1]:
        return math.inf
    after, end = 0, n - 1
    while after < end:
        middle = (after + end) // 2
        if azimuths[middle] < azimuth:
            after = middle + 1
        else:
            end = middle
    before = after - 1 if after > 0 else 0
    if azimuths[after] == azimuth:
        tangent = tangents[after]
    else:
        share = (azimuth - azimuths[before]) / (azimuths[after] - azimuths[before])
        tangent = product(1.0 - share, tangents[before]) + product(share, tangents[after])
    return math.inf if math.isnan(tangent) else tangent


def tangents(heights, visible, dx, camera_x, camera_y, camera_z, steep, lowest, wrong):
    """Ordered tangents of visible cells and NOTHING elsewhere; wrong[0]: whether a visible height is not finite.

    A mask without cells: all are visible.
    """
    rows, cols = heights.shape
    opaque = visible.size == 0
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        col = cell - row * cols
        lowest[cell] = INFINITE
        value = NOTHING
        if opaque or visible[row, col]:
            height = float64(heights[row, col])
            if not math.isfinite(height):
                wrong[0] = 1
            away = distance(col - camera_x, row - camera_y)
            if away >= _NEAREST and math.isfinite(height):
                value = ordered(np.float32((height - camera_z) / (away * dx)))
        steep[cell] = value


@cuda.jit(device=True)
def _at(steep, cell, side, width):
    return steep[cell] if 0 <= side < width else int32(NOTHING)


@cuda.jit(device=True)
def _lower(lowest, cell, ahead, horizon, sky_above):
    """Lower a hidden cell to max(horizon, lowest tangent farther out), unless no ray passes it."""
    limit = ahead if ahead > horizon else horizon
    if sky_above and limit == INFINITE and horizon > NOTHING:
        limit = horizon
    if limit < lowest[cell]:
        cuda.atomic.min(lowest, cell, limit)


def walk(steep, lowest, rows, cols, camera_x, camera_y, middle, half_width, edges, opaque, sky_azimuths, sky_tangents, carries):
    """Lower `lowest` along rays: one through each of 4 (rows + cols) border points, then the window's edges.

    edges: (n, 3) azimuth, columns, rows.   opaque: all cells are visible, each is lowered to the horizon before it (-inf: none).
    carries: (rays, blocks of 32 steps), scratch.
    """
    lane = cuda.threadIdx.x % LANES
    number = cuda.blockIdx.x * (cuda.blockDim.x // LANES) + cuda.threadIdx.x // LANES
    exchange = cuda.shared.array(LANES, int32)  # used by the simulator alone
    border = 4 * (rows + cols)
    if number >= border + edges.shape[0]:
        return
    if number < border:
        ux, uy = _exit_direction(number, rows, cols, camera_x, camera_y)
        azimuth = math.atan2(ux, -uy)
        if (ux == 0.0 and uy == 0.0) or _off(azimuth, middle) > half_width + _SLACK_RAD:
            return
    else:
        azimuth, ux, uy = edges[number - border, 0], edges[number - border, 1], edges[number - border, 2]
    steps, base, along, across, width, start, position, slope = _ray(camera_x, camera_y, ux, uy, rows, cols)
    blocks = (steps + LANES - 1) // LANES
    carry = int32(NOTHING)
    for block in range(blocks):
        carries[number, block] = carry  # by every lane: each reads back what itself has written
        if block == blocks - 1 and not opaque:
            break
        k = block * LANES + lane
        here = position + k * slope
        here = (here if here > start else start) >> 32
        after = (position + (k + 1) * slope - 1) >> 32
        cell = base + k * along + here * across
        there = k < steps
        two = there and after > here
        first = _at(steep, cell, here, width) if there else int32(NOTHING)
        second = _at(steep, cell + across, after, width) if two else int32(NOTHING)
        best = _highest_so_far(first if first > second else second, lane, exchange)
        if opaque:
            before = _from_before(best, 1, lane, exchange)
            horizon = before if lane > 0 and before > carry else carry
            if there and 0 <= here < width:
                _lower(lowest, cell, int32(LEAST), horizon, False)
            if two and 0 <= after < width:
                _lower(lowest, cell + across, int32(LEAST), first if first > horizon else horizon, False)
        best = _from_lane(best, LANES - 1, lane, exchange)
        carry = best if best > carry else carry
    if opaque:
        return
    ahead = ordered(np.float32(_sky_at(azimuth, sky_azimuths, sky_tangents)))
    sky_above = sky_azimuths.size == 0
    for block in range(blocks - 1, -1, -1):
        k = block * LANES + lane
        here = position + k * slope
        here = (here if here > start else start) >> 32
        after = (position + (k + 1) * slope - 1) >> 32
        cell = base + k * along + here * across
        there = k < steps
        two = there and after > here
        first = _at(steep, cell, here, width) if there else int32(NOTHING)
        second = _at(steep, cell + across, after, width) if two else int32(NOTHING)
        # horizon before this lane's cells
        best = _highest_so_far(first if first > second else second, lane, exchange)
        best = _from_before(best, 1, lane, exchange)
        horizon = carry
        if lane > 0 and best > horizon:
            horizon = best
        # lowest tangent behind this lane's cells
        near = first if first > NOTHING else int32(INFINITE)
        far = second if second > NOTHING else int32(INFINITE)
        least = _lowest_from_here(near if near < far else far, lane, exchange)
        behind = _from_after(least, 1, lane, exchange)
        if lane == LANES - 1 or ahead < behind:
            behind = ahead
        if two and second == NOTHING and 0 <= after < width:
            _lower(lowest, cell + across, behind, first if first > horizon else horizon, sky_above)
        if there and first == NOTHING and 0 <= here < width:
            _lower(lowest, cell, far if far < behind else behind, horizon, sky_above)
        least = _from_lane(least, 0, lane, exchange)
        ahead = least if least < ahead else ahead
        if block > 0:
            carry = carries[number, block - 1]


def bounds(rows, cols, visible, lowest, dx, camera_x, camera_y, camera_z, toward_x, toward_y, cosine, result):
    """Heights of the lowest tangents; +inf at visible cells (a mask without cells: nowhere) and outside of the window.

    toward_x, toward_y: direction of the window's middle in columns and rows.   cosine: of half its width.
    """
    opaque = visible.size == 0
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        col = cell - row * cols
        height = float32(math.inf)
        limit = lowest[cell]
        if limit < INFINITE and (opaque or not visible[row, col]):
            x, y = col - camera_x, row - camera_y
            away = distance(x, y)
            if product(x, toward_x) + product(y, toward_y) >= product(away, cosine):
                if limit > LEAST:
                    height = float32(camera_z + product(product(away, dx), float64(unordered(limit))))
                else:
                    height = float32(-math.inf)  # also at no distance from the camera
        result[row, col] = height


_grid, _mask, _flat = float32[:, ::1], boolean[:, ::1], int32[::1]
KERNELS = [
    ("tangents", tangents, (_grid, _mask, float64, float64, float64, float64, _flat, _flat, _flat)),
    ("walk", walk, (_flat, _flat, int64, int64, float64, float64, float64, float64, float64[:, ::1], boolean,
                               float64[::1], float64[::1], int32[:, ::1])),
    ("bounds", bounds, (int64, int64, _mask, _flat, float64, float64, float64, float64, float64, float64, float64,
                                   _grid)),
]
_tangents, _walk, _bounds = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)


def view_bound(
    heights: Any,
    visible: Any,
    dx_m: float,
    origin_m: tuple[float, float],
    camera_m: tuple[float, float, float],
    azimuth_min_rad: float,
    azimuth_max_rad: float,
    sky_azimuths: np.ndarray,
    sky_tangents: np.ndarray,
    workspace: DeviceWorkspace | None = None,
) -> Any:
    """Z_max of hidden ground on the GPU: float32 (rows, cols) Numba device array; everything else as kernels.view_bound.

    visible: None for a terrain that is complete and opaque.   sky_*: float64 (n,), empty where no sky is given.
    The host waits once, for the check of the heights. Scratch: 8 bytes a cell and 1 for the horizons of rays.
    Raises KernelInputError for arrays that do not fit or visible heights that are not finite.
    """
    scratch = scratch_of(workspace)
    grid = heights_on_device(heights, scratch)
    rows, cols = (int(size) for size in grid.shape)
    seen = mask_on_device(visible, (rows, cols), "visible", scratch)
    camera_x, camera_y = (camera_m[0] - origin_m[0]) / dx_m, (origin_m[1] - camera_m[1]) / dx_m
    camera_z = float(camera_m[2])
    steep = scratch.take("tangents", rows * cols, np.int32)
    lowest = scratch.take("lowest", rows * cols, np.int32)
    flag = lowered_flag(scratch)
    blocks = blocks_for(rows * cols)
    _tangents[blocks, THREADS](grid, seen, dx_m, camera_x, camera_y, camera_z, steep, lowest, flag)
    raise_if_set(flag, "heights hold NaN or infinity at visible cells")
    middle, half_width = 0.5 * (azimuth_min_rad + azimuth_max_rad), 0.5 * (azimuth_max_rad - azimuth_min_rad)
    border = [] if half_width >= math.pi else [middle + half_width, middle - half_width]
    edges = np.array([(azimuth, math.sin(azimuth), -math.cos(azimuth)) for azimuth in border]).reshape(-1, 3)
    number = 4 * (rows + cols) + len(border)
    carries = scratch.take("carries", (number, (max(rows, cols) + LANES - 1) // LANES + 1), np.int32)
    _walk[-(-number // _WARPS), LANES * _WARPS](
        steep, lowest, rows, cols, camera_x, camera_y, middle, half_width, _sent(edges, "edges", scratch),
        visible is None, _sent(sky_azimuths, "sky azimuths", scratch), _sent(sky_tangents, "sky tangents", scratch), carries)
    result = cuda.device_array((rows, cols), np.float32)
    _bounds[blocks, THREADS](rows, cols, seen, lowest, dx_m, camera_x, camera_y, camera_z, math.sin(middle), -math.cos(middle),
                             math.cos(min(half_width + _SLACK_RAD, math.pi)) if border else -2.0, result)
    return result


def _sent(values: np.ndarray, name: str, scratch: DeviceWorkspace) -> Any:
    """A small array in kept memory of the device."""
    there = scratch.take(name, values.shape, np.float64)
    if values.size:
        there.copy_to_device(np.ascontiguousarray(values, np.float64))
    return there
