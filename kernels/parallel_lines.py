"""Parallel lines over a grid toward an azimuth: the frame in which shadows and horizons are swept.

The grid is turned in thought so that the azimuth lies beyond its step 0: steps are rows or columns, whichever the lines run
across the most, and lanes are the other axis. From step to step a line moves `shift` lanes, at most one; at step k all lines
lie at one fraction between two lanes, so that inner loops run over neighboring memory.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import on_host
from .errors import HIGHEST_M, KernelInputError, checked_mask, checked_shape

_ASKEW = 1e-9
"""Below it lines run along rows or columns: sin(pi) is not 0."""


@dataclass(frozen=True)
class ParallelLines:
    """by_columns: steps are columns.   backward: step 0 is the last row or column.
    shift: lanes by which a line moves a step away from the azimuth, in [-1, 1].   length: cells walked along a line a step."""

    by_columns: bool
    backward: bool
    shift: float
    length: float


def parallel_lines(azimuth_rad: float) -> ParallelLines:
    """The lines toward an azimuth, clockwise from +y (row 0)."""
    right, away = math.sin(azimuth_rad), math.cos(azimuth_rad)
    by_columns = abs(right) > abs(away)
    along, sideways = (abs(right), -away) if by_columns else (abs(away), right)
    shift = -sideways / along if abs(sideways) > _ASKEW else 0.0
    return ParallelLines(by_columns, right > 0 if by_columns else away < 0, shift, 1.0 / along)


def checked_terrain(heights: Any, nodata: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """C-contiguous float32 (rows, cols) on the host, finite but where `nodata`, and that mask. Raises KernelInputError."""
    grid = checked_shape(on_host(heights))
    mask = None if nodata is None else checked_mask(on_host(nodata, "mask `nodata`"), grid.shape, "nodata")
    finite = importlib.import_module(".cpu.finite", __package__)
    if not finite.all_within(grid, HIGHEST_M, None if mask is None else ~mask):
        where = "" if mask is None else " where `nodata` is False"
        raise KernelInputError(f"The heights contain NaN, infinity or values beyond {HIGHEST_M:.0e} m{where}; "
                               "mask those cells with `nodata`.")
    return grid, mask
