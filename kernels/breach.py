"""Depression breaching: carve the least high ways out of every depression (Pixels2Peaks algorithm 1).

Heights are carved in fixed point, int32 in units of 2^-14 m, so that sums are exact and the result does not depend on
the order of the work. The drop is rounded up so that every step of the float32 result still drops by at least epsilon.
Algorithm 1 as printed lowers the outlets without end (each round takes from roots again); carving along the receivers
from upstream to downstream gives its result without that fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from .arrays import Device, choose, like, on_host
from .errors import KernelInputError, checked_mask, checked_number, checked_positive
from .workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

    from .cpu.basins import Basins, Terrain


@dataclass(frozen=True)
class BreachReport:
    """What breaching did.

    changed: cells lowered.   max_cut_m, mean_cut_m: over all cells with data.   volume_m: sum of cuts, times dx^2 gives m^3.
    border_cut_max_m: deepest cut of an outlet.   epsilon_m: the drop really used.
    fixed_violations: cells that still do not drop enough because a fixed cell lies below them on their way (where some cells are
    fixed, flat steps of undrained ground count too).
    undrained: cells from which no way leads to one of the given outlets; they are left alone.
    """

    changed: int
    max_cut_m: float
    mean_cut_m: float
    volume_m: float
    border_cut_max_m: float
    epsilon_m: float
    fixed_violations: int
    undrained: int = 0


@overload
def breach(
    heights: Any,
    *,
    epsilon_m: float = ...,
    fixed: Any = ...,
    outlets: Any = ...,
    nodata: Any = ...,
    fixed_penalty_m: float = ...,
    return_report: Literal[False] = ...,
    device: Device = ...,
    workspace: Any = ...,
) -> Any: ...
@overload
def breach(
    heights: Any,
    *,
    epsilon_m: float = ...,
    fixed: Any = ...,
    outlets: Any = ...,
    nodata: Any = ...,
    fixed_penalty_m: float = ...,
    return_report: Literal[True],
    device: Device = ...,
    workspace: Any = ...,
) -> tuple[Any, BreachReport]: ...


def breach(
    heights: Any,
    *,
    epsilon_m: float = 1e-3,
    fixed: Any = None,
    outlets: Any = None,
    nodata: Any = None,
    fixed_penalty_m: float = 0.0,
    return_report: bool = False,
    device: Device = "auto",
    workspace: Any = None,
) -> Any:
    """Lower cells so that from every cell a way leads to an outlet, dropping at each step (8 neighbors).

    heights: float32 or float64 (rows, cols), m, finite.   epsilon_m: the least drop of a step; what is used is rounded up (1.1 mm
    for 1 mm below 1000 m; at least the step of float32 at the largest height), so that the promise holds in float32.
    outlets: bool (rows, cols), default the border cells and cells beside no data; outlets are lowered where what drains to them
    lies below.   nodata: bool (rows, cols), True where there is no terrain; those cells keep their value, NaN or not.
    fixed: bool (rows, cols), never lowered; routing may pass over them, and what then cannot drain is counted in the report.
    fixed_penalty_m: how much higher a pass is taken to be whose way down is blocked by fixed cells, so that other passes are
    preferred (kernels.cpu.detours).   device, workspace: see `kernels.arrays.choose` and `kernels.workspace.Workspace`.
    Returns float32 (rows, cols) of the caller's kind, nowhere higher, unchanged cells bit for bit; with return_report also a
    BreachReport. Ground that nothing joins to one of the given outlets is left alone and counted. Raises KernelInputError.
    """
    epsilon_m, penalty = checked_cutting(epsilon_m, fixed_penalty_m)
    if choose(device, heights) == "cuda":
        from .cuda import flow as cuda_flow

        carved, report = cuda_flow.breach(
            heights,
            epsilon_m=epsilon_m,
            fixed=fixed,
            outlets=outlets,
            nodata=nodata,
            fixed_penalty_m=penalty,
            workspace=workspace,
        )
    else:
        from .cpu import drainage

        scratch = drainage.scratch_of(workspace)
        terrain = drainage.checked_terrain(heights, outlets, nodata)
        found, kept = routed_around(terrain, fixed, penalty, scratch)
        carved, report = carved_with_report(terrain, found, epsilon_m, kept, scratch)
    return (like(carved, heights), report) if return_report else like(carved, heights)


def checked_cutting(epsilon_m: Any, fixed_penalty_m: Any) -> tuple[float, float]:
    """The two numbers of breaching. Raises KernelInputError."""
    drop, penalty = checked_positive(epsilon_m, "epsilon_m"), checked_number(fixed_penalty_m, "fixed_penalty_m")
    if penalty < 0:
        raise KernelInputError(f"fixed_penalty_m must not be negative, not {penalty:g}.")
    return drop, penalty


def routed_around(terrain: Terrain, fixed: Any, penalty_m: float, workspace: Workspace) -> tuple[Basins, np.ndarray]:
    """The basins of a terrain with their ways turned toward the passes, and the mask of fixed cells in their layout."""
    from .cpu import basins, layout

    shape = terrain.heights.shape
    mask = None if fixed is None else checked_mask(on_host(fixed, "fixed"), shape, "fixed")
    kept = layout.padded(mask, layout.stride_of(*shape), workspace)
    found = basins.find_basins(terrain, workspace, kept if kept.size else None, penalty_m)
    basins.turn_ways(found)
    return found, kept


def carved_with_report(
    terrain: Terrain, found: Basins, epsilon_m: float, kept: np.ndarray, workspace: Workspace
) -> tuple[np.ndarray, BreachReport]:
    """Carved heights of routed basins, and the report."""
    from .cpu import drainage

    carved, cuts = drainage.carve(terrain, found, epsilon_m, kept, workspace)
    report = BreachReport(
        cuts.changed,
        cuts.deepest_m,
        cuts.total_m / terrain.cells,
        cuts.total_m,
        cuts.border_m,
        cuts.epsilon_m,
        cuts.stuck,
        drainage.undrained_cells(found),
    )
    return carved, report
