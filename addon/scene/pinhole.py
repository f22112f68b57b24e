"""A camera as numbers: what a picture point sees, and where a point of the terrain lands. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH_PX = 1000.0
"""Pictures are told in pixels of a picture this wide, whatever their size."""


@dataclass(frozen=True)
class Pinhole:
    """Square pixels, centered principal point.

    eye_m: (3,) where it stands.   axes: (3, 3), its right, down and forward as rows.   focal: focal length over the
    picture's width.   aspect: the picture's height over its width.   All in the frame of the terrain.
    """

    eye_m: np.ndarray
    axes: np.ndarray
    focal: float
    aspect: float

    @property
    def focal_px(self) -> float:
        """Focal length in pixels of a picture WIDTH_PX wide."""
        return self.focal * WIDTH_PX

    @property
    def height_px(self) -> float:
        """Height of a picture WIDTH_PX wide."""
        return self.aspect * WIDTH_PX

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, 3) points to pixels right and down, (N,) each, and meters along the optical axis; NaN behind the camera."""
        right, down, depth = self.axes @ (points - self.eye_m).T
        ahead = np.where(depth > 0, depth, np.nan)
        u = 0.5 * WIDTH_PX + self.focal_px * right / ahead
        v = 0.5 * self.height_px + self.focal_px * down / ahead
        return u, v, depth

    def directions(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(N, 3): what the pixels (u, v) look along, not normalized."""
        right = (u - 0.5 * WIDTH_PX) / self.focal_px
        down = (v - 0.5 * self.height_px) / self.focal_px
        return np.stack([right, down, np.ones_like(right)], axis=-1) @ self.axes

    def tangents(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(N,): rise over horizontal run of what the pixels look along."""
        x, y, z = self.directions(u, v).T
        return z / np.maximum(np.hypot(x, y), 1e-9)

    def fan(self) -> tuple[float, float] | None:
        """Least and greatest x / y of all that it sees, to tenths outward; None when it does not look along +y."""
        edge = np.linspace(0.0, 1.0, 9)
        zero, one = np.zeros_like(edge), np.ones_like(edge)
        u = np.concatenate([edge, edge, zero, one]) * WIDTH_PX
        v = np.concatenate([zero, one, edge, edge]) * self.height_px
        x, y, _ = self.directions(u, v).T
        ahead = y > SIDEWAYS * np.abs(x)
        if self.axes[2, 1] <= 0 or not ahead.any():
            return None
        slopes = np.where(ahead, x / np.where(ahead, y, 1.0), np.sign(x) / SIDEWAYS)
        low, high = np.floor(10 * slopes.min()) / 10, np.ceil(10 * slopes.max()) / 10
        return (float(low), float(high)) if high > low else None


SIDEWAYS = 0.18
"""cos / sin of 80 degrees: farther to the side nothing is looked for."""
