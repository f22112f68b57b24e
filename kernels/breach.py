"""Carve channels so that every cell drains: depression breaching that never raises a cell.

The lowest passes route every depression (flow.route); along each path a cell is lowered until the step from the cell
above it drops at least epsilon. Done in fixed point, int32 in units of 2^-14 m, so that sums are exact, whatever the
order, and flat heights of thousands of metres still keep their drops; float32 would lose 0.1 m over long paths.
Source: Pixels2Peaks, Section 4 and Algorithm 1, with roots that give once and stop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kernels.errors import (
    KernelInputError,
    validate_heights,
    validate_mask,
    validate_not_negative,
    validate_positive,
)
from kernels.flow import count_donors, outlet_mask, route

UNIT_M = 2.0**-14
HEIGHT_LIMIT_M = 100_000.0


@dataclass(frozen=True)
class BreachReport:
    """What breaching did to a grid.

    lowered: cells carved. cut_max_m, cut_mean_m: deepest cut, and the mean over the carved cells. outlet_cut_max_m:
    deepest cut of an outlet, which is needed where a pit lies below it. violations: cells whose way down ends at a
    fixed cell that is too high. epsilon_m: the drop that is kept at each step, after rounding to fixed point.
    """

    lowered: int
    cut_max_m: float
    cut_mean_m: float
    outlet_cut_max_m: float
    violations: int
    epsilon_m: float


@overload
def breach(
    heights: NDArray[np.floating],
    *,
    epsilon_m: float = ...,
    fixed: NDArray[np.bool_] | None = ...,
    outlets: NDArray[np.bool_] | None = ...,
    return_report: Literal[False] = ...,
    fixed_penalty_m: float = ...,
) -> NDArray[np.float32]: ...


@overload
def breach(
    heights: NDArray[np.floating],
    *,
    epsilon_m: float = ...,
    fixed: NDArray[np.bool_] | None = ...,
    outlets: NDArray[np.bool_] | None = ...,
    return_report: Literal[True],
    fixed_penalty_m: float = ...,
) -> tuple[NDArray[np.float32], BreachReport]: ...


def breach(
    heights: NDArray[np.floating],
    *,
    epsilon_m: float = 1e-3,
    fixed: NDArray[np.bool_] | None = None,
    outlets: NDArray[np.bool_] | None = None,
    return_report: bool = False,
    fixed_penalty_m: float = 0.0,
) -> NDArray[np.float32] | tuple[NDArray[np.float32], BreachReport]:
    """Return float32 (rows, cols) in metres where every cell has a path down to an outlet, epsilon_m or more a step.

    heights: float32 or float64 (rows, cols) in metres, within 100 km of zero. outlets: boolean (rows, cols), by
    default the border. fixed: boolean (rows, cols), cells that are never lowered; water may be routed over them, and
    what then cannot drain is counted in the report. fixed_penalty_m: how much higher a pass counts where draining
    through it would carve fixed cells. With return_report also a BreachReport.

    No cell is raised; cells that need no cut keep their bits. The drop is rounded up to the fixed point and to the
    spacing of float32 at the highest cell. Raises KernelInputError for inputs that cannot be breached.
    """
    grid = validate_heights(heights)
    ends = outlet_mask(grid.shape, outlets)
    held = None if fixed is None else validate_mask(fixed, grid.shape, "fixed")
    penalty = validate_not_negative(fixed_penalty_m, "fixed_penalty_m")
    drop = _drop_units(validate_positive(epsilon_m, "epsilon_m"), grid)
    receivers = route(grid, ends, held, penalty).receivers
    units = np.rint(grid * np.float32(1.0 / UNIT_M)).astype(np.int32).ravel()
    carved = units.copy()
    keep = np.zeros(0, np.bool_) if held is None else held.ravel()
    if not _push_down(carved, receivers, keep, drop, grid.size // 8):
        _sweep(carved, receivers, keep, drop)
    changed = carved < units
    result = grid.copy()
    result.reshape(-1)[changed] = carved[changed] * UNIT_M
    if not return_report:
        return result
    cut = grid - result
    count = int(np.count_nonzero(changed))
    return result, BreachReport(
        lowered=count,
        cut_max_m=float(cut.max()),
        cut_mean_m=float(cut.sum(dtype=np.float64)) / max(count, 1),
        outlet_cut_max_m=float(cut[ends].max()),
        violations=0 if held is None else int(_violations(carved, receivers, drop)),
        epsilon_m=int(drop) * UNIT_M,
    )


def _drop_units(epsilon_m: float, grid: NDArray[np.float32]) -> np.int32:
    """Drop in units of 2^-14 m: rounded up, and to a multiple of the float32 spacing at the highest cell."""
    highest = float(np.abs(grid).max())
    if highest > HEIGHT_LIMIT_M:
        raise KernelInputError(f"heights must lie within 100000 m of zero, but one is {highest:g} m away.")
    spacing = max(1, int(float(np.spacing(np.float32(highest))) / UNIT_M))
    drop = math.ceil(math.ceil(epsilon_m / UNIT_M) / spacing) * spacing
    if drop * grid.size * UNIT_M > 131_000.0 - HEIGHT_LIMIT_M:
        raise KernelInputError(f"epsilon_m = {epsilon_m:g} m is too large for {grid.size} cells.")
    return np.int32(drop)


@njit(cache=True)
def _push_down(heights, receivers, fixed, drop, budget):
    """Lower each cell's way down where it is too high, in place; False where that takes more steps than the budget."""
    for start in range(heights.size):
        cell = start
        while True:
            below = receivers[cell]
            level = heights[cell] - drop
            if below == cell or heights[below] <= level or (fixed.size and fixed[below]):
                break
            heights[below] = level
            budget -= 1
            if budget < 0:
                return False
            cell = below
    return True


@njit(cache=True)
def _sweep(heights, receivers, fixed, drop):
    """The same from upstream to downstream, each cell once: linear in the number of cells."""
    donors = count_donors(receivers)
    for start in range(heights.size):
        cell = start
        while donors[cell] == 0:
            donors[cell] = 255
            below = receivers[cell]
            if below == cell:
                break
            level = heights[cell] - drop
            if heights[below] > level and not (fixed.size and fixed[below]):
                heights[below] = level
            donors[below] -= 1
            cell = below


@njit(cache=True)
def _violations(heights, receivers, drop):
    count = 0
    for cell in range(heights.size):
        below = receivers[cell]
        if below != cell and heights[below] > heights[cell] - drop:
            count += 1
    return count
