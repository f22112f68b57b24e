# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""View bound on a GPU (the rules are those of kernels.view_bound): tangents of the ground, rays, heights.

Tangents are integers in the order of floats, kept twice, as they lie and turned, so that neighboring lanes of a warp read
neighboring cells whichever way a ray runs. The result is that of the CPU bit for bit, but where an arc tangent decides whether
a ray lies in the window, or takes its sky's: those may differ in the last bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64

from kernels.errors import HIGHEST_M

from . import view_walk
from .grids import heights_on_device, lowered_flag, mask_on_device, raise_if_set, scratch_of
from .lines import PADDED, TILE, TURNERS, look, tiles
from .memory import DeviceWorkspace
from .scan import INFINITE, LEAST, NOTHING, distance, ordered, product, unordered

_NEAREST = 0.5  # cells; the ground at the camera's own feet has no elevation angle


def tangents(heights, visible, dx, camera_x, camera_y, camera_z, steep, lowest, wrong):
    """Ordered tangents of visible cells and NOTHING elsewhere; wrong[0]: whether a visible height cannot be used.

    A mask without cells: all are visible.   steep, lowest: (2 * rows * cols), the grid and behind it the grid turned.
    """
    tile = cuda.shared.array((TILE, PADDED), int32)
    rows, cols = heights.shape
    opaque = visible.size == 0
    across = (cols + TILE - 1) // TILE
    top, left = cuda.blockIdx.x // across * TILE, cuda.blockIdx.x % across * TILE
    i, j = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    for line in range(i, TILE, cuda.blockDim.x // TILE):
        row, col = top + line, left + j
        value = int32(NOTHING)
        if row < rows and col < cols:
            if opaque or visible[row, col]:
                height = float64(heights[row, col])
                look(height, HIGHEST_M, wrong)
                away = distance(col - camera_x, row - camera_y)
                if away >= _NEAREST and math.isfinite(height):
                    value = ordered(np.float32((height - camera_z) / (away * dx)))
            steep[row * cols + col] = value
            lowest[row * cols + col] = INFINITE
        tile[line, j] = value
    cuda.syncthreads()
    for line in range(i, TILE, cuda.blockDim.x // TILE):
        row, col = top + j, left + line
        if row < rows and col < cols:
            steep[rows * cols + col * rows + row] = tile[j, line]
            lowest[rows * cols + col * rows + row] = INFINITE


def bounds(rows, cols, visible, lowest, dx, camera_x, camera_y, camera_z, toward_x, toward_y, cosine, result):
    """Heights of the lowest tangents; +inf at visible cells (a mask without cells: nowhere) and outside of the window.

    toward_x, toward_y: direction of the window's middle in columns and rows.   cosine: of half its width.
    """
    tile = cuda.shared.array((TILE, PADDED), int32)
    opaque = visible.size == 0
    across = (cols + TILE - 1) // TILE
    top, left = cuda.blockIdx.x // across * TILE, cuda.blockIdx.x % across * TILE
    i, j = cuda.threadIdx.x // TILE, cuda.threadIdx.x % TILE
    for line in range(i, TILE, cuda.blockDim.x // TILE):
        row, col = top + j, left + line
        if row < rows and col < cols:
            tile[j, line] = lowest[rows * cols + col * rows + row]
    cuda.syncthreads()
    for line in range(i, TILE, cuda.blockDim.x // TILE):
        row, col = top + line, left + j
        if row >= rows or col >= cols:
            continue
        height = float32(math.inf)
        limit = lowest[row * cols + col]
        limit = tile[line, j] if tile[line, j] < limit else limit
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
    ("bounds", bounds, (int64, int64, _mask, _flat, float64, float64, float64, float64, float64, float64, float64,
                        _grid)),
]
_tangents, _bounds = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)


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
    The host waits once, for the check of the heights. Scratch: 16 bytes a cell and 1 for the horizons of rays.
    Raises KernelInputError for arrays that do not fit or visible heights that cannot be used.
    """
    scratch = scratch_of(workspace)
    grid = heights_on_device(heights, scratch)
    rows, cols = (int(size) for size in grid.shape)
    seen = mask_on_device(visible, (rows, cols), "visible", scratch)
    camera_x, camera_y = (camera_m[0] - origin_m[0]) / dx_m, (origin_m[1] - camera_m[1]) / dx_m
    camera_z = float(camera_m[2])
    steep = scratch.take("tangents", 2 * rows * cols, np.int32)
    lowest = scratch.take("lowest", 2 * rows * cols, np.int32)
    flag = lowered_flag(scratch)
    blocks = tiles((rows, cols))
    _tangents[blocks, TURNERS](grid, seen, dx_m, camera_x, camera_y, camera_z, steep, lowest, flag)
    raise_if_set(flag, f"The heights contain NaN, infinity or values beyond {HIGHEST_M:.0e} m at visible cells.")
    middle, half_width = 0.5 * (azimuth_min_rad + azimuth_max_rad), 0.5 * (azimuth_max_rad - azimuth_min_rad)
    border = [] if half_width >= math.pi else [middle + half_width, middle - half_width]
    edges = np.array([(azimuth, math.sin(azimuth), -math.cos(azimuth)) for azimuth in border]).reshape(-1, 3)
    number = 4 * (rows + cols) + len(border)
    carries = scratch.take("carries", (number, (max(rows, cols) + view_walk.LANES - 1) // view_walk.LANES + 1), np.int32)
    view_walk.walk_rays[-(-number // view_walk.WARPS), view_walk.LANES * view_walk.WARPS](
        steep, lowest, rows, cols, camera_x, camera_y, middle, half_width, _sent(edges, "edges", scratch),
        visible is None, _sent(sky_azimuths, "sky azimuths", scratch), _sent(sky_tangents, "sky tangents", scratch), carries)
    result = cuda.device_array((rows, cols), np.float32)
    _bounds[blocks, TURNERS](rows, cols, seen, lowest, dx_m, camera_x, camera_y, camera_z, math.sin(middle), -math.cos(middle),
                             math.cos(min(half_width + view_walk.SLACK_RAD, math.pi)) if border else -2.0, result)
    return result


def _sent(values: np.ndarray, name: str, scratch: DeviceWorkspace) -> Any:
    """A small array in kept memory of the device."""
    there = scratch.take(name, values.shape, np.float64)
    if values.size:
        there.copy_to_device(np.ascontiguousarray(values, np.float64))
    return there
