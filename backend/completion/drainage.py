"""Draining hidden ground around seen ground: breaching that prefers hidden ways out, and valley sides."""

from __future__ import annotations

import numpy as np

from kernels.breach import breach

EPSILON_M = 1e-3
"""Least drop per cell along a breached path."""

_NEIGHBORS = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]


def drain(heights: np.ndarray, seen: np.ndarray, lift: float, epsilon: float = EPSILON_M) -> np.ndarray:
    """Breach (P2P algorithm 1) without touching seen cells. Float32, nowhere higher.

    A pit beside seen ground often overflows across it, where nothing may be cut; raising seen cells to infinity, as
    algorithm 3 does, sends every hidden brook along a gorge of its own beside the seen valley. So a pass that would cut
    seen ground counts as `lift` higher: a hidden way out is taken unless it is higher still.
    heights: float32 (rows, cols), finite.   seen: bool.   What remains undrained is enclosed by seen cells.
    """
    return breach(heights.astype(np.float32), epsilon_m=epsilon, fixed=seen, fixed_penalty_m=lift)


def drain_with_banks(
    heights: np.ndarray, seen: np.ndarray, lift: float, rise: float, epsilon: float = EPSILON_M, reach: int = 24
) -> np.ndarray:
    """`drain`, then widen what was cut: depth falls by `rise` per cell away from the cut. Drained again. Float32.

    Depths spread, not heights: a hillside beside a cut is lowered with it, and natural cliffs are not eaten.
    """
    drained = drain(heights, seen, lift, epsilon)
    depth = heights - drained
    spread = -talus(np.where((depth > 2.0 * epsilon) & ~seen, -depth, np.inf), rise, reach)
    banked = np.where(seen, heights, np.minimum(drained, heights - np.maximum(spread, 0.0)))
    return drain(banked.astype(np.float32), seen, 0.0, epsilon)


def talus(floors: np.ndarray, rise: float, reach: int = 48) -> np.ndarray:
    """The highest surface that leaves `floors` with no more than `rise` per cell, up to `reach` cells away.

    floors: +inf where nothing is given. The minimum over all floors of height plus rise times (octile) distance.
    """
    surface = floors.astype(np.float64)
    for _ in range(reach):
        padded = np.pad(surface, 1, constant_values=np.inf)
        rows, cols = surface.shape
        lower = surface
        for r, c in _NEIGHBORS:
            step = rise * float(np.hypot(r, c))
            lower = np.minimum(lower, padded[1 + r : 1 + r + rows, 1 + c : 1 + c + cols] + step)
        if np.array_equal(lower, surface):
            break
        surface = lower
    return surface
