"""Crops of real terrain for the terrain network: random place, spacing, orientation and steepness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..networks.terrain import condition, relief_scale
from .elevation_data import ElevationFile, read_elevation

CROP = 256
"""Side of a crop in cells."""
COARSER = (1, 2, 3, 4)
"""Factors by which a file is averaged, so that its region occurs at several spacings."""
COARSEST_M = 200.0
"""Spacings beyond this are not made."""
LEAST_SLOPE = 0.015
"""Crops with less RMS slope over four cells are the sea or a lake and are not used."""


@dataclass(frozen=True)
class Source:
    """One region at one spacing. `scale_m`: relief scale of the whole region; `weight`: how often it is drawn."""

    heights: np.ndarray
    dx_m: float
    scale_m: float
    weight: float
    name: str


def load_sources(files: Iterable[ElevationFile]) -> list[Source]:
    """Read files at their own and coarser spacings. Small grids are mirrored up to one crop, tiny ones left out."""
    sources = []
    for file in files:
        heights = read_elevation(file)
        for factor in COARSER:
            coarse, dx = average(heights, factor), file.dx_m * factor
            if min(coarse.shape) < 0.75 * CROP or dx > COARSEST_M:
                break
            pad = [(0, max(0, CROP - side)) for side in coarse.shape]
            coarse = np.pad(coarse, pad, mode="reflect")
            # Pictures mostly make grids of 2 to 60 m: fine spacings count more, and large files less than their area.
            weight = (coarse.size / CROP**2) ** 0.5 * min(2.0, 60.0 / dx)
            sources.append(Source(coarse, dx, relief_scale(coarse, dx), weight, file.path.stem))
    return sources


def average(heights: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor x factor cells; NaN where one of them is."""
    rows, cols = (n // factor for n in heights.shape)
    trimmed = heights[: rows * factor, : cols * factor]
    return trimmed.reshape(rows, factor, cols, factor).mean((1, 3)).astype(np.float32)


class CropStream:
    """Endless seeded batches: heights (B, 1, 256, 256) in relief scales, mean 0, and conditions (B, 2), float32."""

    def __init__(self, sources: list[Source], rng: np.random.Generator):
        self.sources, self.rng = sources, rng
        weights = np.array([s.weight for s in sources])
        self.odds = weights / weights.sum()

    def reseed(self, seed: list[int]) -> None:
        """Go on with other draws."""
        self.rng = np.random.default_rng(seed)

    def batch(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `size` crops."""
        drawn = [self._one() for _ in range(size)]
        return np.stack([d[0] for d in drawn])[:, None], np.array([d[1] for d in drawn], np.float32)

    def _one(self) -> tuple[np.ndarray, tuple[float, float]]:
        rng = self.rng
        while True:
            source = self.sources[rng.choice(len(self.sources), p=self.odds)]
            r, c = (int(rng.integers(0, n - CROP + 1)) for n in source.heights.shape)
            crop = source.heights[r : r + CROP, c : c + CROP]
            if not np.isfinite(crop).all():
                continue
            if float(np.ptp(crop)) < LEAST_SLOPE * 32 * source.dx_m:
                continue
            own = relief_scale(crop, source.dx_m)
            # The unit at inference comes from the visible part of a whole terrain, so a tile can be calmer or wilder.
            share = rng.uniform()
            unit = float(np.exp(share * np.log(own) + (1 - share) * np.log(source.scale_m) + rng.normal(0.0, 0.15)))
            if unit > 8.0 * own or own > 4.0 * unit:
                continue
            steeper = float(np.exp(rng.uniform(np.log(0.7), np.log(1.5))))
            told = condition(unit * steeper, source.dx_m * float(2.0 ** rng.normal(0.0, 0.3)))
            crop = np.rot90(crop, int(rng.integers(4)))
            if rng.uniform() < 0.5:
                crop = crop[:, ::-1]
            return ((crop - crop.mean()) / unit).astype(np.float32), told
