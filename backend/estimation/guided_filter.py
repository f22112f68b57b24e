"""Fit a coarse map to the edges of a color picture (guided filter, He, Sun and Tang 2013; here with color guidance)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Mean over (2 radius + 1)^2 pixels, edges repeated. values: (H, W)."""
    return ndimage.uniform_filter(values, 2 * radius + 1, mode="nearest")


class GuidedFilter:
    """Filters maps along one picture; what depends on the picture alone is computed once.

    guide: float32 (H, W, 3), 0..1.   radius: pixels.   epsilon: variance of color below which a patch counts as flat.
    """

    def __init__(self, guide: np.ndarray, radius: int, epsilon: float):
        self.guide = np.moveaxis(guide.astype(np.float32), 2, 0)
        self.radius = radius
        mean = [box_mean(channel, radius) for channel in self.guide]
        cov = {(a, b): box_mean(self.guide[a] * self.guide[b], radius) - mean[a] * mean[b]
               for a in range(3) for b in range(a, 3)}
        xx, yy, zz = (cov[k, k] + np.float32(epsilon) for k in range(3))
        xy, xz, yz = cov[0, 1], cov[0, 2], cov[1, 2]
        self.mean = mean
        self.adjugate = (yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy,
                         xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy)
        self.determinant = xx * self.adjugate[0] + xy * self.adjugate[1] + xz * self.adjugate[2]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """float32 (H, W): `values` smoothed within surfaces of one color and not over their edges."""
        v = values.astype(np.float32)
        mean_v = box_mean(v, self.radius)
        cx, cy, cz = (box_mean(self.guide[k] * v, self.radius) - self.mean[k] * mean_v for k in range(3))
        a, b, c, d, e, f = self.adjugate
        slopes = ((a * cx + b * cy + c * cz) / self.determinant, (b * cx + d * cy + e * cz) / self.determinant,
                  (c * cx + e * cy + f * cz) / self.determinant)
        offset = mean_v - sum(s * m for s, m in zip(slopes, self.mean, strict=True))
        out = box_mean(offset, self.radius)
        for slope, channel in zip(slopes, self.guide, strict=True):
            out += box_mean(slope, self.radius) * channel
        return out
