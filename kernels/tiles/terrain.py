"""Heights to read tile by tile, with what says where they count and where water leaves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import HIGHEST_M, KernelInputError
from .storage import Source, padded
from .tiling import Bounds, Tiling, checked_tiling

NONE = np.zeros((0, 0), np.bool_)


class Terrain:
    """A source of heights with what says where they count and where water leaves. See `kernels.tiles` for the arguments."""

    def __init__(self, source: Any, tile: Any, outlets: Any, nodata: Any) -> None:
        self.heights = Source(source, "heights")
        if self.heights.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise KernelInputError(f"The heights must be float32 or float64, not {self.heights.dtype}.")
        self.tiling: Tiling = checked_tiling(self.heights.shape, tile)
        self.outlets = None if isinstance(outlets, str) and outlets == "border" else mask_source(outlets, "outlets", self.tiling)
        self.nodata_value: float | None = None
        self.nodata: Source | None = None
        if isinstance(nodata, int | float | np.number) and not isinstance(nodata, bool | np.bool_):
            self.nodata_value = float(nodata)
        elif nodata is not None:
            self.nodata = mask_source(nodata, "nodata", self.tiling)

    def read(self, bounds: Bounds) -> np.ndarray:
        """float32 tile with one cell around it; NaN where there is no ground. Raises KernelInputError for bad heights."""
        raw = padded(self.heights, bounds, np.nan)
        missing = None
        if self.nodata is not None:
            missing = padded(self.nodata, bounds, True)
        elif self.nodata_value is not None:
            missing = np.isnan(raw) if math.isnan(self.nodata_value) else raw == self.nodata_value
        with np.errstate(over="ignore"):
            z = raw.astype(np.float32, copy=False)
        if missing is not None:
            z[missing] = np.nan
        inside = z[1:-1, 1:-1]
        gaps = np.isnan(inside)
        wrong = gaps.any() if missing is None else (gaps & ~missing[1:-1, 1:-1]).any()
        if wrong:
            raise KernelInputError("The heights contain NaN; fill those cells first or name them by `nodata`.")
        if (np.abs(inside) > HIGHEST_M).any():  # NaN compares false
            raise KernelInputError(f"The heights contain values beyond {HIGHEST_M:.0e} m.")
        return z

    def restore(self, bounds: Bounds, values: np.ndarray) -> np.ndarray:
        """Put the heights of cells without data, NaN in `values` (float32 tile), back as they came, in place."""
        gaps = np.isnan(values)
        if gaps.any():
            with np.errstate(over="ignore"):
                values[gaps] = self.heights.read(bounds)[gaps]
        return values

    def outlets_of(self, bounds: Bounds) -> np.ndarray:
        """bool tile, or an empty one for the default."""
        return NONE if self.outlets is None else self.outlets.read(bounds)


def mask_source(mask: Any, name: str, tiles: Tiling) -> Source:
    """A bool grid of the terrain's shape. Raises KernelInputError."""
    source = Source(mask, f"mask `{name}`")
    if source.dtype != np.bool_:
        raise KernelInputError(f"The mask `{name}` must be bool, not {source.dtype}.")
    if source.shape != tiles.shape:
        raise KernelInputError(f"The mask `{name}` has shape {source.shape}, the terrain {tiles.shape}.")
    return source
