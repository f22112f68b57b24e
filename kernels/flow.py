"""Where water flows: D8 recipients, routed through depressions, and the number of cells above each cell.

Steepest descent among eight neighbors (diagonal drops are divided by sqrt 2; strict comparison in a fixed neighbor
order breaks ties). A depression spills through its lowest pass: the path from the pass to the pit is turned around, so
that every cell ends on an outlet. Source: Cordonnier, Bovy, Braun 2019; Pixels2Peaks, Section 4 (recipients, basins).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kernels.basins import (
    carve_receivers,
    first_fixed_heights,
    label_basins,
    orient_tree,
    root_heights,
    spanning_tree,
    water_levels,
)
from kernels.errors import KernelInputError, validate_heights, validate_mask, validate_positive


@dataclass(frozen=True)
class Routing:
    """Drainage of one grid; flat arrays in C order.

    receivers int32 (n,): next cell downstream, an outlet points to itself. labels int32 (n,): basin, 0 = outside.
    levels float32 (basins,): metres up to which a basin fills, -inf for the outside.
    """

    receivers: NDArray[np.int32]
    labels: NDArray[np.int32]
    levels: NDArray[np.float32]


def flow_receivers(
    heights: NDArray[np.floating], dx_m: float = 1.0, outlets: NDArray[np.bool_] | None = None
) -> NDArray[np.int32]:
    """Return int32 (rows, cols): flat index of the cell each cell drains to; outlets point to themselves.

    heights: float32 or float64 (rows, cols) in metres, spaced dx_m. outlets: boolean (rows, cols), by default the
    border. Raises KernelInputError for inputs that cannot be routed.
    """
    grid = validate_heights(heights)
    validate_positive(dx_m, "dx_m")
    return route(grid, outlet_mask(grid.shape, outlets)).receivers.reshape(grid.shape)


def flow_accumulation(heights: NDArray[np.floating], dx_m: float = 1.0) -> NDArray[np.float32]:
    """Return float32 (rows, cols): how many cells drain through each cell, itself included.

    The border is the outlet; the counts of the border cells that are outlets sum to the number of cells. Counts above
    2^24 are rounded to float32. Raises KernelInputError like flow_receivers.
    """
    receivers = flow_receivers(heights, dx_m)
    return _accumulate(receivers.ravel()).astype(np.float32).reshape(receivers.shape)


def outlet_mask(shape: tuple[int, ...], outlets: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return the boolean outlet grid of the given shape: the given one, checked, or the border."""
    if outlets is not None:
        mask = validate_mask(outlets, shape, "outlets")
        if not mask.any():
            raise KernelInputError("outlets has no true cell, so water could leave nowhere.")
        return mask
    mask = np.zeros(shape, np.bool_)
    mask[0, :] = mask[-1, :] = True
    mask[:, 0] = mask[:, -1] = True
    return mask


def route(
    grid: NDArray[np.float32],
    outlets: NDArray[np.bool_],
    fixed: NDArray[np.bool_] | None = None,
    fixed_penalty_m: float = 0.0,
) -> Routing:
    """Route a checked grid (rows, cols) in metres to its outlets.

    fixed with fixed_penalty_m > 0: a pass counts as that much higher where draining through it would carve a fixed
    cell above both pits; the levels do not contain the penalty.
    """
    rows, cols = grid.shape
    heights, ends = grid.ravel(), outlets.ravel()
    receivers = steepest_receivers(heights, rows, cols, ends)
    labels, pits = label_basins(receivers, ends)
    nothing = np.empty(0, np.float32)
    first_fixed, roots = nothing, nothing
    penalty = np.float32(fixed_penalty_m if fixed is not None else 0.0)
    if fixed is not None and penalty > 0.0:
        first_fixed = first_fixed_heights(heights, receivers, fixed.ravel())
        roots = root_heights(heights, receivers)
    tree = spanning_tree(heights, rows, cols, labels, pits.size, penalty, first_fixed, roots)
    order, exits = orient_tree(tree, labels, cols, pits.size)
    carve_receivers(receivers, exits)
    return Routing(receivers, labels, water_levels(heights, order, exits, labels))


@njit(cache=True)
def steepest_receivers(heights, rows, cols, outlets):
    """Steepest of eight neighbors for each cell, int32 (n,); outlets and pits point to themselves."""
    receivers = np.empty(heights.size, np.int32)
    diagonal = np.float32(np.sqrt(0.5))
    for row in range(rows):
        for col in range(cols):
            cell = row * cols + col
            receivers[cell] = cell
            if outlets[cell]:
                continue
            steepest = np.float32(0.0)
            for down in range(-1, 2):
                if row + down < 0 or row + down >= rows:
                    continue
                for right in range(-1, 2):
                    if col + right < 0 or col + right >= cols:
                        continue
                    other = cell + down * cols + right
                    drop = heights[cell] - heights[other]
                    if down != 0 and right != 0:
                        drop = drop * diagonal
                    if drop > steepest:
                        steepest = drop
                        receivers[cell] = other
    return receivers


@njit(cache=True)
def count_donors(receivers):
    """Number of cells that drain straight into each cell, uint8 (n,)."""
    donors = np.zeros(receivers.size, np.uint8)
    for cell in range(receivers.size):
        if receivers[cell] != cell:
            donors[receivers[cell]] += 1
    return donors


@njit(cache=True)
def _accumulate(receivers):
    donors = count_donors(receivers)
    total = np.ones(receivers.size, np.int32)
    for start in range(receivers.size):
        cell = start
        # A cell is walked through once, by the last of its donors; 255 marks it as done.
        while donors[cell] == 0:
            donors[cell] = 255
            below = receivers[cell]
            if below == cell:
                break
            total[below] += total[cell]
            donors[below] -= 1
            cell = below
    return total
