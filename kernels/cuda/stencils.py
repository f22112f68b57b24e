# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Derivatives on a GPU: tiles of 32 x 8 cells, their heights and those around them in shared memory.

The formulas are those of kernels.neighborhood, in float64 like on the CPU. A GPU's compiler contracts products and sums into
one rounding, so that results agree with the CPU's to one unit in the last place of float32; the Laplacian agrees bit for bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int64

from kernels import neighborhood
from kernels.arrays import on_device
from kernels.errors import KernelInputError

from .grids import mask_on_device, scratch_of
from .memory import DeviceWorkspace

WIDE = 32
TALL = 8
_SIDE = WIDE + 2
_HALO = _SIDE * (TALL + 2)
SLOPE_ROTATION_INVARIANT, SLOPE_HORN, ASPECT, LAPLACIAN, CURVATURE = range(5)
_NUMBERS = {"slope_rotation_invariant": SLOPE_ROTATION_INVARIANT, "slope_horn": SLOPE_HORN, "aspect": ASPECT,
            "laplacian": LAPLACIAN, "curvature": CURVATURE}
_TURN = np.float32(2.0 * math.pi)

_arc = cuda.jit(device=True)(neighborhood.arc_tangent)
_horn = cuda.jit(device=True)(neighborhood.horn)
_unknown = cuda.jit(device=True)(neighborhood.unknown)
_rotation_invariant = cuda.jit(device=True)(neighborhood.rotation_invariant)
_downhill = cuda.jit(device=True)(neighborhood.downhill)
_laplacian = cuda.jit(device=True)(neighborhood.laplacian)
_curvature = cuda.jit(device=True)(neighborhood.curvature)


def stencil(z, known, dx, which, kind, result):
    """One derivative, float32 (rows, cols). One block a tile, WIDE x TALL threads.

    z: float32 or float64 (rows, cols).   known: bool (rows, cols), or (0, 0) for all.   which: number of the derivative.
    """
    tile = cuda.shared.array(_HALO, float64)
    rows, cols = z.shape
    left = cuda.blockIdx.x * WIDE
    top = cuda.blockIdx.y * TALL
    masked = known.shape[0] > 0
    for place in range(cuda.threadIdx.y * WIDE + cuda.threadIdx.x, _HALO, WIDE * TALL):
        r = top + place // _SIDE - 1
        k = left + place % _SIDE - 1
        height = float64(math.nan)
        if r >= 0 and r < rows and k >= 0 and k < cols:
            height = float64(z[r, k])
            if masked:
                height = height if known[r, k] else float64(math.nan)
        tile[place] = height
    cuda.syncthreads()
    r = top + cuda.threadIdx.y
    k = left + cuda.threadIdx.x
    if r >= rows or k >= cols:
        return
    m = (cuda.threadIdx.y + 1) * _SIDE + cuda.threadIdx.x + 1
    a, b, c = tile[m - _SIDE - 1], tile[m - _SIDE], tile[m - _SIDE + 1]
    d, e, f = tile[m - 1], tile[m], tile[m + 1]
    g, h, i = tile[m + _SIDE - 1], tile[m + _SIDE], tile[m + _SIDE + 1]
    if which == LAPLACIAN:
        result[r, k] = float32(_laplacian(b, d, e, f, h, dx))
        # without the corners the border is known too far
        if r == 0 or k == 0 or r == rows - 1 or k == cols - 1:
            result[r, k] = float32(math.nan)
        return
    zero = _unknown(a, b, c, d, e, f, g, h, i)
    if which == SLOPE_ROTATION_INVARIANT:
        result[r, k] = float32(_arc(_rotation_invariant(a, b, c, d, f, g, h, i, dx), 1.0) + zero)
    elif which == CURVATURE:
        result[r, k] = float32(_curvature(a, b, c, d, e, f, g, h, i, dx, kind) + zero)
    else:
        right, ahead = _horn(a, b, c, d, f, g, h, i)
        if which == SLOPE_HORN:
            result[r, k] = float32(_arc(math.sqrt(right * right + ahead * ahead), 8.0 * dx) + zero)
        else:
            angle = float32(_downhill(right, ahead, _arc) + zero)
            result[r, k] = float32(0.0) if angle >= _TURN else angle


KERNELS = [("stencil", stencil, (float32[:, ::1], boolean[:, ::1], float64, int64, int64, float32[:, ::1]))]
_stencil = cuda.jit(stencil)


def derive(name: str, extra: tuple[int, ...], heights: Any, dx_m: float, mask: Any,
           workspace: DeviceWorkspace | None = None) -> Any:
    """A derivative as a Numba device array, float32 (rows, cols): arguments as for kernels.derivatives.

    Nothing waits for the GPU. Raises KernelInputError for heights or a mask that cannot be used.
    """
    scratch = scratch_of(workspace)
    grid = on_device(heights)
    kind = np.dtype(grid.dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"The heights must be float32 or float64, not {kind}.")
    shape = tuple(int(extent) for extent in grid.shape)
    if len(shape) != 2 or 0 in shape:
        raise KernelInputError(f"The heights must be a grid of rows and columns, not of shape {shape}.")
    known = mask_on_device(mask, shape, "mask", scratch)
    result = cuda.device_array(shape, np.float32)
    blocks = -(-shape[1] // WIDE), -(-shape[0] // TALL)
    _stencil[blocks, (WIDE, TALL)](grid, known, dx_m, _NUMBERS[name], extra[0] if extra else 0, result)
    return result
