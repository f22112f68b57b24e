"""Heights in fixed point, for sums of drops that are exact and do not depend on the order of the work."""

from __future__ import annotations

import math

import numpy as np

from .errors import KernelInputError

UNIT_M = 2.0**-14
LOWEST = -(2**31) + 1


def fixed_point(top_m: float, epsilon_m: float) -> tuple[float, int]:
    """The unit in meters (2^-14 below 65 km) and a drop of at least epsilon_m in units.

    top_m: the largest magnitude of the heights. The drop is a multiple of the step of float32 there, so that the promise
    survives the way back to float32; an epsilon below that step is rounded up to it. Raises KernelInputError where it is too large.
    """
    unit = UNIT_M
    while top_m / unit > 2**30:
        unit *= 2.0
    step = max(1, round(float(np.spacing(np.float32(top_m))) / unit)) if top_m > 0 else 1
    drop = math.ceil(epsilon_m / unit) + 1  # one more for the rounding of heights to units
    drop = -(-drop // step) * step
    if drop >= 2**30:
        raise KernelInputError(f"epsilon_m = {epsilon_m:g} is too large for these heights.")
    return unit, drop
