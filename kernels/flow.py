"""Where water goes: D8 receivers that always end at an outlet, and how many cells drain through each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from . import basins, detours, spanning_tree
from .errors import KernelInputError, checked_grid, checked_mask, checked_positive


@dataclass(frozen=True)
class Routing:
    """Flow over a grid of n cells, and what the basin graph says besides.

    receivers: int32 (n,), routed through depressions; outlets point to themselves.   labels: int32 (n,), basin of each
    cell before routing, 0 for what drains by itself.   level: float32 (basins + 1,), height to which each basin fills.
    """

    receivers: np.ndarray
    labels: np.ndarray
    level: np.ndarray


def route(
    heights: np.ndarray, outlets: np.ndarray | None, fixed: np.ndarray | None = None, fixed_penalty_m: float = 0.0
) -> Routing:
    """Receivers, basins and levels of checked heights. See `flow_receivers` and `kernels.breach.breach`."""
    rows, cols = heights.shape
    z = heights.ravel()
    border = outlets is None
    mask = np.zeros((0, 0), np.bool_) if outlets is None else outlets
    receivers = basins.descend(heights, mask, border)
    labels, pits = basins.label(receivers, mask, border, rows, cols)
    if pits.size == 0:
        return Routing(receivers, labels, np.full(1, -np.inf, np.float32))
    if fixed is not None and fixed_penalty_m > 0:
        penalty = np.float32(fixed_penalty_m)
        tree = detours.avoiding_tree(z, receivers, fixed.ravel(), labels, pits, rows, cols, penalty)
    else:
        tree = spanning_tree.spanning_tree(spanning_tree.sortable(z.view(np.int32)), labels, rows, cols, pits.size)
    inner, outer, level = basins.spill(tree, labels, cols, z)
    basins.reroute(receivers, inner, outer)
    return Routing(receivers, labels, level)


def checked_outlets(outlets: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """None (the border cells) or a bool grid with at least one outlet. Raises KernelInputError."""
    if outlets is None:
        return None
    mask = checked_mask(outlets, shape, "outlets")
    if not mask.any():
        raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
    return mask


@numba.njit(cache=True, nogil=True)
def indegrees(receivers):
    """uint8 (n,): how many cells drain directly into each."""
    degree = np.zeros(receivers.size, np.uint8)
    for cell in range(receivers.size):
        if receivers[cell] != cell:
            degree[receivers[cell]] += 1
    return degree


@numba.njit(cache=True, nogil=True)
def _accumulate(receivers, degree):
    """float32 (n,): cells that drain through each, itself included; from the springs down. Empties `degree`."""
    area = np.ones(receivers.size, np.int32)
    for spring in range(receivers.size):
        cell = spring
        while degree[cell] == 0:
            degree[cell] = 255
            target = receivers[cell]
            if target == cell:
                break
            area[target] += area[cell]
            degree[target] -= 1
            cell = target
    return area.astype(np.float32)


def flow_receivers(heights: np.ndarray, dx_m: float = 1.0, outlets: np.ndarray | None = None) -> np.ndarray:
    """Flat index of the cell each cell drains to, steepest descent of 8 neighbors, led out of every depression.

    heights: float32 or float64 (rows, cols), m, finite.   dx_m: spacing; it changes nothing, since D8 compares drops.
    outlets: bool (rows, cols), cells that water leaves through (default: the border).
    Returns int32 (rows, cols); following it ends at an outlet, which points to itself. Within a depression the way
    from the pit to the lowest pass is turned around (Cordonnier, Bovy and Braun 2019), so there it climbs.
    Raises KernelInputError.
    """
    grid = checked_grid(heights)
    checked_positive(dx_m, "dx_m")
    return route(grid, checked_outlets(outlets, grid.shape)).receivers.reshape(grid.shape)


def flow_accumulation(heights: np.ndarray, dx_m: float = 1.0, outlets: np.ndarray | None = None) -> np.ndarray:
    """How many cells drain through each, itself included, along `flow_receivers`: float32 (rows, cols).

    Counts are kept as integers, exact in float32 up to 2^24 cells. Raises KernelInputError.
    """
    receivers = flow_receivers(heights, dx_m, outlets)
    flat = receivers.ravel()
    return _accumulate(flat, indegrees(flat)).reshape(receivers.shape)
