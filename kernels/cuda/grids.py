# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Grids as kernels on a GPU want them: float32 or bool, rows one after the other, on the device.

An array that is so already is used where it lies. Others are copied there by a kernel; values are looked at on the device,
and the host learns in one small copy whether they can be used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, uint8

from kernels.arrays import on_device, simulated
from kernels.errors import LARGEST_GRID, KernelInputError

from .memory import DeviceWorkspace

THREADS = 32 if simulated() else 256
_MOST_BLOCKS = 4 if simulated() else 8192


def blocks_for(work: int) -> int:
    """Blocks of THREADS for kernels that stride over `work` cells."""
    return max(1, min(-(-work // THREADS), _MOST_BLOCKS))


def scratch_of(workspace: Any) -> DeviceWorkspace:
    """The caller's kept memory, or fresh memory. Raises KernelInputError for memory of the host."""
    if workspace is None:
        return DeviceWorkspace()
    if not isinstance(workspace, DeviceWorkspace):
        kind = type(workspace).__name__
        raise KernelInputError(f"On a GPU the workspace must be a kernels.cuda.memory.DeviceWorkspace, not a {kind}.")
    return workspace


def copy_heights(source, result):
    """float32 heights of a float32 or float64 grid of any strides."""
    rows, cols = source.shape
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        result[row, cell - row * cols] = np.float32(source[row, cell - row * cols])


def copy_mask(source, result):
    """A bool grid of bytes or bools of any strides."""
    rows, cols = source.shape
    for cell in range(cuda.grid(1), rows * cols, cuda.gridsize(1)):
        row = cell // cols
        result[row, cell - row * cols] = source[row, cell - row * cols] != 0


def heights_on_device(heights: Any, workspace: DeviceWorkspace, name: str = "heights") -> Any:
    """float32 (rows, cols) device array, values unchecked. Raises KernelInputError."""
    if getattr(heights, "ndim", None) != 2 or 0 in tuple(heights.shape):
        raise KernelInputError(f"The {name} must be a grid of rows and columns, not of shape {_shape(heights)}.")
    if heights.shape[0] * heights.shape[1] >= LARGEST_GRID:
        raise KernelInputError(f"The {name} have {_shape(heights)} cells; these kernels take fewer than {LARGEST_GRID}.")
    there = on_device(heights, name)
    kind = np.dtype(there.dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"The {name} must be float32 or float64, not {kind}.")
    if kind == np.float32 and there.is_c_contiguous():
        return there
    copied = workspace.take(f"copied {name}", _shape(there), np.float32)
    _copy_heights[blocks_for(there.size), THREADS](there, copied)
    return copied


def mask_on_device(mask: Any, shape: tuple[int, ...], name: str, workspace: DeviceWorkspace) -> Any:
    """bool device array of the given shape; no cells where `mask` is None. Raises KernelInputError."""
    if mask is None:
        return workspace.take("no mask", (0, 0), np.bool_)
    if _shape(mask) != tuple(shape):
        raise KernelInputError(f"The mask `{name}` has shape {_shape(mask)}, the grid {tuple(shape)}.")
    there = on_device(mask, name)
    kind = np.dtype(there.dtype)
    if kind not in (np.dtype(np.bool_), np.dtype(np.uint8)):
        raise KernelInputError(f"The mask `{name}` must be a bool array, not {kind}.")
    if kind == np.bool_ and there.is_c_contiguous():
        return there
    copied = workspace.take(f"copied {name}", shape, np.bool_)
    _copy_mask[blocks_for(there.size), THREADS](there, copied)
    return copied


def lowered_flag(workspace: DeviceWorkspace) -> Any:
    """int32 (1,) zero: a kernel sets it where it meets what it cannot use. Kept with the workspace, so that no call clears it."""
    flag = getattr(workspace, "flag", None)
    if flag is None:
        flag = workspace.flag = cuda.to_device(np.zeros(1, np.int32))
    return flag


def raise_if_set(flag: Any, text: str) -> None:
    """KernelInputError with this text if a kernel has set the flag. Waits for it: the only wait of a call."""
    if int(flag.copy_to_host()[0]):
        flag.copy_to_device(np.zeros(1, np.int32))
        raise KernelInputError(text)


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in array.shape)


KERNELS = [
    ("copy_heights", copy_heights, (float64[:, :], float32[:, ::1])),
    ("copy_mask", copy_mask, (uint8[:, :], boolean[:, ::1])),
]
_copy_heights, _copy_mask = (cuda.jit(cache=True)(kernel) for _, kernel, _ in KERNELS)
