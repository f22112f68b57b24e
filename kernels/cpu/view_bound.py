"""The view bound on the CPU: tangents of the ground, rays by pieces of octants, heights from the least tangents.

Each thread walks a run of neighboring rays and keeps the least tangents of the cells that they pass in memory of its own,
so that nothing is shared. A minimum does not depend on order: the result has the same bits for any number of threads.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

import numba
import numpy as np

from .threads import bands, run, thread_count
from .view_rays import AZIMUTH_SLACK, sorted_rays
from .view_walk import PAD, extents, walk

NEAREST = 0.5
"""Cells; the ground at the camera's own feet has no elevation angle."""
_TILE = 32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_tangents(heights, visible, everywhere, dx, camera_x, camera_y, camera_z, tangents, turned, first, last):
    """Elevation tangents of what is seen in rows [first, last), NaN elsewhere and in the padding, and the same turned."""
    rows, cols = heights.shape
    nothing = np.float32(np.nan)
    for top in range(first, last, _TILE):
        bottom = min(top + _TILE, last)
        for row in range(top, bottom):
            line, ground = tangents[row], heights[row]
            line[:PAD], line[cols + PAD :] = nothing, nothing
            inner, seen, y = line[PAD : PAD + cols], visible[row if not everywhere else 0], row - camera_y
            for col in range(cols):
                x = col - camera_x
                away = math.sqrt(x * x + y * y)
                tangent = np.float32((ground[col] - camera_z) / (away * dx))
                inner[col] = tangent if (everywhere or seen[col]) and away >= NEAREST else nothing
        for left in range(0, cols, _TILE):
            for col in range(left, min(left + _TILE, cols)):
                line = turned[col, PAD + top : PAD + bottom]
                for row in range(bottom - top):
                    line[row] = tangents[top + row, PAD + col]
    for col in range(cols):
        if first == 0:
            turned[col, :PAD] = nothing
        if last == rows:
            turned[col, PAD + rows :] = nothing


