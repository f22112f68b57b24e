"""Everything about depressions from one pass over the basins: carved, filled, how deep water stands, where it goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .arrays import Device, choose, like
from .breach import BreachReport, carved_with_report, checked_cutting, routed_around


@dataclass(frozen=True)
class Depressions:
    """What `resolve_depressions` gives: grids (rows, cols) of the caller's kind.

    breached, filled, water_depth: float32, m, as of `kernels.breach.breach`, `kernels.fill.fill` and `kernels.fill.water_depth`.
    mean_depth_m: MDD, mean of the water's depth over cells with data.   receivers: int32, as of `kernels.flow.flow_receivers`;
    with a penalty for fixed cells, the ways that breaching took.   report: what breaching did.
    """

    breached: Any
    filled: Any
    water_depth: Any
    mean_depth_m: float
    receivers: Any
    report: BreachReport


def resolve_depressions(
    heights: Any,
    *,
    epsilon_m: float = 1e-3,
    outlets: Any = None,
    nodata: Any = None,
    fixed: Any = None,
    fixed_penalty_m: float = 0.0,
    device: Device = "auto",
    workspace: Any = None,
) -> Depressions:
    """Breach, fill and route a terrain at once, for little more than the price of one of them.

    Arguments as for `kernels.breach.breach`. A penalty for fixed cells changes the ways that breaching takes, and then the level
    of a basin is that of the way taken, so that `filled` may lie higher than the lowest surface without depressions.
    Raises KernelInputError.
    """
    epsilon_m, penalty = checked_cutting(epsilon_m, fixed_penalty_m)
    if choose(device, heights) == "cuda":
        from .cuda import flow as cuda_flow

        found = cuda_flow.resolve(
            heights,
            epsilon_m=epsilon_m,
            fixed=fixed,
            outlets=outlets,
            nodata=nodata,
            fixed_penalty_m=penalty,
            workspace=workspace,
        )
        grids = {name: like(getattr(found, name), heights) for name in ("breached", "filled", "water_depth", "receivers")}
        return replace(found, **grids)
    from .cpu import drainage

    scratch = drainage.scratch_of(workspace)
    terrain = drainage.checked_terrain(heights, outlets, nodata)
    basins, kept = routed_around(terrain, fixed, penalty, scratch)
    filled, depth, total_m = drainage.raised(terrain, basins, scratch, filled=True, depth=True)
    receivers = drainage.receivers(basins)
    breached, report = carved_with_report(terrain, basins, epsilon_m, kept, scratch)
    mean_m = total_m / terrain.cells
    return Depressions(
        like(breached, heights), like(filled, heights), like(depth, heights), mean_m, like(receivers, heights), report
    )
