"""Slope, aspect and curvature of heightmaps.

Cells whose stencil leaves the grid, the mask or the known heights are NaN: a derivative that was guessed would mix with
those measured. Frame: row 0 toward +y, column 0 toward -x; heights and spacing in meters.
"""

from __future__ import annotations

import math
from typing import Literal

import numba
import numpy as np

from .errors import KernelInputError

SlopeMethod = Literal["rotation_invariant", "horn"]
CurvatureKind = Literal["mean", "profile", "plan"]
_METHODS = {"rotation_invariant": 0, "horn": 1}
_KINDS = {"mean": 0, "profile": 1, "plan": 2}


@numba.njit(cache=True, parallel=True)
def _slope(z, dx, method):
    """Radians. a b c / d e f / g h i are the rows of a cell's neighborhood."""
    rows, cols = z.shape
    result = np.full((rows, cols), np.float32(np.nan), np.float32)
    for r in numba.prange(1, rows - 1):
        for k in range(1, cols - 1):
            if math.isnan(z[r, k]):
                continue
            a, b, c = z[r - 1, k - 1], z[r - 1, k], z[r - 1, k + 1]
            d, f = z[r, k - 1], z[r, k + 1]
            g, h, i = z[r + 1, k - 1], z[r + 1, k], z[r + 1, k + 1]
            if method == 0:
                axes = ((f - d) ** 2 + (b - h) ** 2) / (4.0 * dx * dx)
                diagonals = ((c - g) ** 2 + (a - i) ** 2) / (8.0 * dx * dx)
                squared = (2.0 * axes + diagonals) / 3.0
            else:
                east = ((c + 2.0 * f + i) - (a + 2.0 * d + g)) / (8.0 * dx)
                north = ((a + 2.0 * b + c) - (g + 2.0 * h + i)) / (8.0 * dx)
                squared = east * east + north * north
            result[r, k] = math.atan(math.sqrt(squared))
    return result


@numba.njit(cache=True, parallel=True)
def _aspect(z, dx):
    rows, cols = z.shape
    result = np.full((rows, cols), np.float32(np.nan), np.float32)
    for r in numba.prange(1, rows - 1):
        for k in range(1, cols - 1):
            a, b, c = z[r - 1, k - 1], z[r - 1, k], z[r - 1, k + 1]
            d, f = z[r, k - 1], z[r, k + 1]
            g, h, i = z[r + 1, k - 1], z[r + 1, k], z[r + 1, k + 1]
            east = (c + 2.0 * f + i) - (a + 2.0 * d + g)
            north = (a + 2.0 * b + c) - (g + 2.0 * h + i)
            if not math.isnan(z[r, k]) and (east != 0.0 or north != 0.0):
                result[r, k] = math.atan2(-east, -north) % (2.0 * math.pi)
    return result


@numba.njit(cache=True, parallel=True)
def _laplacian(z, dx):
    rows, cols = z.shape
    result = np.full((rows, cols), np.float32(np.nan), np.float32)
    for r in numba.prange(1, rows - 1):
        for k in range(1, cols - 1):
            result[r, k] = ((z[r - 1, k] - z[r, k]) + (z[r + 1, k] - z[r, k])
                            + (z[r, k - 1] - z[r, k]) + (z[r, k + 1] - z[r, k])) / (dx * dx)
    return result


@numba.njit(cache=True, parallel=True)
def _curvature(z, dx, kind):
    rows, cols = z.shape
    result = np.full((rows, cols), np.float32(np.nan), np.float32)
    for r in numba.prange(1, rows - 1):
        for k in range(1, cols - 1):
            zx = (z[r, k + 1] - z[r, k - 1]) / (2.0 * dx)
            zy = (z[r - 1, k] - z[r + 1, k]) / (2.0 * dx)
            zxx = (z[r, k + 1] - 2.0 * z[r, k] + z[r, k - 1]) / (dx * dx)
            zyy = (z[r - 1, k] - 2.0 * z[r, k] + z[r + 1, k]) / (dx * dx)
            zxy = (z[r - 1, k + 1] - z[r - 1, k - 1] - z[r + 1, k + 1] + z[r + 1, k - 1]) / (4.0 * dx * dx)
            p = zx * zx + zy * zy
            if kind == 0:
                value = ((1.0 + zy * zy) * zxx - 2.0 * zx * zy * zxy + (1.0 + zx * zx) * zyy) / (2.0 * (1.0 + p) ** 1.5)
            elif p == 0.0:
                value = np.nan
            elif kind == 1:
                value = (zx * zx * zxx + 2.0 * zx * zy * zxy + zy * zy * zyy) / (p * (1.0 + p) ** 1.5)
            else:
                value = (zy * zy * zxx - 2.0 * zx * zy * zxy + zx * zx * zyy) / p ** 1.5
            result[r, k] = value
    return result


