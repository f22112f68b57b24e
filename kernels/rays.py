"""Rays from a camera over the cells of a grid, in integers: the same cells on every device, and any of them without a walk.

Plain functions without decorators, compiled for the CPU and for CUDA alike. A ray steps along the axis that it runs along
the most. Its position on the other axis at the k-th boundary between two steps is the integer `position + k * slope`, so
that a step asks for nothing that another step has computed. No sum of products is formed in floating point: compilers
contract those into one rounding on a GPU, and positions would differ.
"""

from __future__ import annotations

import math

import numpy as np

FRACTION_BITS = 32
ONE_CELL = 2.0**FRACTION_BITS
FARTHEST_CELLS = 2.0**29
"""Cameras farther from the grid than this many cells leave the integers' range."""


def exit_direction(k, rows, cols, x, y):
    """Columns and rows (ux, uy) from a camera at column x, row y to the k-th of 4 (rows + cols) points on the border.

    Points are two a border cell, at its quarters, clockwise from the left end of row 0. (0, 0) where a ray would enter there.
    """
    left, top, right, bottom = -0.5, -0.5, cols - 0.5, rows - 0.5
    if k < 2 * cols:
        return (left + 0.25 + 0.5 * k - x, top - y) if y > top else (0.0, 0.0)
    k -= 2 * cols
    if k < 2 * rows:
        return (right - x, top + 0.25 + 0.5 * k - y) if x < right else (0.0, 0.0)
    k -= 2 * rows
    if k < 2 * cols:
        return (right - 0.25 - 0.5 * k - x, bottom - y) if y < bottom else (0.0, 0.0)
    k -= 2 * cols
    return (left - x, bottom - 0.25 - 0.5 * k - y) if x > left else (0.0, 0.0)


def ray(x, y, ux, uy, rows, cols):
    """How a ray from column x, row y toward (ux, uy) crosses the grid: eight integers

    (steps, base, along, across, width, start, position, slope)

    With p(k) = position + k * slope, step k = 0 .. steps - 1 passes, in this order, the cells `base + k * along + i * across`
    of the flattened grid for i = max(p(k), start) >> 32 and, where it is larger, i = (p(k + 1) - 1) >> 32, which is then one
    more. Only 0 <= i < width lie in the grid; the others are left out. A ray through a corner touches no third cell.
    """
    by_rows = abs(uy) >= abs(ux)
    if by_rows:
        length, width, major, minor, u_major, u_minor = rows, cols, y, x, uy, ux
    else:
        length, width, major, minor, u_major, u_minor = cols, rows, x, y, ux, uy
    if u_major == 0.0:
        return 0, 0, 0, 0, width, 0, 0, 0
    # (neither min nor max of two numbers: Numba's do not compile for CUDA)
    # mirrored, so that the ray runs toward larger numbers on both axes; in cells from the grid's corner
    backward, sideways = u_major < 0.0, u_minor < 0.0
    major = (length - 0.5 - major) if backward else major + 0.5
    minor = (width - 0.5 - minor) if sideways else minor + 0.5
    steep = abs(u_minor / u_major)
    first, last = 0.0, float(length - 1)
    if major > 0.0:
        first = float(math.floor(major))
    if minor < 0.0:
        enters = major - minor / steep if steep > 0.0 else math.inf
        enters = math.floor(enters) - 1.0 if enters < length else float(length)
        first = enters if enters > first else first
    if steep > 0.0:
        leaves = major + (width - minor) / steep
        if leaves < length:
            leaves = math.floor(leaves) + 1.0 if leaves > 0.0 else 0.0
            last = leaves if leaves < last else last
    if minor > width or first > last:
        return 0, 0, 0, 0, width, 0, 0, 0
    # each product becomes an integer before anything is added to it (math.floor gives a float on CUDA)
    start = np.int64(math.floor(minor * 4294967296.0))
    position = start + np.int64(math.floor(steep * (first - major) * 4294967296.0))
    slope = np.int64(math.floor(steep * 4294967296.0))
    origin = int(length - 1 - first) if backward else int(first)
    side = width - 1 if sideways else 0
    if by_rows:
        return (int(last - first) + 1, origin * cols + side, -cols if backward else cols, -1 if sideways else 1, width, start,
                position, slope)
    return (int(last - first) + 1, side * cols + origin, -1 if backward else 1, -cols if sideways else cols, width, start,
            position, slope)
