"""Valleys and ridges for the procedural start: heights that rivers in balance with uplift would leave.

Where erosion k A^m S^n balances uplift, slope follows drainage area: S = S_0 A^-0.45 (Flint's law; Howard 1994).
Heights are the sum of slopes along the way down. The network of rivers is found by repeating: route on the heights,
rebuild them. Where ground is seen it stays, and the difference is spread into hidden ground by a membrane.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.breach import breach
from kernels.flow import flow_accumulation, flow_receivers

CONCAVITY = 0.45
HILLSLOPE_CELLS = 3.0
"""Drainage area, in cells, below which slope no longer grows: hillslopes."""
ROUNDS = 6
"""Rebuildings of the heights; the river network hardly changes after four."""
EPSILON_M = 1e-3


def carve(
    heights: np.ndarray,
    seen: np.ndarray,
    cell_m: float,
    slope: float,
    relief_m: float,
    spread: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Replace hidden ground by a landscape of rivers that follows the large forms of `heights`.

    heights: (rows, cols) m, everywhere.   seen: bool, cells that stay.   cell_m: spacing.   slope: wanted RMS slope.
    relief_m: largest relief.   spread: continues values given on seen cells into hidden ones, same shape.
    """
    outlets = border_lows(heights)
    z = heights.astype(np.float64)
    for _ in range(ROUNDS):
        drained = breach(z.astype(np.float32), epsilon_m=EPSILON_M, outlets=outlets)
        receivers = flow_receivers(drained, outlets=outlets)
        distance = stream_lengths(receivers)
        area = flow_accumulation(drained, receivers=receivers).astype(np.float64)
        shape = np.minimum(1.0, (area / HILLSLOPE_CELLS) ** -CONCAVITY)
        steepness = slope / float(np.sqrt(np.mean(shape**2)))
        rivers = climb(receivers.ravel(), (steepness * shape * distance * cell_m).ravel()).reshape(z.shape)
        rivers *= min(1.0, relief_m / max(float(np.ptp(rivers)), 1e-6))
        z = np.where(seen, heights, rivers + spread(heights - rivers))
    return z


def border_lows(heights: np.ndarray) -> np.ndarray:
    """Bool, True at the local minima along the border: where rivers leave."""
    rows, cols = heights.shape
    ring = [(0, c) for c in range(cols)] + [(r, cols - 1) for r in range(1, rows)]
    ring += [(rows - 1, c) for c in range(cols - 2, -1, -1)] + [(r, 0) for r in range(rows - 2, 0, -1)]
    index = np.array(ring)
    around = heights[index[:, 0], index[:, 1]]
    reach = max(2, min(rows, cols) // 12)
    lowest = np.min([np.roll(around, shift) for shift in range(-reach, reach + 1)], axis=0)
    outlets = np.zeros(heights.shape, bool)
    chosen = index[around <= lowest]
    outlets[chosen[:, 0], chosen[:, 1]] = True
    return outlets


def stream_lengths(receivers: np.ndarray) -> np.ndarray:
    """Distance from each cell to its receiver in cells: 1, sqrt 2 on the diagonal, 0 at outlets. (rows, cols) each."""
    cols = receivers.shape[1]
    steps = np.abs(receivers - np.arange(receivers.size, dtype=receivers.dtype).reshape(receivers.shape))
    return np.where(steps == 0, 0.0, np.where((steps == 1) | (steps == cols), 1.0, np.sqrt(2.0)))


def climb(receivers: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum of `steps` along the way from each cell to its root, by pointer jumping."""
    total, ahead = np.where(receivers == np.arange(receivers.size), 0.0, steps), receivers
    for _ in range(int(np.ceil(np.log2(receivers.size))) + 1):
        total, ahead = total + np.where(ahead == np.arange(ahead.size), 0.0, total[ahead]), ahead[ahead]
    return total
