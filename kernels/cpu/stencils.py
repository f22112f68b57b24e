"""Derivatives from a cell's 3 x 3 neighborhood: branch-free loops over rows that compilers turn into vector instructions.

Heights may be float32 or float64; differences and everything after them are float64 in registers, one rounding at the end.
Neighbors: a b c above, d e f, g h i below. A cell's own value times zero is added for every neighbor, so that infinity and
NaN anywhere in the neighborhood make NaN without a branch.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_PI_2 = 0.5 * math.pi
_PI_4 = 0.25 * math.pi
_TAN_PI_8 = math.tan(math.pi / 8)


@numba.njit(cache=True, nogil=True, inline="always")
def _arc_tangent(numerator, denominator):
    """atan(numerator / denominator) for numbers that are not negative, within 2e-16 of a radian; no branches.

    Source: the rational approximation of Moshier's Cephes library, with its two reductions in one division.
    """
    swapped = numerator > denominator
    low = denominator if swapped else numerator
    high = numerator if swapped else denominator
    beyond = low > _TAN_PI_8 * high
    over = low - high if beyond else low
    under = low + high if beyond else high
    under = under if under > 0.0 else 1.0
    t = over / under
    s = t * t
    p = (((-8.750608600031904122785e-1 * s - 1.615753718733365076637e1) * s - 7.500855792314704667340e1) * s
         - 1.228866684490136173410e2) * s - 6.485021904942025371773e1
    q = ((((s + 2.485846490142306297962e1) * s + 1.650270098316988542046e2) * s + 4.328810604912902668951e2) * s
         + 4.853903996359136964868e2) * s + 1.945506571482613964425e2
    angle = t + t * s * (p / q)
    angle = angle + _PI_4 if beyond else angle
    return _PI_2 - angle if swapped else angle


@numba.njit(cache=True, nogil=True, error_model="numpy")
def slope_rotation_invariant(z, dx, result, first, last):
    """Rows first..last of `result` (rows, cols) float32: radians, from axes and diagonals in the mix that does not turn."""
    cols = z.shape[1]
    axes = 2.0 / (3.0 * 4.0 * dx * dx)
    diagonals = 1.0 / (3.0 * 8.0 * dx * dx)
    for r in range(first, last):
        north, south = z[r - 1], z[r + 1]
        middle = z[r]
        line = result[r]
        for k in range(1, cols - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            unknown = ((a + b + c) + (d + e + f) + (g + h + i)) * 0.0
            squared = ((f - d) * (f - d) + (b - h) * (b - h)) * axes + ((c - g) * (c - g) + (a - i) * (a - i)) * diagonals
            line[k] = _arc_tangent(math.sqrt(squared), 1.0) + unknown


@numba.njit(cache=True, nogil=True, error_model="numpy")
def slope_horn(z, dx, result, first, last):
    """Rows first..last of `result` (rows, cols) float32: radians, Horn 1981."""
    cols = z.shape[1]
    scale = 1.0 / (8.0 * dx)
    for r in range(first, last):
        north, south = z[r - 1], z[r + 1]
        middle = z[r]
        line = result[r]
        for k in range(1, cols - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            unknown = ((a + b + c) + (d + e + f) + (g + h + i)) * 0.0
            zx = ((c + 2.0 * f + i) - (a + 2.0 * d + g)) * scale
            zy = ((a + 2.0 * b + c) - (g + 2.0 * h + i)) * scale
            line[k] = _arc_tangent(math.sqrt(zx * zx + zy * zy), 1.0) + unknown


@numba.njit(cache=True, nogil=True, error_model="numpy")
def aspect(z, dx, result, first, last):
    """Rows first..last of `result` (rows, cols) float32: radians in [0, 2 pi) clockwise from +y, NaN on level ground."""
    cols = z.shape[1]
    for r in range(first, last):
        north, south = z[r - 1], z[r + 1]
        middle = z[r]
        line = result[r]
        for k in range(1, cols - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            unknown = ((a + b + c) + (d + e + f) + (g + h + i)) * 0.0
            right = (a + 2.0 * d + g) - (c + 2.0 * f + i)  # the way down
            ahead = (g + 2.0 * h + i) - (a + 2.0 * b + c)
            from_ahead = _arc_tangent(abs(right), abs(ahead))
            from_ahead = math.pi - from_ahead if ahead < 0.0 else from_ahead
            turned = 2.0 * math.pi - from_ahead if right < 0.0 else from_ahead
            level = (right == 0.0) & (ahead == 0.0)
            rounded = np.float32((np.nan if level else turned) + unknown)
            line[k] = rounded if not rounded >= np.float32(2.0 * math.pi) else np.float32(0.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def laplacian(z, dx, result, first, last):
    """Rows first..last of `result` (rows, cols) float32: 1/m, 5 points."""
    cols = z.shape[1]
    scale = 1.0 / (dx * dx)
    for r in range(first, last):
        north, south = z[r - 1], z[r + 1]
        middle = z[r]
        line = result[r]
        for k in range(1, cols - 1):
            e = np.float64(middle[k])
            b, h = np.float64(north[k]), np.float64(south[k])
            d, f = np.float64(middle[k - 1]), np.float64(middle[k + 1])
            line[k] = ((b - e) + (h - e) + (d - e) + (f - e)) * scale + (b + h + d + e + f) * 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def curvature(z, dx, kind, result, first, last):
    """Rows first..last of `result` (rows, cols) float32: 1/m.   kind: 0 mean, 1 profile, 2 plan."""
    cols = z.shape[1]
    one, two, four = 1.0 / (2.0 * dx), 1.0 / (dx * dx), 1.0 / (4.0 * dx * dx)
    for r in range(first, last):
        north, south = z[r - 1], z[r + 1]
        middle = z[r]
        line = result[r]
        for k in range(1, cols - 1):
            a, b, c = np.float64(north[k - 1]), np.float64(north[k]), np.float64(north[k + 1])
            d, e, f = np.float64(middle[k - 1]), np.float64(middle[k]), np.float64(middle[k + 1])
            g, h, i = np.float64(south[k - 1]), np.float64(south[k]), np.float64(south[k + 1])
            unknown = ((a + b + c) + (d + e + f) + (g + h + i)) * 0.0
            zx = (f - d) * one
            zy = (b - h) * one
            zxx = ((f - e) + (d - e)) * two
            zyy = ((b - e) + (h - e)) * two
            zxy = ((c - a) + (g - i)) * four
            p = zx * zx + zy * zy
            steep = 1.0 + p
            cubed = steep * math.sqrt(steep)
            if kind == 0:
                over = (1.0 + zy * zy) * zxx - 2.0 * zx * zy * zxy + (1.0 + zx * zx) * zyy
                under = 2.0 * cubed
            elif kind == 1:
                over = zx * zx * zxx + 2.0 * zx * zy * zxy + zy * zy * zyy
                under = p * cubed
            else:
                over = zy * zy * zxx - 2.0 * zx * zy * zxy + zx * zx * zyy
                under = p * math.sqrt(p)
            line[k] = over / under + unknown
