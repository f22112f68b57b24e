"""Loops of cast shadows: lines of light swept away from the sun.

Every line carries the height up to which the air behind the terrain is dark. A cell's own height is compared with the dark
height between its two lines before its step is merged into them, else everything would shadow itself. Heights are kept
relative to the falling light (h + k * drop), so that nothing is subtracted along the way and every term is rounded once.
Columns are read and written through blocks of a few steps, turned while they lie in the cache.
"""

from __future__ import annotations

import math
from functools import partial

import numba
import numpy as np

from ..parallel_lines import parallel_lines
from .strips import ABSENT, strips_of_lines, without_ground
from .threads import run
from .turning import as_words, turn_flags_back, turn_floats

_NOTHING = np.float32(-1e38)
_BLOCK = 64
_STRIPS = 2048
_PADDING = 40
"""Turned blocks stay in the second cache, and their rows are no power of two apart."""


@numba.njit(cache=True, nogil=True)
def _step(ground, start, lanes, dark, first, last, offset, left, right, light, masked, shadow):
    """One step for strips [first, last): cells against `dark` (lines first .. last), then the ground into the lines.

    ground, shadow: the lanes from `start` on.
    """
    low, high = max(0, first - offset), min(lanes, last - offset)
    if high > low:
        heights, dim = ground[low - start : high - start], shadow[low - start : high - start]
        before, after = dark[low + offset - first :], dark[low + offset - first + 1 :]
        for i in range(high - low):
            dim[i] = heights[i] + light < left * before[i] + right * after[i]
    # line `offset + c + 1` lies between cells c and c + 1; the outermost lines take the border's own height
    low, high = max(0, first - 1 - offset), min(lanes - 1, last - offset)
    if high > low:
        one, other = ground[low - start :], ground[low - start + 1 :]
        line = dark[low + offset + 1 - first :]
        if masked and right > 0.0:
            for i in range(high - low):
                a, b = one[i], other[i]
                height = right * a + left * b
                height = b if a < ABSENT else height
                height = (a if b < ABSENT else height) + light
                line[i] = height if height > line[i] else line[i]
        else:
            for i in range(high - low):
                height = right * one[i] + left * other[i] + light
                line[i] = height if height > line[i] else line[i]
    if first <= offset <= last and lanes > 0 and start == 0:
        dark[offset - first] = max(dark[offset - first], ground[0] + light)
    if right > 0.0 and first <= offset + lanes <= last:
        dark[offset + lanes - first] = max(dark[offset + lanes - first], ground[lanes - 1 - start] + light)


@numba.njit(cache=True, nogil=True)
def sweep_rows(heights, backward, offsets, left, right, drop, masked, shadow, first, last):
    """Shadow of strips [first, last) where steps are rows."""
    rows, cols = heights.shape
    dark = np.full(last - first + 1, _NOTHING, np.float32)
    for k in range(rows):
        row = rows - 1 - k if backward else k
        _step(heights[row], 0, cols, dark, first, last, offsets[k], left[k], right[k], np.float32(k * drop), masked, shadow[row])


@numba.njit(cache=True, nogil=True)
def sweep_columns(heights, backward, offsets, left, right, drop, masked, shadow, words, first, last):
    """Shadow of strips [first, last) where steps are columns. words: `as_words` of shadow."""
    for strip in range(first, last, _STRIPS):
        _sweep_columns(heights, backward, offsets, left, right, drop, masked, shadow, words, strip,
                       min(strip + _STRIPS, last))


@numba.njit(cache=True, nogil=True)
def _sweep_columns(heights, backward, offsets, left, right, drop, masked, shadow, words, first, last):
    rows, cols = heights.shape
    dark = np.full(last - first + 1, _NOTHING, np.float32)
    widest = (min(rows, last - first + _BLOCK + 2) + _PADDING) // 8 * 8
    ground, dim = np.empty((_BLOCK, widest), np.float32), np.empty((_BLOCK, widest), np.bool_)
    lows, highs = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    for k in range(0, cols, _BLOCK):
        count = min(_BLOCK, cols - k)
        most, least = max(offsets[k], offsets[k + count - 1]), min(offsets[k], offsets[k + count - 1])
        start, stop = max(0, first - 1 - most), min(rows, last + 1 - least)
        if stop <= start:
            continue
        col = cols - k - count if backward else k
        turn_floats(heights, start, col, stop - start, count, ground)
        for i in range(count):
            place, step = (count - 1 - i if backward else i), k + i
            _step(ground[place], start, rows, dark, first, last, offsets[step], left[step], right[step],
                  np.float32(step * drop), masked, dim[place])
            lows[place] = min(max(start, first - offsets[step]), stop)
            highs[place] = min(max(start, last - offsets[step]), stop)
        # rows that belong to these strips in all columns of the block, then the slanted ends
        low, high = lows[:count].max(), highs[:count].min()
        if low < high:
            turn_flags_back(dim, low - start, high - start, start, col, count, shadow, words)
        else:
            low = high = stop
        for i in range(count):
            for row in range(lows[i], min(low, highs[i])):
                shadow[row, col + i] = dim[i, row - start]
            for row in range(max(high, lows[i]), highs[i]):
                shadow[row, col + i] = dim[i, row - start]


def cast_shadow(heights, dx, azimuth, elevation, nodata, workspace):
    """bool (rows, cols); checked arguments of the public face."""
    rows, cols = heights.shape
    lines = parallel_lines(azimuth)
    if nodata is not None:
        heights = without_ground(heights, nodata, workspace)
    steps, lanes = (cols, rows) if lines.by_columns else (rows, cols)
    offsets, left, right, parts = strips_of_lines(steps, lanes, lines.shift)
    shadow = np.empty((rows, cols), np.bool_)
    drop = math.tan(elevation) * dx * lines.length
    walk = (lines.backward, offsets, left, right, drop, nodata is not None, shadow)
    if lines.by_columns:
        sweep = partial(sweep_columns, heights, *walk, as_words(shadow))
    else:
        sweep = partial(sweep_rows, heights, *walk)
    run([partial(sweep, *part) for part in parts])
    if nodata is not None:
        shadow[nodata] = False
    return shadow
