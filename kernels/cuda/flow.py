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

from kernels.arrays import on_host
from kernels.fixed_point import fixed_point

from . import accumulation, basins, carving, filling, orientation, receivers, spanning_tree, state
from .launch import cooperative, plain
from .memory import DeviceWorkspace
from .work import TerrainWork, Work, fresh

if TYPE_CHECKING:
    from kernels.breach import BreachReport
    from kernels.depressions import Depressions


def route(heights: Any, *, outlets: Any = None, nodata: Any = None, workspace: DeviceWorkspace | None = None) -> Any:
    """int32 (rows, cols): the cell each cell drains to, as `kernels.flow.flow_receivers`. Raises KernelInputError."""
    work = TerrainWork(heights, outlets, nodata, None, workspace)
    while True:
        flow = fresh(work.n, np.int32)
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
    work = TerrainWork(heights, outlets, nodata, fixed, workspace)
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
    work = TerrainWork(heights, outlets, nodata, None, workspace)
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
        given = Work(tuple(heights.shape), workspace)
        flow = given.given_receivers(receivers)
        given.clear()
        counts = _accumulate(given, flow)
        given.check_receivers()
        return counts.reshape(given.shape)
    work = TerrainWork(heights, outlets, nodata, None, workspace)
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
    """Carved and filled heights, water, receivers and report at once, as `kernels.depressions`. Raises KernelInputError.

    With a penalty on fixed cells all of it is done on the CPU, as in `breach`.
    """
    from kernels.depressions import Depressions, resolve_depressions

    if fixed is not None and fixed_penalty_m > 0:
        found = resolve_depressions(
            on_host(heights), epsilon_m=epsilon_m, fixed_penalty_m=fixed_penalty_m, device="cpu", **_hosted(fixed, outlets, nodata)
        )
        carved, filled, depth, flow = map(cuda.to_device, (found.breached, found.filled, found.water_depth, found.receivers))
        return Depressions(carved, filled, depth, found.mean_depth_m, flow, found.report)
    work = TerrainWork(heights, outlets, nodata, fixed, workspace)
    while True:
        flow = fresh(work.n, np.int32)
        _find_ways(work, flow)
        filled, depth, water = _raise(work)
        carved, cuts = _carve(work, flow, epsilon_m)
        if work.complete(epsilon_m):
            break
    carved, filled, depth, flow = (result.reshape(work.shape) for result in (carved, filled, depth, flow))
    return Depressions(carved, filled, depth, _mean(work, water), flow, _report(work, cuts, epsilon_m))


def _find_levels(work: TerrainWork, flow: Any) -> None:
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
        orientation.orient, room // 2, work.bits, labels, cols, hook, parent, work.take("ring", 2 * room + 2, np.int32), partner,
        work.take("tour", 2 * room, np.int64), best, work.take("inner", room + 1, np.int32),
        work.take("outer", room + 1, np.int32), work.take("level", room + 1, np.int32), work.state,
    )  # fmt: skip


def _find_ways(work: TerrainWork, flow: Any) -> None:
    """The same, and the ways to the passes turned around."""
    _find_levels(work, flow)
    n, room = work.n, work.capacity
    cooperative(
        orientation.reroute, n, flow, work.take("inner", room + 1, np.int32), work.take("outer", room + 1, np.int32),
        work.take("partner", room + 1, np.int32), work.take("ring", 2 * room + 2, np.int32), work.take("listed", n, np.int32),
        work.take("relisted", n, np.int32), work.take("marks", n, np.uint8), work.state,
    )  # fmt: skip


def _kept(work: TerrainWork) -> Any:
    """uint8 (n,) or (0,): cells that carving leaves. Only masks of both kinds together can leave ground without an outlet."""
    if work.outlets.size == 0 or work.nodata.size == 0:
        return work.fixed.view(np.uint8)
    kept = work.take("kept", work.n, np.uint8)
    parent = work.take("parent", work.capacity + 1, np.int32)
    plain(filling.mark_undrained, work.n, work.take("labels", work.n, np.int32), parent, work.fixed, kept, work.state)
    return kept


