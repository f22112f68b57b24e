# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Arithmetic that kernels and CPU loops share to the last bit: floats as ordered integers, products that are not contracted.

Running maxima and minima over a warp work on integers of the same order as the floats; an integer has no NaN, and atomic
minima exist for it. A GPU's compiler joins a product and a sum into one rounding; `product` keeps them apart, so that
results are those of the CPU.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from kernels.arrays import simulated

NOTHING = -(2**31)
"""Below every float's integer: no value, the neutral element of a maximum."""
LEAST = -(2**31) + 0x7FFFFF
"""The integer of -inf."""
INFINITE = 0x7F800000
"""The integer of +inf, the neutral element of a minimum."""


@cuda.jit(device=True)
def ordered(value):
    """int32 of a float32, in the same order. Not for NaN; both zeros are one."""
    bits = np.float32(value + np.float32(0.0)).view(np.int32)
    return bits if bits >= 0 else np.int32(bits ^ np.int32(0x7FFFFFFF))


@cuda.jit(device=True)
def unordered(bits):
    """The float32 of `ordered`."""
    return np.int32(bits if bits >= 0 else bits ^ np.int32(0x7FFFFFFF)).view(np.float32)


if simulated():

    def product(a, b):
        """a * b in float64, rounded before anything is added to it."""
        return a * b

    def product32(a, b):
        """a * b in float32, rounded before anything is added to it."""
        return np.float32(a * b)

else:
    from numba.cuda import libdevice

    @cuda.jit(device=True)
    def product(a, b):
        """a * b in float64, rounded before anything is added to it."""
        return libdevice.dmul_rn(a, b)

    @cuda.jit(device=True)
    def product32(a, b):
        """a * b in float32, rounded before anything is added to it."""
        return libdevice.fmul_rn(a, b)


@cuda.jit(device=True)
def distance(x, y):
    """The length of (x, y) as the CPU rounds it."""
    return math.sqrt(product(x, x) + product(y, y))
