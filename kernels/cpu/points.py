"""Points into the cells that they lie in: the highest of every cell and how many there are.

Height and count of a cell share a 64-bit word, the sortable height above the count, so that a point touches one place in
memory. Points are dealt out to strips of the grid first, so that those places stay in the cache; each strip belongs to one
thread at a time, and nothing is sorted.
"""

from __future__ import annotations

import numba
import numpy as np

STRIP_BITS = 16
"""Cells of a strip, as a power of two: its words fill half a megabyte."""
_BLOCK = 1024
"""Points taken apart together, so that the arithmetic runs over plain arrays."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def place(points, dx, origin_x, origin_y, rows, cols, first, last, cells, tally):
    """Flat cell of points first..last, int32, -1 beyond the grid or not finite, and how many lie in every strip.

    points: float32 (n, 3), meters.   tally: int64 (strips,), counted from what it holds.
    """
    x, y, z = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    wide, tall = np.float64(cols), np.float64(rows)
    for start in range(first, last, _BLOCK):
        n = min(_BLOCK, last - start)
        for k in range(n):
            point = points[start + k]
            x[k], y[k], z[k] = point[0], point[1], point[2]
        found = cells[start : start + n]
        for k in range(n):
            col = np.floor((x[k] - origin_x) / dx + 0.5)
            row = np.floor((origin_y - y[k]) / dx + 0.5)
            inside = (col >= 0.0) & (col < wide) & (row >= 0.0) & (row < tall) & (z[k] * 0.0 == 0.0)
            found[k] = np.int32(row * wide + col if inside else -1.0)
    for k in range(first, last):
        cell = cells[k]
        if cell >= 0:
            tally[cell >> STRIP_BITS] += 1


@numba.njit(cache=True, nogil=True)
def deal(points, cells, first, last, places, dealt):
    """Points first..last to their strips: cell and height bits together, from `places` (int64 (strips,), moved on) in `dealt`."""
    bits = points.view(np.int32)
    for k in range(first, last):
        cell = cells[k]
        if cell >= 0:
            strip = cell >> STRIP_BITS
            dealt[places[strip]] = (np.int64(cell) << 32) | (np.int64(bits[k, 2]) & 0xFFFFFFFF)
            places[strip] += 1


@numba.njit(cache=True, nogil=True)
def gather(dealt, start, stop, first, words, heights, counts):
    """One strip of the result, from its points dealt[start:stop]: heights float32 (cells,), NaN for none, and counts int32.

    first: its first cell.   words: int64, at least as many as cells, scratch.
    """
    empty = np.int64(-(2**31)) << 32
    words = words[: len(heights)]
    words[:] = empty
    for k in range(start, stop):
        cell = (dealt[k] >> 32) - first
        raw = np.int32(dealt[k])
        raw = np.int32(0) if raw == np.int32(-(2**31)) else raw  # minus zero is zero
        order = raw ^ ((raw >> 31) & np.int32(0x7FFFFFFF))
        word = words[cell]
        point = np.int64(order) << 32
        height = max(word & ~np.int64(0xFFFFFFFF), point)
        words[cell] = height | ((word + 1) & 0xFFFFFFFF)
    floats = heights.view(np.int32)
    nan = np.int32(0x7FC00000)
    for k in range(len(words)):
        word = words[k]
        order = np.int32(word >> 32)
        counts[k] = np.int32(word)
        floats[k] = order ^ ((order >> 31) & np.int32(0x7FFFFFFF)) if word != empty else nan
