# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Rays of the view bound on a GPU: a warp a ray, 32 steps at a time.

Cells of a step follow from its number alone (kernels.rays), so lanes do not wait for each other. Outward a warp keeps the
highest tangent before every 32 steps; inward it finds the lowest tangent behind each cell and, by a second scan of the same
steps, the horizon before it. Maxima, minima and atomic minima of ordered integers are exact in any order.

Every ray writes where it would lower the bound, near the camera too: rays that share a cell there see different horizons,
and the least of a part of them is not the least of all. A plain read before the atomic spares three writes in four.
"""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, cuda, float64, int32, int64

from kernels import rays
from kernels.arrays import simulated

from .scan import INFINITE, LEAST, NOTHING, ordered, product

_POWERS = 0 if simulated() else 5
LANES = 1 << _POWERS
WARPS = 1 if simulated() else 4
_EVERY_LANE = 0xFFFFFFFF
SLACK_RAD = 1e-9  # arc tangents differ in the last bit between libraries; nothing lies this close to the window's edge
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
        if (ux == 0.0 and uy == 0.0) or _off(azimuth, middle) > half_width + SLACK_RAD:
            return
    else:
        azimuth, ux, uy = edges[number - border, 0], edges[number - border, 1], edges[number - border, 2]
    if abs(uy) > abs(ux):  # along rows of the turned grid
        steps, base, along, across, width, start, position, slope = _ray(camera_y, camera_x, uy, ux, cols, rows)
        base += rows * cols
    else:
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


_flat = int32[::1]
KERNELS = [
    ("walk", walk, (_flat, _flat, int64, int64, float64, float64, float64, float64, float64[:, ::1], boolean, float64[::1],
                    float64[::1], int32[:, ::1])),
]
walk_rays = cuda.jit(cache=True)(walk)
