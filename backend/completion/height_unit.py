"""Meters and the network's height unit, measured on seen ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..networks.terrain import MIN_SCALE_SLOPE, condition, relief_scale
from ..networks.terrain_unet import BLOCK
from ..scene import VisibleTerrain

ENOUGH = 32
"""Fewer pairs than this say nothing about how steep the ground is."""
CELL_TO_BLOCK = 0.8
"""RMS slope over four cells as a share of that over one, in real terrain."""
USUAL_SLOPE = 0.3
"""Where too little is seen to measure anything."""


@dataclass(frozen=True)
class HeightUnit:
    """Heights in meters to relief scales and back, and what the network is told."""

    offset_m: float
    scale_m: float
    dx_m: float

    @classmethod
    def of(cls, heights: np.ndarray, visible: VisibleTerrain) -> HeightUnit:
        """Mean of `heights` (rows, cols) m and scale of the seen ground."""
        return cls(float(heights.mean(dtype=np.float64)), seen_scale(visible), visible.grid.dx_m)

    @property
    def conditions(self) -> tuple[float, float]:
        """The network's two conditions."""
        return condition(self.scale_m, self.dx_m)

    def reduce(self, heights: np.ndarray) -> np.ndarray:
        """Meters to relief scales, float32; infinities stay."""
        return ((heights - self.offset_m) / self.scale_m).astype(np.float32)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Relief scales to meters, float32."""
        return (values.astype(np.float64) * self.scale_m + self.offset_m).astype(np.float32)


def seen_scale(visible: VisibleTerrain) -> float:
    """Relief scale in m of the seen ground without silhouettes: from blocks wholly seen, else pairs of cells."""
    known, dx = visible.mask & ~visible.silhouette, visible.grid.dx_m
    rows, cols = (n // BLOCK * BLOCK for n in known.shape)
    whole = known[:rows, :cols].reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK).all((1, 3))
    if (whole[1:] & whole[:-1]).sum() + (whole[:, 1:] & whole[:, :-1]).sum() >= ENOUGH:
        return relief_scale(visible.heights, dx, known)
    ground = np.where(known, visible.heights, np.nan).astype(np.float64)
    steps = np.concatenate([np.diff(ground, axis=a).ravel() for a in (0, 1)])
    steps = steps[np.isfinite(steps)]
    slope = CELL_TO_BLOCK * float(np.sqrt(np.mean(steps**2))) / dx if steps.size >= ENOUGH else USUAL_SLOPE
    return BLOCK * BLOCK * dx * max(slope, MIN_SCALE_SLOPE)