@numba.njit(cache=True, nogil=True)
def _lower(tile, pieces, columns, length, top, bottom, left, right, least, offsets, lowest):
    """tile[step, lane] = the least of all pieces along rows (or columns) for steps [top, bottom), lanes [left, right)."""
    tile[:, :] = np.inf
    for piece in range(pieces.shape[0]):
        octant, first, last, place = pieces[piece]
        if (octant >= 4) != columns:
            continue
        for row in range(top, bottom):
            step = length - 1 - row if octant & 2 else row
            if step < first or step > last:
                continue
            at = place + step - first
            low = least[at] - PAD
            start, stop = max(low, left), min(low + offsets[at + 1] - offsets[at], right)
            if start >= stop:
                continue
            line, kept = tile[row - top, start - left : stop - left], lowest[offsets[at] + start - low :]
            for i in range(stop - start):
                line[i] = kept[i] if kept[i] < line[i] else line[i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def write_bound(pieces, least, offsets, lowest, visible, everywhere, dx, camera_x, camera_y, camera_z, middle, half_width, bound,
                first, last):
    """Heights of rows [first, last) from the least tangents of all pieces."""
    rows, cols = bound.shape
    along_rows, along_columns = np.empty((_TILE, _TILE), np.float32), np.empty((_TILE, _TILE), np.float32)
    # cells whose center lies in the azimuths seen: by the cosine of the angle from the middle
    toward_x, toward_y = math.sin(middle), -math.cos(middle)
    cosine = math.cos(min(half_width + AZIMUTH_SLACK, math.pi)) if half_width < math.pi else -2.0
    nothing = np.float32(np.inf)
    for top in range(first, last, _TILE):
        bottom = min(top + _TILE, last)
        for left in range(0, cols, _TILE):
            right = min(left + _TILE, cols)
            _lower(along_rows, pieces, False, rows, top, bottom, left, right, least, offsets, lowest)
            _lower(along_columns, pieces, True, cols, left, right, top, bottom, least, offsets, lowest)
            for row in range(top, bottom):
                limits = along_rows[row - top]
                for i in range(_TILE):
                    limits[i] = min(limits[i], along_columns[i, row - top])
                y = row - camera_y
                result, seen = bound[row, left:right], visible[row if not everywhere else 0, left if not everywhere else 0 :]
                for i in range(right - left):
                    x = (left + i) - camera_x
                    away = math.sqrt(x * x + y * y)
                    height = limits[i] if limits[i] == -np.inf else np.float32(camera_z + away * dx * limits[i])
                    free = (limits[i] < nothing) & (x * toward_x + y * toward_y >= away * cosine)
                    result[i] = height if free else nothing
                if not everywhere:
                    for i in range(right - left):
                        result[i] = nothing if seen[i] else result[i]


def _runs(table: np.ndarray) -> list[list[tuple[int, int]]]:
    """Rays as runs of about equal work, one a thread; each run as pieces (first, last + 1) within one octant."""
    total = np.cumsum(table[:, 2] - table[:, 1] + 1)
    threads = thread_count()
    cuts = np.searchsorted(total, total[-1] * np.arange(1, threads) // threads)
    edges = [0, *cuts.tolist(), len(table)]
    corners = [0, *(np.flatnonzero(np.diff(table[:, 0])) + 1).tolist(), len(table)]
    return [[(max(a, first), min(b, last)) for a, b in pairwise(corners) if max(a, first) < min(b, last)]
            for first, last in pairwise(edges)]


def view_bound(heights, visible, dx, origin, camera, azimuth_min, azimuth_max, sky_azimuths, sky_tangents, workspace):
    """Checked arguments of the public face; float32 (rows, cols)."""
    rows, cols = heights.shape
    opaque = visible is None
    mask = np.empty((1, 1), np.bool_) if visible is None else visible
    x, y = (camera[0] - origin[0]) / dx, (origin[1] - camera[1]) / dx
    bound = np.empty((rows, cols), np.float32)
    table, skies = sorted_rays(rows, cols, x, y, azimuth_min, azimuth_max, sky_azimuths, sky_tangents)
    if len(table) == 0:
        bound[:] = np.inf
        return bound
    tangents = workspace.take("tangents", (rows, cols + 2 * PAD), np.float32)
    turned = workspace.take("tangents turned", (cols, rows + 2 * PAD), np.float32)
    run([partial(fill_tangents, heights, mask, opaque, dx, x, y, camera[2], tangents, turned, *part)
         for part in bands(rows, least=_TILE)])
    runs = _runs(table)
    places = [(octant, int(table[a:b, 1].min()), int(table[a:b, 2].max())) for pieces in runs for a, b in pieces
              for octant in (int(table[a, 0]),)]
    sizes = [last - first + 2 for _, first, last in places]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    least, offsets = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.int64)
    pieces = np.array([(*place, start) for place, start in zip(places, starts[:-1], strict=True)], np.int64)
    spans = [piece for pieces_of_run in runs for piece in pieces_of_run]
    end = max(rows, cols) + 2 * PAD  # cells are found by their place in a row, which may exceed what lies before them
    for (a, b), (octant, _, _, start) in zip(spans, pieces.tolist(), strict=True):
        end = extents(table[a:b], octant, cols if octant < 4 else rows, end, least[start:], offsets[start:])
    lowest = workspace.take("lowest", end, np.float32)

    def walk_run(numbers):
        for i in numbers:
            (a, b), (octant, _, _, start) = spans[i], pieces[i].tolist()
            walk(tangents if octant < 4 else turned, octant, table[a:b], skies[a:b], sky_azimuths.size == 0, opaque,
                 least[start:], offsets[start:], lowest)

    counts = np.concatenate([[0], np.cumsum([len(pieces_of_run) for pieces_of_run in runs])]).tolist()
    run([partial(walk_run, range(a, b)) for a, b in pairwise(counts)])
    middle, half_width = 0.5 * (azimuth_min + azimuth_max), 0.5 * (azimuth_max - azimuth_min)
    run([partial(write_bound, pieces, least, offsets, lowest, mask, opaque, dx, x, y, camera[2], middle, half_width, bound, *part)
         for part in bands(rows, least=_TILE)])
    return bound
