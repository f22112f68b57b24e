"""Is a pointmap worth believing? Whatever made it, nonsense is refused with an explanation before it becomes terrain."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ..contract.errors import ImplausibleGeometry

LEAST_DEPTH_RATIO = 1.03
LARGEST_DEPTH_RATIO = 1e5
INVERTED_BELOW = -0.35
"""Rank correlation of height in the picture with distance below which the depth is upside down."""


def check_field_of_view(fov_x_rad: float) -> None:
    """Raises ImplausibleGeometry for a field of view, and so a focal length, that no camera has."""
    if not (math.isfinite(fov_x_rad) and math.radians(1.0) < fov_x_rad < math.radians(160.0)):
        shown = f"{math.degrees(fov_x_rad):.0f} degrees" if math.isfinite(fov_x_rad) else "no number"
        raise ImplausibleGeometry(f"The field of view came out as {shown}, which no lens has; set it by hand.")


def check_depth(depth: np.ndarray, mask: np.ndarray) -> None:
    """depth: (H, W) along the optical axis.   mask: bool (H, W), terrain.

    Raises ImplausibleGeometry: not finite, behind the camera, flat as a wall, endless, or far below and near above.
    """
    values = depth[mask]
    if values.size < 100:
        raise ImplausibleGeometry("Too few pixels of the terrain have a distance.")
    if not np.isfinite(values).all():
        raise ImplausibleGeometry("Some of the distances are no numbers; the picture cannot be measured.")
    if (values <= 0).any():
        raise ImplausibleGeometry("Some of the ground came out behind the camera; the picture cannot be measured.")
    near, far = np.percentile(values, [1, 99])
    if far / near < LEAST_DEPTH_RATIO:
        raise ImplausibleGeometry("All of the ground came out at one distance, like a picture of a picture.")
    if far / near > LARGEST_DEPTH_RATIO:
        raise ImplausibleGeometry("The distances differ more than in any view of land; the picture cannot be measured.")
    rows = np.nonzero(mask)[0]
    step = max(1, values.size // 20000)
    order = float(stats.spearmanr(-rows[::step], values[::step]).statistic)
    if math.isfinite(order) and order < INVERTED_BELOW:
        raise ImplausibleGeometry(
            "The distances came out upside down, the upper part of the picture nearer than the lower; is it turned?")
