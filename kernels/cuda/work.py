"""One call of a kernel of flow on the GPU: its grid and masks there, scratch memory, and what the kernels found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from kernels.arrays import on_device
from kernels.errors import HIGHEST_M, KernelInputError
from kernels.fixed_point import fixed_point

from . import filling, state
from .launch import plain
from .layout import slot_count, tile_grid
from .memory import DeviceWorkspace

LARGEST_GRID = 2**28
"""Cells: edges are numbered in 30 bits, arcs between basins in 29."""
_NEIGHBORS = "The receivers point to cells that are no neighbors; pass those of `flow_receivers`."
_CIRCLE = "The receivers run in a circle; pass those of `flow_receivers`."


class Work:
    """Shape, tiles, slots and scratch of a call.

    take: arrays of the workspace by name.   capacity: basins there is room for.
    """

    def __init__(self, shape: tuple[int, ...], workspace: Any) -> None:
        if workspace is not None and not isinstance(workspace, DeviceWorkspace):
            kind = type(workspace).__name__
            raise KernelInputError(f"On a GPU the workspace must be a kernels.cuda.memory.DeviceWorkspace, not a {kind}.")
        self.scratch = DeviceWorkspace() if workspace is None else workspace
        self.take = self.scratch.take
        rows, cols = checked_shape(shape)
        self.shape = (rows, cols)
        self.n = rows * cols
        self.tiles = math.prod(tile_grid(rows, cols))
        self.slots = slot_count(rows, cols)
        self.state = self.take("state", state.SIZE, np.int32)
        self.numbers = np.zeros(state.SIZE, np.int32)

    @property
    def capacity(self) -> int:
        return min(self.n, max(self.n // 8 + 64, self.scratch.basins))

    def clear(self) -> None:
        plain(state.reset, state.SIZE, self.state)

    def read(self) -> np.ndarray:
        """The numbers that the kernels left; the host waits here, once everything is under way."""
        self.numbers = self.state.copy_to_host()
        return self.numbers

    def mask(self, mask: Any, name: str) -> Any:
        """bool (n,) on the GPU, or (0,) for None. Raises KernelInputError."""
        if mask is None:
            return self.take("no mask", 0, np.bool_)
        there = on_device(mask, name)
        if np.dtype(there.dtype) != np.bool_:
            raise KernelInputError(f"The mask `{name}` must be a bool array, not {there.dtype}.")
        if tuple(there.shape) != self.shape:
            raise KernelInputError(f"The mask `{name}` has shape {tuple(there.shape)}, the grid {self.shape}.")
        if there.is_c_contiguous():
            return there.reshape(self.n)
        flat = self.take(f"mask {name}", self.n, np.bool_)
        plain(filling.copy_mask, self.n, there, flat)
        return flat

    def given_receivers(self, receivers: Any) -> Any:
        """int32 (n,) on the GPU. Raises KernelInputError."""
        flow = on_device(receivers, "receivers")
        if np.dtype(flow.dtype) != np.int32 or len(flow.shape) != 2:
            kind = f"{flow.dtype} of shape {tuple(flow.shape)}"
            raise KernelInputError(f"The receivers must be an int32 grid with cells, not {kind}.")
        if tuple(flow.shape) != self.shape:
            raise KernelInputError(f"The receivers have shape {tuple(flow.shape)}, the heights {self.shape}.")
        if flow.is_c_contiguous():
            return flow.reshape(self.n)
        flat = self.take("given receivers", self.n, np.int32)
        plain(filling.copy_receivers, self.n, flow, flat)
        return flat

    def check_receivers(self) -> None:
        """Raises KernelInputError for what counting along given receivers met."""
        faults = self.read()[state.FAULT]
        if faults & state.RECEIVER_FAULT:
            raise KernelInputError(_NEIGHBORS)
        if faults & state.CIRCLE_FAULT:
            raise KernelInputError(_CIRCLE)


class TerrainWork(Work):
    """The same with heights and masks.

    z, bits: float32 (n,) and its memory as int32.   outlets, nodata, fixed: bool (n,) or (0,).
    """

    def __init__(self, heights: Any, outlets: Any, nodata: Any, fixed: Any, workspace: DeviceWorkspace | None) -> None:
        grid = on_device(heights)
        if np.dtype(grid.dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise KernelInputError(f"The heights must be float32 or float64, not {grid.dtype}.")
        super().__init__(tuple(grid.shape), workspace)
        if np.dtype(grid.dtype) == np.float32 and grid.is_c_contiguous():
            self.z = grid.reshape(self.n)
        else:
            self.z = self.take("heights", self.n, np.float32)
            plain(filling.copy_grid, self.n, grid, self.z)
        self.bits = self.z.view(np.int32)
        self.outlets = self.mask(outlets, "outlets")
        self.nodata = self.mask(nodata, "nodata")
        self.fixed = self.mask(fixed, "fixed")

    def complete(self, epsilon_m: float | None = None) -> bool:
        """Whether the basins fitted; if not, there is room for them now. Raises KernelInputError for what the kernels found."""
        numbers = self.read()
        if numbers[state.MISSING] == self.n:
            raise KernelInputError("All cells are marked as no data: there is no terrain.")
        if np.isnan(self.top_m):
            raise KernelInputError("The heights contain NaN; fill those cells first, or mark them as `nodata`.")
        if self.top_m > HIGHEST_M:
            what = "infinity" if np.isinf(self.top_m) else f"values beyond {HIGHEST_M:.0e} m"
            raise KernelInputError(f"The heights contain {what}.")
        if self.outlets.size > 0 and numbers[state.OUTLETS] == 0:
            raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
        if epsilon_m is not None:
            fixed_point(self.top_m, epsilon_m)
        if numbers[state.BASINS] > self.capacity:
            self.scratch.basins = int(numbers[state.BASINS])
            return False
        if epsilon_m is not None and numbers[state.FAULT] & state.RANGE_FAULT:
            raise KernelInputError(f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights.")
        return True

    @property
    def top_m(self) -> float:
        """The largest magnitude of the heights with data."""
        return float(self.numbers.view(np.float32)[state.HIGHEST])

    @property
    def cells(self) -> int:
        """Cells with data."""
        return self.n - int(self.numbers[state.MISSING])


def checked_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a grid that the kernels can number. Raises KernelInputError."""
    if len(shape) != 2:
        raise KernelInputError(f"The heights must be a grid of rows and columns, not of shape {shape}.")
    rows, cols = int(shape[0]), int(shape[1])
    if min(rows, cols) < 1:
        raise KernelInputError(f"The heights need at least 1 x 1 cells, not {shape}.")
    if rows * cols >= LARGEST_GRID:
        raise KernelInputError(f"The heights have {rows * cols} cells, and on a GPU these kernels take fewer than {LARGEST_GRID}.")
    return rows, cols


def fresh(n: int, kind: Any) -> Any:
    """A result (n,): never in the workspace."""
    return cuda.device_array(n, kind)
