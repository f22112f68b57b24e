"""Derivatives at the middle of nine heights, one definition for the CPU and for CUDA: plain functions without branches.

    a b c
    d e f    row 0 toward +y, heights float64 in meters, dx the cell size in meters
    g h i

What is not known is infinite or NaN. All nine times zero are added, so that one of them makes NaN of the result.
"""

from __future__ import annotations

import math

_PI_2 = 0.5 * math.pi
_PI_4 = 0.25 * math.pi
_TAN_PI_8 = math.tan(math.pi / 8)
_NAN = math.nan


def arc_tangent(numerator, denominator):
    """atan(numerator / denominator) of two numbers that are not negative, within 3e-16 rad; 0 where both are 0.

    Source: the rational approximation of Moshier's Cephes library, its reductions in one division.
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
    p = -8.750608600031904122785e-1
    p = p * s - 1.615753718733365076637e1
    p = p * s - 7.500855792314704667340e1
    p = p * s - 1.228866684490136173410e2
    p = p * s - 6.485021904942025371773e1
    q = s + 2.485846490142306297962e1
    q = q * s + 1.650270098316988542046e2
    q = q * s + 4.328810604912902668951e2
    q = q * s + 4.853903996359136964868e2
    q = q * s + 1.945506571482613964425e2
    angle = t + t * s * (p / q)
    angle = angle + _PI_4 if beyond else angle
    return _PI_2 - angle if swapped else angle


def horn(a, b, c, d, f, g, h, i):
    """8 dx times the gradient to the right and ahead: Horn 1981."""
    return (c + 2.0 * f + i) - (a + 2.0 * d + g), (a + 2.0 * b + c) - (g + 2.0 * h + i)


def unknown(a, b, c, d, e, f, g, h, i):
    """Zero, or NaN if one of nine is not known."""
    return ((a + b + c) + (d + e + f) + (g + h + i)) * 0.0


def rotation_invariant(a, b, c, d, f, g, h, i, dx):
    """The slope's tangent from axes and diagonals in the mix that does not depend on the direction of a wave."""
    axes = ((f - d) * (f - d) + (b - h) * (b - h)) * (2.0 / (12.0 * dx * dx))
    diagonals = ((c - g) * (c - g) + (a - i) * (a - i)) * (1.0 / (24.0 * dx * dx))
    return math.sqrt(axes + diagonals)


def downhill(right, ahead, arc):
    """Direction in which ground of that gradient falls, radians in [0, 2 pi) clockwise from +y. arc: `arc_tangent`, compiled."""
    angle = arc(abs(right), abs(ahead))
    angle = math.pi - angle if ahead > 0.0 else angle
    angle = 2.0 * math.pi - angle if right > 0.0 else angle
    return _NAN if (right == 0.0) & (ahead == 0.0) else angle


def laplacian(b, d, e, f, h, dx):
    """Sum of second derivatives, 1/m."""
    return ((b - e) + (h - e) + (d - e) + (f - e)) * (1.0 / (dx * dx)) + (b + d + e + f + h) * 0.0


def curvature(a, b, c, d, e, f, g, h, i, dx, kind):
    """1/m, positive in hollows.   kind: 0 mean, 1 profile, 2 plan; the last two are NaN on level ground."""
    zx = (f - d) * (1.0 / (2.0 * dx))
    zy = (b - h) * (1.0 / (2.0 * dx))
    zxx = ((f - e) + (d - e)) * (1.0 / (dx * dx))
    zyy = ((b - e) + (h - e)) * (1.0 / (dx * dx))
    zxy = ((c - a) + (g - i)) * (1.0 / (4.0 * dx * dx))
    p = zx * zx + zy * zy
    steep = 1.0 + p
    cubed = steep * math.sqrt(steep)
    mixed = 2.0 * zx * zy * zxy
    if kind == 0:
        over = (1.0 + zy * zy) * zxx - mixed + (1.0 + zx * zx) * zyy
        under = 2.0 * cubed
    elif kind == 1:
        over = zx * zx * zxx + mixed + zy * zy * zyy
        under = p * cubed
    else:
        over = zy * zy * zxx - mixed + zx * zx * zyy
        under = p * math.sqrt(p)
    return over / under
