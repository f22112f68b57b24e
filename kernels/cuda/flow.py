"""Flow, breaching and filling on a GPU, behind the public faces of kernels.flow, breach, fill and depressions.

The host only starts kernels, one stream, and reads their numbers (faults, report) once when all are under way. Arrays of basins
have room for an eighth of the cells; a terrain with more basins is worked again with room for those it has. Everything equals
the CPU's result bit for bit but sums of cuts and depths, which are added in another order.

Arrays may be of any library, on the host or the GPU; results are Numba device arrays. workspace: a `DeviceWorkspace`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import cuda

from kernels.arrays import on_device, on_host
from kernels.errors import HIGHEST_M, KernelInputError
from kernels.fixed_point import fixed_point

from . import accumulation, basins, carving, filling, orientation, receivers, spanning_tree, state
from .launch import cooperative, plain
from .layout import slot_count, tile_grid
from .memory import DeviceWorkspace

if TYPE_CHECKING:
    from kernels.breach import BreachReport
    from kernels.depressions import Depressions

LARGEST_GRID = 2**28
"""Cells: edges are numbered in 30 bits and arcs of basins in 30."""


def route(heights: Any, *, outlets: Any = None, nodata: Any = None, workspace: DeviceWorkspace | None = None) -> Any:
    """int32 (rows, cols): the cell each cell drains to, as `kernels.flow.flow_receivers`. Raises KernelInputError."""
    work = _Work(heights, outlets, nodata, None, workspace)
    while True:
        flow = cuda.device_array(work.n, np.int32)
        _find_ways(work, flow)
        if work.complete():
            return flow.reshape(work.shape)


def breach(
    heights: Any,
    *,
    epsilon_m: float = 1e-3,
    fixed: Any = None,
    outlets: Any = None,
    nodata: Any = None,
    fixed_penalty_m: float = 0.0,
    workspace: DeviceWorkspace | None = None,
) -> tuple[Any, BreachReport]:
    """float32 (rows, cols) and the report, as `kernels.breach.breach`. Raises KernelInputError.

    With a penalty on fixed cells the ways out are found on the CPU (kernels.cpu.detours grows one tree from the outside, a
    cell at a time).
    """
    if fixed is not None and fixed_penalty_m > 0:
        return _breach_on_cpu(heights, epsilon_m, fixed, outlets, nodata, fixed_penalty_m)
    work = _Work(heights, outlets, nodata, fixed, workspace)
    while True:
        flow = work.take("receivers", work.n, np.int32)
        _find_ways(work, flow)
        carved, sums = _carve(work, flow, epsilon_m)
        if work.complete(epsilon_m):
            return carved.reshape(work.shape), _report(work, sums, epsilon_m)


def fill(
    heights: Any, *, outlets: Any = None, nodata: Any = None, workspace: DeviceWorkspace | None = None
) -> tuple[Any, Any, float]:
    """Filled heights and water depth, float32 (rows, cols), and the mean depth, as `kernels.fill`. Raises KernelInputError."""
    work = _Work(heights, outlets, nodata, None, workspace)
    while True:
        flow = work.take("receivers", work.n, np.int32)
        _find_levels(work, flow)
        filled, depth, sums = _raise(work)
        if work.complete():
            return filled.reshape(work.shape), depth.reshape(work.shape), _mean(work, sums)


def accumulate(
    heights: Any,
    *,
    outlets: Any = None,
    nodata: Any = None,
    receivers: Any = None,
    workspace: DeviceWorkspace | None = None,
) -> Any:
    """float32 (rows, cols): cells that drain through each, as `kernels.flow.flow_accumulation`. Raises KernelInputError.

    receivers: int32 (rows, cols), neighbors or the cell itself, -1 for no data; default those of `route`.
    """
    if receivers is not None:
        flow = _given_receivers(receivers, heights)
        work = _Work(heights, None, None, None, workspace, look=False)
        work.clear()
        counts = _accumulate(work, flow)
        if work.numbers()[state.FAULT] & state.RECEIVER_FAULT:
            raise KernelInputError("The receivers must be neighbors of their cells (flat indices), the cells themselves or -1.")
        return counts.reshape(work.shape)
    work = _Work(heights, outlets, nodata, None, workspace)
    while True:
        flow = work.take("receivers", work.n, np.int32)
        _find_ways(work, flow)
        counts = _accumulate(work, flow)
        if work.complete():
            return counts.reshape(work.shape)


def resolve(
    heights: Any,
    *,
    epsilon_m: float = 1e-3,
    fixed: Any = None,
    outlets: Any = None,
    nodata: Any = None,
    fixed_penalty_m: float = 0.0,
    workspace: DeviceWorkspace | None = None,
) -> Depressions:
    """Carved and filled heights, water, receivers and report at once, as `kernels.depressions`. Raises KernelInputError."""
    from kernels.depressions import Depressions

    work = _Work(heights, outlets, nodata, fixed, workspace)
    while True:
        flow = cuda.device_array(work.n, np.int32)
        _find_ways(work, flow)
        filled, depth, water = _raise(work)
        carved, cuts = _carve(work, flow, epsilon_m)
        if work.complete(epsilon_m):
            break
    shape = work.shape
    ways, lowered, report = flow.reshape(shape), carved.reshape(shape), _report(work, cuts, epsilon_m)
    if fixed is not None and fixed_penalty_m > 0:
        lowered, report = _breach_on_cpu(heights, epsilon_m, fixed, outlets, nodata, fixed_penalty_m)
    return Depressions(lowered, filled.reshape(shape), depth.reshape(shape), _mean(work, water), ways, report)


class _Work:
    """One call: the grid and masks on the GPU, scratch memory and the numbers that kernels leave."""

    def __init__(
        self, heights: Any, outlets: Any, nodata: Any, fixed: Any, workspace: DeviceWorkspace | None, look: bool = True
    ) -> None:
        self.scratch = DeviceWorkspace() if workspace is None else workspace
        self.take = self.scratch.take
        grid = _grid_on_device(heights)
        self.shape = rows, cols = int(grid.shape[0]), int(grid.shape[1])
        self.n = rows * cols
        self.state = self.take("state", state.SIZE, np.int32)
        if look:
            self.z = _flat_grid(grid, self.n, self.scratch)
            self.bits = self.z.view(np.int32)
            self.outlets = self._mask(outlets, "outlets")
            self.nodata = self._mask(nodata, "nodata")
            self.fixed = self._mask(fixed, "fixed")
        self.tiles = tile_grid(rows, cols)[0] * tile_grid(rows, cols)[1]
        self.slots = slot_count(rows, cols)
        self._numbers = np.zeros(state.SIZE, np.int32)

    @property
    def capacity(self) -> int:
        """Basins there is room for."""
        return min(self.n, max(self.n // 8 + 64, self.scratch.basins))

    def clear(self) -> None:
        plain(state.reset, state.SIZE, self.state)

    def numbers(self) -> np.ndarray:
        """The host waits here, once everything is under way."""
        self._numbers = self.state.copy_to_host()
        return self._numbers

    def complete(self, epsilon_m: float | None = None) -> bool:
        """Whether basins fitted. Raises KernelInputError for what the kernels found."""
        numbers = self.numbers()
        top = self.top_m
        if np.isnan(top):
            raise KernelInputError("The heights contain NaN; fill or mask those cells first.")
        if top > HIGHEST_M:
            what = "infinity" if np.isinf(top) else f"values beyond {HIGHEST_M:.0e} m"
            raise KernelInputError(f"The heights contain {what}.")
        if self.outlets.size > 0 and numbers[state.OUTLETS] == 0:
            raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
        if epsilon_m is not None:
            fixed_point(top, epsilon_m)
        if numbers[state.BASINS] > self.capacity:
            self.scratch.basins = int(numbers[state.BASINS])
            return False
        if numbers[state.FAULT] & state.RANGE_FAULT and epsilon_m is not None:
            raise KernelInputError(f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights.")
        return True

    @property
    def top_m(self) -> float:
        """The largest magnitude of the heights."""
        return float(self._numbers.view(np.float32)[state.HIGHEST])

    def undrained(self) -> int:
        return int(self._numbers[state.UNDRAINED])

    def _mask(self, mask: Any, name: str) -> Any:
        """bool (n,) on the GPU, or (0,) for None. Raises KernelInputError."""
        if mask is None:
            return self.take("no mask", 0, np.bool_)
        on_gpu = on_device(mask, name)
        if np.dtype(on_gpu.dtype) != np.bool_:
            raise KernelInputError(f"The mask `{name}` must be a bool array, not {on_gpu.dtype}.")
        if tuple(on_gpu.shape) != self.shape:
            raise KernelInputError(f"The mask `{name}` has shape {tuple(on_gpu.shape)}, the grid {self.shape}.")
        if on_gpu.is_c_contiguous():
            return on_gpu.reshape(self.n)
        flat = self.take(f"mask {name}", self.n, np.bool_)
        plain(filling.copy_mask, self.n, on_gpu, flat)
        return flat


def _find_levels(work: _Work, flow: Any) -> None:
    """Receivers before routing, labels and levels of the basins."""
    (rows, cols), n, room = work.shape, work.n, work.capacity
    labels = work.take("labels", n, np.int32)
    codes = work.take("slot codes", work.slots, np.int32)
    parent = work.take("parent", room + 1, np.int32)
    partner = work.take("partner", room + 1, np.int32)
    best = work.take("best", room + 1, np.int64)
    hook = work.take("hook", room + 1, np.int64)
    work.clear()
    plain(
        receivers.descend, work.tiles, work.z, work.bits, work.outlets, work.nodata, rows, cols, flow, labels, codes, work.state,
        threads_each=0,
    )  # fmt: skip
    cooperative(basins.label, n, labels, codes, work.state)
    listed, relisted = work.take("listed", n, np.int32), work.take("relisted", n, np.int32)
    cooperative(
        spanning_tree.boruvka, n, work.bits, labels, rows, cols, best, parent, partner, hook, listed, relisted, work.state
    )
    cooperative(
        orientation.orient, 2 * room, work.bits, labels, cols, hook, parent, work.take("ring", 2 * room + 2, np.int32), partner,
        work.take("tour", 2 * room, np.int64), best, work.take("inner", room + 1, np.int32),
        work.take("outer", room + 1, np.int32), work.take("level", room + 1, np.int32), work.state,
    )  # fmt: skip


def _find_ways(work: _Work, flow: Any) -> None:
    """The same, and the ways to the passes turned around."""
    _find_levels(work, flow)
    n, room = work.n, work.capacity
    cooperative(
        orientation.reroute, n, flow, work.take("inner", room + 1, np.int32), work.take("outer", room + 1, np.int32),
        work.take("partner", room + 1, np.int32), work.take("ring", 2 * room + 2, np.int32), work.take("listed", n, np.int32),
        work.take("relisted", n, np.int32), work.take("marks", n, np.uint8), work.state,
    )  # fmt: skip


def _kept(work: _Work) -> Any:
    """uint8 (n,) or (0,): cells that carving leaves. Only masks of both kinds together can leave ground without an outlet."""
    if work.outlets.size == 0 or work.nodata.size == 0:
        return work.fixed.view(np.uint8)
    kept = work.take("kept", work.n, np.uint8)
    parent = work.take("parent", work.capacity + 1, np.int32)
    plain(filling.mark_undrained, work.n, work.take("labels", work.n, np.int32), parent, work.fixed, kept, work.state)
    return kept


def _carve(work: _Work, flow: Any, epsilon_m: float) -> tuple[Any, Any]:
    """Carved heights (n,) and the sums of the report, a row a block."""
    rows, cols = work.shape
    kept = _kept(work)
    drop, unit = work.take("drop", 1, np.int64), work.take("unit", 1, np.float64)
    values = work.take("slot codes", work.slots, np.int32)
    onward, further = work.take("onward", work.slots, np.int64), work.take("further", work.slots, np.int64)
    carved = cuda.device_array(work.n, np.float32)
    sums = work.take("cuts", (work.tiles, 3), np.float64)
    plain(carving.prepare, work.slots, work.state, work.state.view(np.float32), float(epsilon_m), drop, unit, values)
    plain(
        carving.carve_tiles, work.tiles, work.z, flow, kept, rows, cols, drop, unit, values, onward, work.state, threads_each=0
    )
    cooperative(carving.carve_slots, work.slots, values, onward, further, drop, work.state)
    blocks = plain(
        carving.write_carved, work.tiles, work.z, flow, kept, rows, cols, drop, unit, values, carved, sums, work.state,
        threads_each=0,
    )  # fmt: skip
    return carved, sums[:blocks]


def _raise(work: _Work) -> tuple[Any, Any, Any]:
    """Filled heights and depths (n,), and sums of the depths, one a block."""
    labels = work.take("labels", work.n, np.int32)
    level = work.take("level", work.capacity + 1, np.int32).view(np.float32)
    filled, depth = cuda.device_array(work.n, np.float32), cuda.device_array(work.n, np.float32)
    sums = work.take("depths", work.n, np.float64) if work.n < 4096 else work.take("depths", 4096, np.float64)
    blocks = plain(filling.raise_to_level, work.n, work.z, labels, level, filled, depth, sums)
    return filled, depth, sums[:blocks]


def _accumulate(work: _Work, flow: Any) -> Any:
    """Counts (n,) along receivers."""
    rows, cols = work.shape
    inflow, other = work.take("slot codes", work.slots, np.int32), work.take("other inflow", work.slots, np.int32)
    onward, further = work.take("onward", work.slots, np.int32), work.take("further", work.slots, np.int32)
    counts = cuda.device_array(work.n, np.float32)
    plain(accumulation.zero, work.slots, inflow)
    plain(accumulation.count_tiles, work.tiles, flow, rows, cols, inflow, onward, work.state, threads_each=0)
    cooperative(accumulation.count_slots, work.slots, inflow, other, onward, further, work.state)
    plain(accumulation.write_counts, work.tiles, flow, rows, cols, inflow, counts, work.state, threads_each=0)
    return counts


def _report(work: _Work, sums: Any, epsilon_m: float) -> BreachReport:
    from kernels.breach import BreachReport

    parts = sums.copy_to_host()
    total = float(parts[:, 0].sum())
    unit, drop = fixed_point(work.top_m, epsilon_m)
    numbers = work.numbers()
    return BreachReport(
        changed=int(numbers[state.CHANGED]),
        max_cut_m=float(parts[:, 1].max()),
        mean_cut_m=total / work.n,
        volume_m=total,
        border_cut_max_m=float(parts[:, 2].max()),
        epsilon_m=drop * unit,
        fixed_violations=int(numbers[state.VIOLATIONS]),
        **({"undrained": work.undrained()} if "undrained" in BreachReport.__dataclass_fields__ else {}),
    )


def _mean(work: _Work, sums: Any) -> float:
    return float(sums.copy_to_host().sum()) / work.n


def _breach_on_cpu(
    heights: Any, epsilon_m: float, fixed: Any, outlets: Any, nodata: Any, fixed_penalty_m: float
) -> tuple[Any, BreachReport]:
    from kernels.breach import breach as on_cpu

    masks = {name: None if mask is None else on_host(mask, name) for name, mask in _named(fixed, outlets, nodata)}
    carved, report = on_cpu(
        on_host(heights), epsilon_m=epsilon_m, fixed_penalty_m=fixed_penalty_m, return_report=True, device="cpu", **masks
    )
    return cuda.to_device(carved), report


def _named(fixed: Any, outlets: Any, nodata: Any) -> list[tuple[str, Any]]:
    return [("fixed", fixed), ("outlets", outlets), ("nodata", nodata)]


def _grid_on_device(heights: Any) -> Any:
    """The grid as a device array, float32 or float64 (rows, cols). Raises KernelInputError."""
    grid = on_device(heights)
    if np.dtype(grid.dtype) not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"The heights must be float32 or float64, not {grid.dtype}.")
    if len(grid.shape) != 2:
        raise KernelInputError(f"The heights must be a grid of rows and columns, not of shape {tuple(grid.shape)}.")
    if min(grid.shape) < 1:
        raise KernelInputError(f"The heights need at least 1 x 1 cells, not {tuple(grid.shape)}.")
    if grid.size >= LARGEST_GRID:
        raise KernelInputError(f"The heights have {grid.size} cells; a GPU takes fewer than {LARGEST_GRID} here (kernels.tiles).")
    return grid


def _flat_grid(grid: Any, n: int, scratch: DeviceWorkspace) -> Any:
    """float32 (n,): the same memory where it is contiguous float32 already."""
    if np.dtype(grid.dtype) == np.float32 and grid.is_c_contiguous():
        return grid.reshape(n)
    flat = scratch.take("heights", n, np.float32)
    plain(filling.copy_grid, n, grid, flat)
    return flat


def _given_receivers(receivers: Any, heights: Any) -> Any:
    flow = on_device(receivers, "receivers")
    if np.dtype(flow.dtype) != np.int32 or tuple(flow.shape) != tuple(heights.shape):
        raise KernelInputError(f"The receivers must be int32 of the grid's shape, not {flow.dtype} {tuple(flow.shape)}.")
    if not flow.is_c_contiguous():
        raise KernelInputError("The receivers must be contiguous.")
    return flow.reshape(flow.size)
