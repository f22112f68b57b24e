"""Standing water: the lowest surface without depressions, and how deep water would stand.

Once the basin graph is known, filling is one gather: each cell rises to the level of its basin, the highest pass on the
lowest way out (Barnes, Lehman and Mulla 2014 give the same surface by priority-flood; the tests compare with that).
"""

from __future__ import annotations

import numba
import numpy as np

from .errors import checked_grid
from .flow import checked_outlets, route


@numba.njit(cache=True, nogil=True)
def raise_to_level(z, labels, level):
    """float32 (n,): heights, raised to the level of their basins."""
    out = np.empty(z.size, np.float32)
    for k in range(z.size):
        out[k] = max(z[k], level[labels[k]])
    return out


def fill(heights: np.ndarray, outlets: np.ndarray | None = None) -> np.ndarray:
    """The lowest surface over `heights` on which no cell is enclosed by higher ones, 8 neighbors counting.

    heights: float32 or float64 (rows, cols), m, finite.   outlets: bool (rows, cols) (default: the border cells).
    Returns float32 (rows, cols); cells out of depressions keep their bits. Raises KernelInputError.
    """
    grid = checked_grid(heights)
    routing = route(grid, checked_outlets(outlets, grid.shape))
    return raise_to_level(grid.ravel(), routing.labels, routing.level).reshape(grid.shape)


def water_depth(heights: np.ndarray, outlets: np.ndarray | None = None) -> np.ndarray:
    """Depth of the water that depressions hold, float32 (rows, cols) m, 0 on dry ground. Raises KernelInputError."""
    grid = checked_grid(heights)  # float32, so that rounding is no water
    return fill(grid, outlets) - grid


def mean_depression_depth(heights: np.ndarray, outlets: np.ndarray | None = None) -> float:
    """MDD (Pixels2Peaks 7.3): mean over all cells, dry ones included, of `water_depth`, m. Raises KernelInputError."""
    return float(water_depth(heights, outlets).mean(dtype=np.float64))
