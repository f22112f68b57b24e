"""Depression breaching: carve the least high ways out of every depression (Pixels2Peaks algorithm 1).

Heights are carved in fixed point, int32 in units of 2^-14 m, so that sums are exact and the result does not depend on
the order of the work. The drop is rounded up so that every step of the float32 result still drops by at least epsilon.
Algorithm 1 as printed lowers the outlets without end (each round takes from roots again); carving along the receivers
from upstream to downstream gives its result without that fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, overload

import numba
import numpy as np

from .errors import KernelInputError, checked_grid, checked_mask, checked_number, checked_positive
from .flow import checked_outlets, indegrees, route

UNIT_M = 2.0**-14
_LOWEST = -(2**31) + 1
_STEPS_PER_CELL = 4


@dataclass(frozen=True)
class BreachReport:
    """What breaching did.

    changed: cells lowered.   max_cut_m, mean_cut_m: over all cells.   volume_m: sum of cuts, times dx^2 gives m^3.
    border_cut_max_m: deepest cut of an outlet.   epsilon_m: the drop really used.
    fixed_violations: cells that still do not drop enough because a fixed cell lies below them on their way.
    """

    changed: int
    max_cut_m: float
    mean_cut_m: float
    volume_m: float
    border_cut_max_m: float
    epsilon_m: float
    fixed_violations: int


@numba.njit(cache=True, nogil=True)
def _push_down(units, receivers, fixed, epsilon, budget):
    """Lower each receiver that lies too high, and so on downstream, in place. False if the steps did not suffice."""
    some_fixed = fixed.size > 0
    for start in range(units.size):
        cell = start
        target = receivers[cell]
        while target != cell:
            least = np.int64(units[cell]) - epsilon
            if units[target] <= least or (some_fixed and fixed[target]):
                break
            if least < _LOWEST:
                return False
            units[target] = least
            budget -= 1
            if budget < 0:
                return False
            cell, target = target, receivers[target]
    return True


@numba.njit(cache=True, nogil=True)
def _sweep_down(units, receivers, degree, fixed, epsilon):
    """The same in one pass from the springs down: O(n) whatever the terrain. False if heights run out of range."""
    some_fixed = fixed.size > 0
    for spring in range(units.size):
        cell = spring
        while degree[cell] == 0:
            degree[cell] = 255
            target = receivers[cell]
            if target == cell:
                break
            least = np.int64(units[cell]) - epsilon
            if units[target] > least and not (some_fixed and fixed[target]):
                if least < _LOWEST:
                    return False
                units[target] = least
            degree[target] -= 1
            cell = target
    return True


@numba.njit(cache=True, nogil=True)
def _to_units(z, scale):
    out = np.empty(z.size, np.int32)
    for k in range(z.size):
        out[k] = np.int32(np.rint(np.float64(z[k]) * scale))
    return out


@numba.njit(cache=True, nogil=True)
def _write_back(z, units, receivers, fixed, unit, scale, epsilon):
    """Carved heights (only changed cells differ) and the numbers of the report."""
    out = z.copy()
    changed, violations = 0, 0
    total, deepest, border = 0.0, 0.0, 0.0
    for k in range(z.size):
        if units[k] != np.int32(np.rint(np.float64(z[k]) * scale)):
            out[k] = np.float32(units[k] * unit)
            cut = np.float64(z[k]) - np.float64(out[k])
            changed += 1
            total += cut
            deepest = max(deepest, cut)
            if receivers[k] == k:
                border = max(border, cut)
        if fixed.size > 0 and receivers[k] != k and units[receivers[k]] > np.int64(units[k]) - epsilon:
            violations += 1
    return out, changed, violations, total, deepest, border


def _fixed_point(grid: np.ndarray, epsilon_m: float) -> tuple[float, int]:
    """The unit in meters and the drop in units: a multiple of the step of float32 at the largest height, rounded up."""
    top = float(max(abs(float(grid.max())), abs(float(grid.min()))))
    unit = UNIT_M
    while top / unit > 2**30:
        unit *= 2.0
    step = max(1, round(float(np.spacing(np.float32(top))) / unit)) if top > 0 else 1
    epsilon = math.ceil(epsilon_m / unit) + 1  # one more for the rounding of heights to units
    return unit, -(-epsilon // step) * step


@overload
def breach(
    heights: np.ndarray,
    *,
    epsilon_m: float = ...,
    fixed: np.ndarray | None = ...,
    outlets: np.ndarray | None = ...,
    fixed_penalty_m: float = ...,
    return_report: Literal[False] = ...,
) -> np.ndarray: ...
@overload
def breach(
    heights: np.ndarray,
    *,
    epsilon_m: float = ...,
    fixed: np.ndarray | None = ...,
    outlets: np.ndarray | None = ...,
    fixed_penalty_m: float = ...,
    return_report: Literal[True],
) -> tuple[np.ndarray, BreachReport]: ...


def breach(
    heights: np.ndarray,
    *,
    epsilon_m: float = 1e-3,
    fixed: np.ndarray | None = None,
    outlets: np.ndarray | None = None,
    fixed_penalty_m: float = 0.0,
    return_report: bool = False,
) -> np.ndarray | tuple[np.ndarray, BreachReport]:
    """Lower cells so that from every cell a way leads to an outlet, dropping at each step (8 neighbors).

    heights: float32 or float64 (rows, cols), m, finite.   epsilon_m: the least drop of a step; what is used is rounded up (1.1 mm
    for 1 mm below 1000 m), so that the promise holds in float32.   outlets: bool (rows, cols), default the border cells;
    outlets are lowered where what drains to them lies below.   fixed: bool (rows, cols), never lowered; routing may pass
    over them, and what then cannot drain is counted in the report.   fixed_penalty_m: how much higher a pass is taken to
    be whose way down is blocked by fixed cells, so that other passes are preferred (kernels.detours).
    Returns float32 (rows, cols), nowhere higher, unchanged cells bit for bit; with return_report also a BreachReport.
    Raises KernelInputError.
    """
    grid = checked_grid(heights)
    epsilon_m = checked_positive(epsilon_m, "epsilon_m")
    penalty = checked_number(fixed_penalty_m, "fixed_penalty_m")
    if penalty < 0:
        raise KernelInputError(f"fixed_penalty_m must not be negative, not {penalty:g}.")
    mask = None if fixed is None else checked_mask(fixed, grid.shape, "fixed")
    receivers = route(grid, checked_outlets(outlets, grid.shape), mask, penalty).receivers
    kept = np.zeros(0, np.bool_) if mask is None else mask.ravel()
    z = grid.ravel()
    unit, epsilon = _fixed_point(grid, epsilon_m)
    if epsilon >= 2**30:
        raise KernelInputError(f"epsilon_m = {epsilon_m:g} is too large for these heights.")
    units = _to_units(z, 1.0 / unit)
    if not _push_down(units, receivers, kept, epsilon, _STEPS_PER_CELL * z.size) and not _sweep_down(
        units, receivers, indegrees(receivers), kept, epsilon
    ):
        raise KernelInputError(f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights.")
    out, changed, violations, total, deepest, border = _write_back(z, units, receivers, kept, unit, 1.0 / unit, epsilon)
    carved = out.reshape(grid.shape)
    if not return_report:
        return carved
    report = BreachReport(changed, deepest, total / z.size, total, border, epsilon * unit, violations)
    return carved, report
