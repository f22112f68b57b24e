"""Fill depressions up to their lowest pass, and measure the water they would hold (D8, spanning tree of passes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.errors import validate_heights
from kernels.flow import outlet_mask, route


def fill(heights: NDArray[np.floating], outlets: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Return float32 (rows, cols) in metres: each cell raised to the lowest level at which it drains to an outlet.

    outlets: boolean (rows, cols), by default the border. Fills are flat. Raises KernelInputError for inputs that
    cannot be routed. Equal to a priority flood (Barnes, Lehman, Mulla 2014), bit for bit.
    """
    grid = validate_heights(heights)
    routing = route(grid, outlet_mask(grid.shape, outlets))
    return np.maximum(grid, routing.levels[routing.labels].reshape(grid.shape))


def water_depth(heights: NDArray[np.floating], outlets: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Return float32 (rows, cols): metres of water over each cell once every depression is full; 0 where it drains."""
    return fill(heights, outlets) - validate_heights(heights)


def mean_depression_depth(heights: NDArray[np.floating]) -> float:
    """Return the mean water depth over all cells in metres (MDD of Pixels2Peaks, Section 6)."""
    return float(np.mean(water_depth(heights), dtype=np.float64))
