"""Valleys and ridges for the procedural start: heights that rivers in balance with uplift would leave.

Where erosion k A^m S^n balances uplift, slope follows drainage area: S = S_0 A^-0.45 (Flint's law; Howard 1994).
Heights are the sum of slopes along the way down. The network of rivers is found by repeating: route on the heights,
rebuild them. Where ground is seen it stays, and the difference is spread into hidden ground by a membrane.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.breach import breach

CONCAVITY = 0.45
HILLSLOPE_CELLS = 3.0
"""Drainage area, in cells, below which slope no longer grows: hillslopes."""
ROUNDS = 6
"""Rebuildings of the heights; the river network hardly changes after four."""
EPSILON_M = 1e-3

_NEIGHBORS = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]


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
        receivers, distance = steepest(drained, outlets)
        area = accumulate(receivers)
        shape = np.minimum(1.0, (area / HILLSLOPE_CELLS) ** -CONCAVITY)
        steepness = slope / float(np.sqrt(np.mean(shape**2)))
        rivers = climb(receivers, steepness * shape * distance * cell_m).reshape(z.shape)
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


def steepest(drained: np.ndarray, outlets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat index of the neighbor down the steepest way, and its distance in cells; outlets point to themselves."""
    rows, cols = drained.shape
    padded = np.pad(drained.astype(np.float64), 1, constant_values=np.inf)
    best = np.zeros(drained.shape)
    receivers = np.arange(rows * cols).reshape(rows, cols)
    own, distance = receivers.copy(), np.zeros(drained.shape)
    for r, c in _NEIGHBORS:
        far = float(np.hypot(r, c))
        drop = (drained - padded[1 + r : 1 + r + rows, 1 + c : 1 + c + cols]) / far
        better = (drop > best) & ~outlets
        best = np.where(better, drop, best)
        receivers = np.where(better, own + r * cols + c, receivers)
        distance = np.where(better, far, distance)
    return receivers.ravel(), distance.ravel()


def accumulate(receivers: np.ndarray) -> np.ndarray:
    """Number of cells that drain through each cell, itself included."""
    depth = climb(receivers, (receivers != np.arange(receivers.size)).astype(np.float64)).astype(np.int64)
    order = np.argsort(-depth, kind="stable")
    ends = np.flatnonzero(np.diff(depth[order])) + 1
    area = np.ones(receivers.size)
    for cells in np.split(order, ends)[:-1]:  # the last ones are roots
        np.add.at(area, receivers[cells], area[cells])
    return area


def climb(receivers: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum of `steps` along the way from each cell to its root, by pointer jumping."""
    total, ahead = np.where(receivers == np.arange(receivers.size), 0.0, steps), receivers
    for _ in range(int(np.ceil(np.log2(receivers.size))) + 1):
        total, ahead = total + np.where(ahead == np.arange(ahead.size), 0.0, total[ahead]), ahead[ahead]
    return total
