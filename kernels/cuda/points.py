# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Points into cells on a GPU: one thread a point, the highest by an integer maximum, the number by a sum. Bits as on the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, float32, float64, int32, int64

from kernels.arrays import on_device
from kernels.errors import KernelInputError

from .grids import THREADS, blocks_for, scratch_of
from .memory import DeviceWorkspace
from .scan import NOTHING, ordered, unordered


def clear(tops, counts):
    """Nothing in any cell; counts may have no cells."""
    for cell in range(cuda.grid(1), tops.size, cuda.gridsize(1)):
        tops[cell] = NOTHING
        if cell < counts.size:
            counts[cell] = 0


def drop(points, dx, origin_x, origin_y, rows, cols, tops, counts):
    """points: float32 (n, 3), meters.   tops: int32 (cells,), ordered heights.   counts: int32 (cells,)."""
    for k in range(cuda.grid(1), points.shape[0], cuda.gridsize(1)):
        z = points[k, 2]
        across = (float64(points[k, 0]) - origin_x) / dx + 0.5
        down = (origin_y - float64(points[k, 1])) / dx + 0.5
        if across >= 0.0 and across < cols and down >= 0.0 and down < rows and math.isfinite(z):
            cell = int64(down) * cols + int64(across)
            height = ordered(z)
            if height > tops[cell]:
                cuda.atomic.max(tops, cell, height)
            cuda.atomic.add(counts, cell, int32(1))


def lift(tops, heights):
    """Ordered heights back to float32 (cells,), NaN where nothing lies."""
    for cell in range(cuda.grid(1), tops.size, cuda.gridsize(1)):
        top = tops[cell]
        heights[cell] = unordered(top) if top != NOTHING else float32(math.nan)


def copy_list(source, result):
    """float32 (n, 3) of points of another type or with strides."""
    for k in range(cuda.grid(1), source.shape[0], cuda.gridsize(1)):
        for axis in range(3):
            result[k, axis] = float32(source[k, axis])


_flat = int32[::1]
KERNELS = [
    ("points_clear", clear, (_flat, _flat)),
    ("points_drop", drop, (float32[:, ::1], float64, float64, float64, int64, int64, _flat, _flat)),
    ("points_lift", lift, (_flat, float32[::1])),
    ("points_copy", copy_list, (float64[:, :], float32[:, ::1])),
]
_clear, _drop, _lift, _copy_list = (cuda.jit(kernel) for _, kernel, _ in KERNELS)


def highest(points_xyz: Any, shape: tuple[int, int], dx_m: float, origin_m: tuple[float, float],
            workspace: DeviceWorkspace | None = None) -> tuple[Any, Any]:
    """Numba device arrays of kernels.rasterize.rasterize_points. Nothing waits for the GPU. Raises KernelInputError."""
    scratch = scratch_of(workspace)
    points = points_on_device(points_xyz, 2, _copy_list, scratch)
    size = shape[0] * shape[1]
    tops = scratch.take("tops", size, np.int32)
    heights, counts = cuda.device_array(shape, np.float32), cuda.device_array(shape, np.int32)
    flat_counts = counts.reshape(size)
    _clear[blocks_for(size), THREADS](tops, flat_counts)
    _drop[blocks_for(points.shape[0]), THREADS](points, dx_m, *origin_m, *shape, tops, flat_counts)
    _lift[blocks_for(size), THREADS](tops, heights.reshape(size))
    return heights, counts


def points_on_device(points_xyz: Any, ndim: int, copy: Any, workspace: DeviceWorkspace) -> Any:
    """float32 (..., 3) device array, copied there by the kernel `copy` unless it is so already. Raises KernelInputError."""
    there = on_device(points_xyz, "points_xyz")
    kind, shape = np.dtype(there.dtype), tuple(int(extent) for extent in there.shape)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"points_xyz must be float32 or float64, not {kind}.")
    if len(shape) != ndim or shape[-1] != 3 or 0 in shape:
        raise KernelInputError(f"points_xyz must be {'(H, W, 3)' if ndim == 3 else '(n, 3)'} with points, not of shape {shape}.")
    if kind == np.float32 and there.is_c_contiguous():
        return there
    copied = workspace.take("points", shape, np.float32)
    copy[blocks_for(math.prod(shape[:-1])), THREADS](there, copied)
    return copied
