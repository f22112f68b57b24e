"""Cast shadows of a heightmap: parallel lines of light swept away from the sun.

Every line carries the height up to which the air behind the terrain is dark. At row k all lines lie at the same fraction
between two columns, so the inner loop runs over contiguous memory. A cell lies between two lines; its own height is
compared with the dark height between them before the row is merged into the lines, else everything would shadow itself.
Heights are kept relative to the falling light (h + k * drop), so that nothing is subtracted along the way.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from .errors import KernelInputError

_TILE = 32
_ASKEW = 1e-9  # below it lines run along columns; sin(pi) is not 0


@numba.njit(cache=True)
def _transposed(grid):
    """Contiguous transpose of a (rows, cols) array by tiles that stay in the cache."""
    rows, cols = grid.shape
    result = np.empty((cols, rows), grid.dtype)
    for i in range(0, rows, _TILE):
        for j in range(0, cols, _TILE):
            for c in range(j, min(j + _TILE, cols)):
                for r in range(i, min(i + _TILE, rows)):
                    result[c, r] = grid[r, c]
    return result


@numba.njit(cache=True)
def _sweep(heights, shift, drop):
    """bool (rows, cols): shadow with the sun beyond row 0; lines move `shift` columns and fall `drop` meters a row."""
    rows, cols = heights.shape
    shadow = np.zeros((rows, cols), np.bool_)
    reach = math.ceil(abs(shift) * (rows - 1)) + 2
    dark = np.full(cols + 2 * reach + 2, -np.inf)
    for k in range(rows):
        # line j lies at column (j - reach) + k * shift: cell c lies between lines `first + c` and `first + c + 1`
        whole = math.floor(-k * shift)
        fraction = -k * shift - whole
        first = reach + whole
        light = k * drop
        if fraction == 0.0:
            for c in range(cols):
                shadow[k, c] = heights[k, c] + light < dark[first + c]
        else:
            for c in range(cols):
                edge = (1.0 - fraction) * dark[first + c] + fraction * dark[first + c + 1]
                shadow[k, c] = heights[k, c] + light < edge
        # line first + c + 1 lies between cells c and c + 1; the outermost lines take the border's own height
        dark[first] = max(dark[first], heights[k, 0] + light)
        for c in range(cols - 1):
            ground = fraction * heights[k, c] + (1.0 - fraction) * heights[k, c + 1] + light
            dark[first + c + 1] = max(dark[first + c + 1], ground)
        if fraction > 0.0:
            dark[first + cols] = max(dark[first + cols], heights[k, cols - 1] + light)
    return shadow


def cast_shadow(heights: np.ndarray, dx_m: float, sun_azimuth_rad: float, sun_elevation_rad: float) -> np.ndarray:
    """Which cells other terrain keeps from the sun: bool (rows, cols), True in shadow.

    heights: (rows, cols), meters, row 0 toward +y.   dx_m: cell size, meters.
    sun_azimuth_rad: where the sun stands, clockwise from +y.   sun_elevation_rad: above the horizon, (0, pi/2].
    Ground that falls away from the sun more steeply than the light is in shadow. What lies beyond the grid casts nothing.
    Raises KernelInputError when the sun is at or below the horizon, or heights or spacing cannot be used.
    Source: line sweep with linear interpolation between two lines, compared with a bilinear ray march in the tests.
    """
    grid = np.asarray(heights, np.float32)
    if grid.ndim != 2 or grid.size == 0:
        raise KernelInputError(f"heights have shape {grid.shape}; expected (rows, cols)")
    if not np.isfinite(grid).all():
        raise KernelInputError("heights hold NaN or infinity; a shadow needs the whole terrain")
    if not (math.isfinite(dx_m) and dx_m > 0):
        raise KernelInputError(f"dx_m is {dx_m}; a cell size in meters is positive")
    if not (math.isfinite(sun_azimuth_rad) and 0 < sun_elevation_rad <= math.pi / 2 + 1e-9):
        raise KernelInputError(f"a sun at elevation {sun_elevation_rad} rad casts no light; it must be above the horizon")
    right, away = math.sin(sun_azimuth_rad), math.cos(sun_azimuth_rad)
    by_columns = abs(right) > abs(away)
    # turn the grid so that the sun stands beyond row 0
    turned = _transposed(np.ascontiguousarray(grid)) if by_columns else grid
    flipped = right > 0 if by_columns else away < 0
    turned = np.ascontiguousarray(turned[::-1] if flipped else turned)
    along = abs(right) if by_columns else abs(away)
    sideways = -away if by_columns else right  # toward the sun, in columns of the turned grid
    shift = -sideways / along if abs(sideways) > _ASKEW else 0.0
    shadow = _sweep(turned, shift, math.tan(min(sun_elevation_rad, math.pi / 2 - 1e-6)) * dx_m / along)
    shadow = shadow[::-1] if flipped else shadow
    return _transposed(np.ascontiguousarray(shadow)) if by_columns else np.ascontiguousarray(shadow)
