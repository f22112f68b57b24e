"""Elevation of a heightmap's own horizon in one direction."""

from __future__ import annotations

import importlib
from typing import Any

from .arrays import Device, choose, like, on_gpu
from .errors import checked_number, checked_positive
from .parallel_lines import checked_terrain
from .workspace import Workspace


def horizon_angle(
    heights: Any,
    dx_m: float,
    azimuth_rad: float,
    *,
    nodata: Any = None,
    device: Device = "auto",
    workspace: Workspace | None = None,
) -> Any:
    """How high the terrain's horizon stands from each cell: float32 (rows, cols), radians above the level.

    heights: (rows, cols), meters, row 0 toward +y; NumPy, PyTorch or CuPy, and the result is of the same kind.
    dx_m: cell size, meters.   azimuth_rad: where one looks, clockwise from +y.   nodata: bool (rows, cols), True where
    heights say nothing (NaN allowed): hides nothing, and is NaN in the result.
    Seen from the cell's own height, so it may be negative; -pi/2 where nothing lies that way within the grid. The elevation
    below which the sun casts a shadow on the cell: `cast_shadow(...) == (horizon_angle(...) > elevation)` but for rounding.
    O(n log n). Raises KernelInputError when heights, mask, spacing or azimuth cannot be used.
    Source: Timonen & Westerholm 2010, "Scalable height field self-shadowing" (a convex hull a line, for any azimuth);
    between two
    lines the root of their mean dark height, as in `cast_shadow`, by Newton's method.
    """
    dx_m, azimuth = checked_positive(dx_m, "dx_m"), checked_number(azimuth_rad, "azimuth_rad")
    where = choose(device, heights)
    ground = heights
    if where == "cpu" or not on_gpu(heights):
        ground, nodata = checked_terrain(heights, nodata)
    scratch = Workspace() if workspace is None and where == "cpu" else workspace
    module = importlib.import_module(f".{where}.horizon", __package__)
    return like(module.horizon_angle(ground, dx_m, azimuth, nodata, scratch), heights)
