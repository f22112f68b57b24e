"""Loops of horizon angles: an upper convex hull a line, grown step by step away from the azimuth.

The horizon of a cell is the elevation of the sun at which the cast shadow's edge lies on it: there the dark height between
its two lines is its own height. Light of one slope touches one corner of a hull; the steepness of a hull's edges falls from
corner to corner, so that bisection finds it. A corner that a new point hides from all that follow is dropped for good.
"""

from __future__ import annotations

from functools import partial

import numba
import numpy as np

from ..parallel_lines import parallel_lines
from .strips import ABSENT, strips_of_lines, without_ground
from .threads import run

_BUNDLE = 64


@numba.njit(cache=True, nogil=True)
def _touched(steps, heights, count, tangent):
    """The corner that light falling by `tangent` a step touches; count > 0. The farther one of two."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if heights[middle] - heights[middle - 1] > -tangent * (steps[middle] - steps[middle - 1]):
            low = middle
        else:
            high = middle - 1
    return low


@numba.njit(cache=True, nogil=True)
def _tangent(steps, heights, counts, i, left, right, step, height):
    """At which tangent a step the light between lines i and i + 1 just touches a cell; -inf where one has no ground.

    The dark height between the lines is convex in the tangent and falls, so that Newton's steps rise to the one they seek.
    """
    if counts[i] == 0 or (right > 0.0 and counts[i + 1] == 0):
        return -np.inf
    one, other = max(counts[i] - 1, 0), max(counts[i + 1] - 1, 0)
    while True:
        rise, away = left * (heights[i, one] - height), left * (step - steps[i, one])
        if right > 0.0:
            rise += right * (heights[i + 1, other] - height)
            away += right * (step - steps[i + 1, other])
        tangent = rise / away
        before, behind = one, other
        one = _touched(steps[i], heights[i], counts[i], tangent)
        if right > 0.0:
            other = _touched(steps[i + 1], heights[i + 1], counts[i + 1], tangent)
        if one == before and other == behind:
            return tangent


@numba.njit(cache=True, nogil=True)
def _grow(steps, heights, count, step, height):
    """Add a point behind all others; how many corners are left."""
    while count > 1:
        a, b = count - 2, count - 1
        if (height - heights[b]) * (steps[b] - steps[a]) < (heights[b] - heights[a]) * (step - steps[b]):
            break
        count -= 1
    steps[count], heights[count] = step, height
    return count + 1


@numba.njit(cache=True, nogil=True)
def _line_ground(row, lanes, lane, left, right):
    """Ground of the line between cells lane - 1 and lane: linear, one cell's where the other lies outside or has no data."""
    if lane < 0 or lane > lanes or (lane == lanes and right == 0.0):
        return np.float32(2.0) * ABSENT
    if lane == 0:
        return row[0]
    if lane == lanes:
        return row[lanes - 1]
    if right == 0.0:
        return row[lane]
    a, b = row[lane - 1], row[lane]
    if a < ABSENT:
        return b
    return a if b < ABSENT else right * a + left * b


@numba.njit(cache=True, nogil=True)
def sweep_horizon(heights, backward, offsets, left, right, length, tangent, first, last):
    """Tangents of strips [first, last) where steps are rows; -inf where nothing lies that way, NaN without data."""
    rows, cols = heights.shape
    steps, corners = np.empty((_BUNDLE + 1, rows), np.int32), np.empty((_BUNDLE + 1, rows), np.float64)
    counts = np.empty(_BUNDLE + 1, np.int64)
    for strip in range(first, last, _BUNDLE):
        lines = min(_BUNDLE, last - strip) + 1
        counts[:] = 0
        for k in range(rows):
            lane = strip - offsets[k]
            if lane + lines < 0 or lane > cols:
                continue
            row = heights[rows - 1 - k if backward else k]
            target = tangent[rows - 1 - k if backward else k]
            for i in range(max(0, -lane), min(lines - 1, cols - lane)):
                height = row[lane + i]
                if height < ABSENT:
                    target[lane + i] = np.nan
                    continue
                target[lane + i] = _tangent(steps, corners, counts, i, left[k], right[k], k, height) / length
            for i in range(lines):
                ground = _line_ground(row, cols, lane + i, left[k], right[k])
                if ground > ABSENT:
                    counts[i] = _grow(steps[i], corners[i], counts[i], k, ground)


def horizon_angle(heights, dx, azimuth, nodata, workspace):
    """float32 (rows, cols), radians; checked arguments of the public face."""
    lines = parallel_lines(azimuth)
    if nodata is not None:
        heights = without_ground(heights, nodata, workspace)
    if lines.by_columns:
        turned = workspace.take("turned", heights.shape[::-1], np.float32)
        np.copyto(turned, heights.T)
        heights = turned
    steps, lanes = heights.shape
    offsets, left, right, parts = strips_of_lines(steps, lanes, lines.shift)
    tangent = np.empty((steps, lanes), np.float32)
    run([partial(sweep_horizon, heights, lines.backward, offsets, left, right, lines.length * dx, tangent, *part)
         for part in parts])
    angle = np.arctan(tangent, out=tangent)
    return np.ascontiguousarray(angle.T) if lines.by_columns else angle