def _carve(work: TerrainWork, flow: Any, epsilon_m: float) -> tuple[Any, Any]:
    """Carved heights (n,) and the sums of the report, a row a block."""
    rows, cols = work.shape
    kept = _kept(work)
    drop, unit = work.take("drop", 1, np.int64), work.take("unit", 1, np.float64)
    values = work.take("slot codes", work.slots, np.int32)
    onward, further = work.take("onward", work.slots, np.int64), work.take("further", work.slots, np.int64)
    carved = fresh(work.n, np.float32)
    sums = work.take("cuts", (work.tiles, 3), np.float64)
    plain(carving.prepare, 1, work.state, work.state.view(np.float32), float(epsilon_m), drop, unit)
    plain(
        carving.carve_tiles, work.tiles, work.z, flow, kept, rows, cols, drop, unit, values, onward, work.state, threads_each=0
    )
    cooperative(carving.carve_slots, work.slots, values, onward, further, drop, work.state)
    blocks = plain(
        carving.write_carved, work.tiles, work.z, flow, kept, rows, cols, drop, unit, values, carved, sums, work.state,
        threads_each=0,
    )  # fmt: skip
    return carved, sums[:blocks]


def _raise(work: TerrainWork) -> tuple[Any, Any, Any]:
    """Filled heights and depths (n,), and sums of the depths, one a block."""
    labels = work.take("labels", work.n, np.int32)
    level = work.take("level", work.capacity + 1, np.int32).view(np.float32)
    filled, depth = fresh(work.n, np.float32), fresh(work.n, np.float32)
    sums = work.take("depths", work.n, np.float64) if work.n < 4096 else work.take("depths", 4096, np.float64)
    blocks = plain(filling.raise_to_level, work.n, work.z, labels, level, filled, depth, sums)
    return filled, depth, sums[:blocks]


def _accumulate(work: Work, flow: Any) -> Any:
    """Counts (n,) along receivers."""
    rows, cols = work.shape
    inflow, other = work.take("slot codes", work.slots, np.int32), work.take("other inflow", work.slots, np.int32)
    onward, further = work.take("onward", work.slots, np.int32), work.take("further", work.slots, np.int32)
    counts = fresh(work.n, np.float32)
    plain(accumulation.zero, work.slots, inflow)
    plain(accumulation.count_tiles, work.tiles, flow, rows, cols, inflow, onward, work.state, threads_each=0)
    cooperative(accumulation.count_slots, work.slots, inflow, other, onward, further, work.state)
    plain(accumulation.write_counts, work.tiles, flow, rows, cols, inflow, counts, work.state, threads_each=0)
    return counts


def _report(work: TerrainWork, sums: Any, epsilon_m: float) -> BreachReport:
    from kernels.breach import BreachReport

    parts = sums.copy_to_host()
    total = float(parts[:, 0].sum())
    unit, drop = fixed_point(work.top_m, epsilon_m)
    return BreachReport(
        changed=int(work.numbers[state.CHANGED]),
        max_cut_m=float(parts[:, 1].max()),
        mean_cut_m=total / work.cells,
        volume_m=total,
        border_cut_max_m=float(parts[:, 2].max()),
        epsilon_m=drop * unit,
        fixed_violations=int(work.numbers[state.VIOLATIONS]) if work.fixed.size > 0 else 0,
        undrained=int(work.numbers[state.UNDRAINED]),
    )


def _mean(work: TerrainWork, sums: Any) -> float:
    return float(sums.copy_to_host().sum()) / work.cells


def _breach_on_cpu(
    heights: Any, epsilon_m: float, fixed: Any, outlets: Any, nodata: Any, fixed_penalty_m: float
) -> tuple[Any, BreachReport]:
    from kernels.breach import breach as on_cpu

    carved, report = on_cpu(
        on_host(heights),
        epsilon_m=epsilon_m,
        fixed_penalty_m=fixed_penalty_m,
        return_report=True,
        device="cpu",
        **_hosted(fixed, outlets, nodata),
    )
    return cuda.to_device(carved), report


def _hosted(fixed: Any, outlets: Any, nodata: Any) -> dict[str, Any]:
    masks = {"fixed": fixed, "outlets": outlets, "nodata": nodata}
    return {name: None if mask is None else on_host(mask, name) for name, mask in masks.items()}