def _known(heights: np.ndarray, dx_m: float, mask: np.ndarray | None) -> np.ndarray:
    """float64 (rows, cols), NaN where not known. Differences of float32 heights are then exact enough to square."""
    grid = np.array(heights, np.float64)
    if grid.ndim != 2 or grid.size == 0:
        raise KernelInputError(f"heights have shape {grid.shape}; expected (rows, cols)")
    if not (math.isfinite(dx_m) and dx_m > 0):
        raise KernelInputError(f"dx_m is {dx_m}; a cell size in meters is positive")
    grid[~np.isfinite(grid)] = np.nan
    if mask is not None:
        valid = np.asarray(mask, bool)
        if valid.shape != grid.shape:
            raise KernelInputError(f"mask has shape {valid.shape}, heights {grid.shape}")
        grid[~valid] = np.nan
    return grid


def slope(heights: np.ndarray, dx_m: float, method: SlopeMethod = "rotation_invariant",
          mask: np.ndarray | None = None) -> np.ndarray:
    """Angle of steepest descent: float32 (rows, cols), radians in [0, pi/2).

    heights: (rows, cols), meters.   dx_m: cell size, meters.   mask: bool (rows, cols), False = not known.
    NaN where one of the 3 x 3 cells is not known, and along the grid's border.
    method: "rotation_invariant", the squared gradient as 2/3 of that of the axes' central differences and 1/3 of that of
    the diagonals'. A wave of wavenumber k in direction t loses k^4 h^2/3 (cos^4 t + sin^4 t) on the axes and
    k^4 h^2/3 (1 + 4 sin^2 t cos^2 t) on the diagonals; in this mix the direction cancels: k^4 h^2/3 whatever the t.
    "horn": Horn 1981, as in GDAL and most geographic software.
    Raises KernelInputError for another method, a mask of another shape, or a cell size that is not positive.
    """
    if method not in _METHODS:
        raise KernelInputError(f"no slope method {method!r}; there are {', '.join(_METHODS)}")
    return _slope(_known(heights, dx_m, mask), float(dx_m), _METHODS[method])


def aspect(heights: np.ndarray, dx_m: float, mask: np.ndarray | None = None) -> np.ndarray:
    """Direction in which the ground falls: float32 (rows, cols), radians in [0, 2 pi), clockwise from +y.

    Arguments, NaN and errors as for `slope`; NaN on level ground too. Source: Horn 1981.
    """
    return _aspect(_known(heights, dx_m, mask), float(dx_m))


def laplacian(heights: np.ndarray, dx_m: float, mask: np.ndarray | None = None) -> np.ndarray:
    """Sum of second derivatives, 5 points: float32 (rows, cols), 1/m, positive in hollows.

    Arguments and errors as for `slope`; NaN where the cell or one of its 4 neighbors is not known, and along the border.
    """
    return _laplacian(_known(heights, dx_m, mask), float(dx_m))


def curvature(heights: np.ndarray, dx_m: float, kind: CurvatureKind = "mean", mask: np.ndarray | None = None) -> np.ndarray:
    """Curvature of the surface: float32 (rows, cols), 1/m, positive in hollows.

    kind: "mean" of the surface's principal curvatures; "profile", of the vertical cut along the slope; "plan", of the
    contour. The last two are NaN on level ground. Other arguments, NaN and errors as for `slope`.
    Source: Zevenbergen and Thorne 1987 for the derivatives; Krcho 1973 and Evans 1980 for the curvatures.
    """
    if kind not in _KINDS:
        raise KernelInputError(f"no curvature {kind!r}; there are {', '.join(_KINDS)}")
    return _curvature(_known(heights, dx_m, mask), float(dx_m), _KINDS[kind])
