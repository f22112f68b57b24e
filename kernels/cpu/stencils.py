"""Derivatives from a cell's 3 x 3 neighborhood: loops over rows that compilers turn into vector instructions.

Heights may be float32 or float64; differences and everything after them are float64 in registers, one rounding at the end.
The formulas are those of kernels.neighborhood. Results go to rows first..last of `result`, float32 (rows, cols).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from kernels import neighborhood

_inline = numba.njit(cache=True, nogil=True, inline="always", error_model="numpy")
_arc = _inline(neighborhood.arc_tangent)
_horn = _inline(neighborhood.horn)
_unknown = _inline(neighborhood.unknown)
_rotation_invariant = _inline(neighborhood.rotation_invariant)
_downhill = _inline(neighborhood.downhill)
_laplacian = _inline(neighborhood.laplacian)
_curvature = _inline(neighborhood.curvature)
_TURN = np.float32(2.0 * math.pi)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def slope_rotation_invariant(z, dx, result, first, last):
    """Radians."""
    for r in range(first, last):
        north, middle, south, line = z[r - 1], z[r], z[r + 1], result[r]
        for k in range(1, z.shape[1] - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            line[k] = _arc(_rotation_invariant(a, b, c, d, f, g, h, i, dx), 1.0) + _unknown(a, b, c, d, e, f, g, h, i)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def slope_horn(z, dx, result, first, last):
    """Radians, Horn 1981."""
    for r in range(first, last):
        north, middle, south, line = z[r - 1], z[r], z[r + 1], result[r]
        for k in range(1, z.shape[1] - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            right, ahead = _horn(a, b, c, d, f, g, h, i)
            line[k] = _arc(math.sqrt(right * right + ahead * ahead), 8.0 * dx) + _unknown(a, b, c, d, e, f, g, h, i)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def aspect(z, dx, result, first, last):
    """Radians in [0, 2 pi) clockwise from +y, NaN on level ground."""
    for r in range(first, last):
        north, middle, south, line = z[r - 1], z[r], z[r + 1], result[r]
        for k in range(1, z.shape[1] - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            right, ahead = _horn(a, b, c, d, f, g, h, i)
            angle = np.float32(_downhill(right, ahead, _arc) + _unknown(a, b, c, d, e, f, g, h, i))
            line[k] = np.float32(0.0) if angle >= _TURN else angle


@numba.njit(cache=True, nogil=True, error_model="numpy")
def curvature(z, dx, kind, result, first, last):
    """1/m.   kind: 0 mean, 1 profile, 2 plan."""
    for r in range(first, last):
        north, middle, south, line = z[r - 1], z[r], z[r + 1], result[r]
        for k in range(1, z.shape[1] - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            line[k] = _curvature(a, b, c, d, e, f, g, h, i, dx, kind) + _unknown(a, b, c, d, e, f, g, h, i)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def laplacian(z, dx, result, first, last):
    """1/m, 5 points."""
    for r in range(first, last):
        north, middle, south, line = z[r - 1], z[r], z[r + 1], result[r]
        for k in range(1, z.shape[1] - 1):
            b, d, e = np.float64(north[k]), np.float64(middle[k - 1]), np.float64(middle[k])
            f, h = np.float64(middle[k + 1]), np.float64(south[k])
            line[k] = _laplacian(b, d, e, f, h, dx)
