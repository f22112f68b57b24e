"""Mean slope of a cloud of points seen from above, for the pitch search of P2P eq. 1."""

from __future__ import annotations

import numpy as np

CELLS_ACROSS = (128, 96, 64, 48, 32)
POINTS_PER_CELL = 4


def plan_heights(points: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean heights on a plan grid: (heights float64 with NaN, points a cell, spacing).

    points: (N, 3) terrain frame. `cells` across the longer side of the points' robust extent (1 to 99 %).
    """
    low, high = np.percentile(points[:, :2], [1, 99], axis=0)
    cell = max(float((high - low).max()), 1e-9) / cells
    key = np.floor((points[:, :2] - low) / cell).astype(np.int64)
    shape = np.maximum(np.ceil((high - low) / cell).astype(np.int64), 1)
    inside = ((key >= 0) & (key < shape)).all(axis=1)
    flat = key[inside, 1] * shape[0] + key[inside, 0]
    count = np.bincount(flat, minlength=int(shape.prod()))
    total = np.bincount(flat, points[inside, 2], minlength=int(shape.prod()))
    with np.errstate(invalid="ignore"):
        heights = np.where(count > 0, total / count, np.nan)
    return heights.reshape(shape[1], shape[0]), count.reshape(shape[1], shape[0]), cell


def cells_for(points: np.ndarray) -> int:
    """The finest plan grid on which the typical occupied cell holds several points, so that noise averages out."""
    for cells in CELLS_ACROSS:
        count = plan_heights(points, cells)[1]
        if np.median(count[count > 0]) >= POINTS_PER_CELL:
            return cells
    return CELLS_ACROSS[-1]


def mean_slope(points: np.ndarray, cells: int) -> float:
    """Mean slope in radians over the occupied cells, each counted once, from the length of the gradient.

    The gradient's length does not depend on the direction of the axes. Along each axis it is the central difference, or
    the one-sided one where a neighbor is empty; cells without a neighbor on an axis do not count. NaN for no cell.
    """
    heights, _, cell = plan_heights(points, cells)
    padded = np.pad(heights, 1, constant_values=np.nan)
    parts = []
    for before, after in ((padded[:-2, 1:-1], padded[2:, 1:-1]), (padded[1:-1, :-2], padded[1:-1, 2:])):
        both, back, ahead = (after - before) / (2 * cell), (heights - before) / cell, (after - heights) / cell
        parts.append(np.where(np.isnan(both), np.where(np.isnan(back), ahead, back), both))
    slope = np.arctan(np.hypot(*parts))
    counts = np.isfinite(slope)
    return float(slope[counts].mean()) if counts.any() else float("nan")
