"""Raising cells to the level of their basins: one gather, once the passes between basins are known."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def magnitudes(first, last, bits):
    """Largest bits of the magnitudes of the float32 heights in these rows; 0x7F800000 and more is infinity and NaN."""
    top = np.int32(0)
    for r in range(first, last):
        row = bits[r]
        for c in range(row.size):
            size = row[c] & np.int32(0x7FFFFFFF)
            top = size if size > top else top
    return top


@numba.njit(cache=True, nogil=True)
def raise_rows(first, last, z, labels, level, stride, filled, depth, totals):
    """Rows of filled heights and of the water's depth (each may be (0, 0): not wanted); totals[r]: sum of the depths, m."""
    cols = z.shape[1]
    with_filled, with_depth = filled.size > 0, depth.size > 0
    for r in range(first, last):
        base = (r + 1) * stride + 1
        total = np.float64(0.0)
        for c in range(cols):
            h, top = z[np.uintp(r), np.uintp(c)], level[np.uint32(labels[np.uintp(base + c)])]
            under = top > h
            if with_filled:
                filled[np.uintp(r), np.uintp(c)] = top if under else h
            water = top - h if under else np.float32(0)
            total += np.float64(water)
            if with_depth:
                depth[np.uintp(r), np.uintp(c)] = water
        totals[r] = total


@numba.njit(cache=True, nogil=True)
def count_marked(first, last, labels, marked, stride):
    """Cells of these rows whose basin is marked."""
    count = 0
    for cell in range((first + 1) * stride, (last + 1) * stride):
        count += marked[labels[cell]]
    return count
