"""What lies on the ground where no photograph does: rock, scree, grass, and how well snow would hold.

From the shape alone: rock where it is steep or juts out, scree in hollows below rock at the angle of repose, grass on the
rest. The shader roughens the borders with noise; these are the broad strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

ROCK_TANGENT = (0.62, 1.02)
"""Slope (its tangent) at which rock begins to show through, and at which nothing else holds: 32 and 46 degrees."""

SCREE_TANGENT = (0.36, 0.52, 0.80, 1.0)
"""Loose stones lie between 20 and 45 degrees, best at 27 to 39, the angle of repose of broken rock."""

SNOW_TANGENT = (0.65, 1.35)
"""Snow holds in full up to 33 degrees and slides off from 53 degrees on."""

ALPINE_M = (700.0, 1500.0)
"""Relief from which on the upper parts are taken for alpine, with more rock; in full from the second."""


@dataclass(frozen=True)
class GroundClasses:
    """float32 (rows, cols) each, 0..1. rock + scree is at most 1; grass has the rest.   snow_hold: how well snow lies."""

    rock: np.ndarray
    scree: np.ndarray
    snow_hold: np.ndarray


def ground_classes(heights: np.ndarray, dx_m: float) -> GroundClasses:
    """Classes of a terrain. heights: float32 (rows, cols), meters."""
    low, high = np.percentile(heights, (2, 99.5))
    level = np.clip((heights - low) / max(high - low, 1e-3), 0.0, 1.0)
    alpine = float(_rise(np.asarray(high - low), *ALPINE_M))
    slope = _slope(ndimage.gaussian_filter(heights, 0.7), dx_m)
    hollow = np.clip(_hollow(heights, dx_m, 2.0) + _hollow(heights, dx_m, 6.0), -1.0, 1.0)
    rock = _rise(slope + 0.30 * alpine * (level - 0.3) - 0.25 * hollow, *ROCK_TANGENT)
    below_rock = _rise(ndimage.gaussian_filter(rock, 5.0), 0.08, 0.45)
    lies = _rise(slope, *SCREE_TANGENT[:2]) * (1.0 - _rise(slope, *SCREE_TANGENT[2:]))
    scree = below_rock * lies * np.clip(0.75 + 0.9 * hollow, 0.0, 1.0) * (1.0 - rock)
    snow_hold = np.clip((1.0 - _rise(slope, *SNOW_TANGENT)) * (0.75 + 0.5 * hollow), 0.0, 1.0)
    return GroundClasses(*(layer.astype(np.float32) for layer in (rock, scree, snow_hold)))


def _slope(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """Tangent of the slope."""
    fall_y, fall_x = np.gradient(heights, dx_m)
    return np.hypot(fall_x, fall_y)


def _hollow(heights: np.ndarray, dx_m: float, sigma_cells: float) -> np.ndarray:
    """How far the ground lies below its surroundings, as a share of their width; positive in hollows."""
    return 2.5 * (ndimage.gaussian_filter(heights, sigma_cells) - heights) / (sigma_cells * dx_m)


def _rise(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
