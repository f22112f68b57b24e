"""A picture's points joined by triangles, two a quad, sampled at cell centers: the highest of each cell.

    a b     triangles (a, b, c) and (b, d, c); x in columns and y in rows of the grid
    c d

A center counts for a triangle if its three edge functions do not differ in sign. Both triangles of an edge compute its
function from the same two products, so that the signs are exactly opposite or zero: no center falls between triangles. Which
centers are looked at beyond the covered ones is only a matter of speed.
"""

from __future__ import annotations

import math

import numba
import numpy as np

LOWEST = np.float32(-np.inf)
"""In grids of tops: nothing there yet."""
_MOST = 4
"""Rows and columns of centers in reach of a small quad; they are collected by how many those are."""
_LANES = 8
_KIND_ROOM = 32
_ROOM = _MOST * _MOST * _KIND_ROOM + _LANES
"""Between columns: no power of two, which would put all columns of a quad into one set of the cache."""


@numba.njit(cache=True, nogil=True)
def _project(points, i, dx, origin_x, origin_y, x, y, z):
    """Columns, rows and heights float64 of picture row i; NaN for points that are not finite."""
    line = points[i]
    for j in range(len(x)):
        x[j], y[j], z[j] = line[j, 0], line[j, 1], line[j, 2]
    for j in range(len(x)):
        across = (x[j] - origin_x) / dx
        down = (origin_y - y[j]) / dx
        x[j] = across + (across + down + z[j]) * 0.0
        y[j] = down


@numba.njit(cache=True, nogil=True)
def _boxes(valid, x0, y0, x1, y1, rows, cols, boxes):
    """First and last row, first and last column of the centers in reach of every quad of a row; none: first > last.

    The corner that only one triangle has is left out of the box where it is not known.
    """
    top_row, last_row, first_col, last_col = boxes[0], boxes[1], boxes[2], boxes[3]
    highest, widest = rows - 1.0, cols - 1.0
    for j in range(len(valid)):
        xb, yb, xc, yc = x0[j + 1], y0[j + 1], x1[j], y1[j]
        ax, dx = x0[j], x1[j + 1]
        no_a, no_d = ax != ax, dx != dx
        xa = xb if no_a else ax
        ya = yb if no_a else y0[j]
        xd = xb if no_d else dx
        yd = yb if no_d else y1[j + 1]
        low_a = xa if xa < xb else xb
        low_c = xc if xc < xd else xd
        left = low_a if low_a < low_c else low_c
        high_a = xa if xa > xb else xb
        high_c = xc if xc > xd else xd
        right = high_a if high_a > high_c else high_c
        low_a = ya if ya < yb else yb
        low_c = yc if yc < yd else yd
        above = low_a if low_a < low_c else low_c
        high_a = ya if ya > yb else yb
        high_c = yc if yc > yd else yd
        below = high_a if high_a > high_c else high_c
        left = left if left > 0.0 else 0.0
        above = above if above > 0.0 else 0.0
        right = right if right < widest else widest
        below = below if below < highest else highest
        seen = valid[j] & (xb == xb) & (xc == xc) & (left <= right) & (above <= below)
        top_row[j] = np.int32(math.ceil(above)) if seen else np.int32(1)
        last_row[j] = np.int32(math.floor(below)) if seen else np.int32(0)
        first_col[j] = np.int32(math.ceil(left)) if seen else np.int32(1)
        last_col[j] = np.int32(math.floor(right)) if seen else np.int32(0)


@numba.njit(cache=True, nogil=True)
def reaches(points, valid, dx, origin_x, origin_y, rows, cols, first, last, reach, cost):
    """Per row of quads first..last: first and last row of the grid in reach (int64 (quad rows, 2)), and the work (float64)."""
    width = points.shape[1]
    x, y, z = np.empty((2, width)), np.empty((2, width)), np.empty(width)
    boxes = np.empty((4, width - 1), np.int32)
    held = np.array([-1, -1])
    for i in range(first, last):
        here, there = i & 1, 1 - (i & 1)
        reach[i, 0], reach[i, 1], cost[i] = rows, -1, 1.0
        if not valid[i].any():
            continue
        for row in range(i, i + 2):
            if held[row & 1] != row:
                held[row & 1] = row
                _project(points, row, dx, origin_x, origin_y, x[row & 1], y[row & 1], z)
        _boxes(valid[i], x[here], y[here], x[there], y[there], rows, cols, boxes)
        low, high, work = np.int32(rows), np.int32(-1), 0
        for j in range(width - 1):
            tall = boxes[1, j] - boxes[0, j] + 1
            wide = boxes[3, j] - boxes[2, j] + 1
            seen = (tall > 0) & (wide > 0)
            low = min(low, boxes[0, j] if seen else np.int32(rows))
            high = max(high, boxes[1, j] if seen else np.int32(-1))
            work += np.int64(tall) * wide if seen else 0
        reach[i, 0], reach[i, 1] = low, high
        cost[i] = work + 0.5 * width


@numba.njit(cache=True, nogil=True, inline="always")
def _crossing(row, xa, ya, xb, yb, low, high):
    """The stretch low..high of a row widened to where an edge crosses it, and by the rounding of edge functions there."""
    if (ya - row) * (yb - row) <= 0.0:
        if ya == yb:
            low, high = min(low, min(xa, xb)), max(high, max(xa, xb))
        else:
            across, down = xb - xa, yb - ya
            x = xa + (row - ya) / down * across
            slack = 1e-9 + 1e-14 * (across * across + down * down) / abs(down)
            low, high = min(low, x - slack), max(high, x + slack)
    return low, high


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _large(xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd, row0, row1, col0, col1, top, base):
    """Raise `top` to one quad with many centers in reach, between the columns where its edges cross a row."""
    cols = np.float64(top.shape[1])
    for row in range(row0, row1 + 1):
        low, high = np.inf, -np.inf
        low, high = _crossing(row, xa, ya, xb, yb, low, high)
        low, high = _crossing(row, xb, yb, xd, yd, low, high)
        low, high = _crossing(row, xd, yd, xc, yc, low, high)
        low, high = _crossing(row, xc, yc, xa, ya, low, high)
        low, high = _crossing(row, xb, yb, xc, yc, low, high)
        if not low <= high:
            continue
        start = max(col0, np.int64(math.ceil(min(max(low, -1.0), cols))))
        stop = min(col1, np.int64(math.floor(min(max(high, -1.0), cols))))
        line = top[row - base]
        ay, by, cy, dy = ya - row, yb - row, yc - row, yd - row
        for col in range(start, stop + 1):
            ax, bx, cx, dx = xa - col, xb - col, xc - col, xd - col
            ab = ax * by - ay * bx
            bc = bx * cy - by * cx
            ca = cx * ay - cy * ax
            bd = bx * dy - by * dx
            dc = dx * cy - dy * cx
            if ((ab >= 0.0) & (bc >= 0.0) & (ca >= 0.0)) | ((ab <= 0.0) & (bc <= 0.0) & (ca <= 0.0)):
                total = bc + ca + ab
                if total != 0.0:
                    height = np.float32((bc * za + ca * zb + ab * zc) / total) + np.float32(0.0)
                    if height > line[col]:
                        line[col] = height
            if ((bd >= 0.0) & (bc <= 0.0) & (dc >= 0.0)) | ((bd <= 0.0) & (bc >= 0.0) & (dc <= 0.0)):
                total = dc - bc + bd
                if total != 0.0:
                    height = np.float32((dc * zb - bc * zd + bd * zc) / total) + np.float32(0.0)
                    if height > line[col]:
                        line[col] = height


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _small(quads, groups, row_step, col_step, base, cols):
    """Heights of quads at one center each, `row_step` and `col_step` from the first in reach, and where that is.

    quads: float64 in columns of _ROOM: x, y, z of a, b, c, d, first row and column; height (-inf beyond) and cell are written.
    No branches and plain arithmetic of vectors: most guesses about triangles would be wrong.
    """
    for group in range(groups):
        for lane in range(_LANES):
            k = group * _LANES + lane
            row, col = quads[k + 12 * _ROOM] + row_step, quads[k + 13 * _ROOM] + col_step
            ax, ay = quads[k] - col, quads[k + _ROOM] - row
            bx, by = quads[k + 3 * _ROOM] - col, quads[k + 4 * _ROOM] - row
            cx, cy = quads[k + 6 * _ROOM] - col, quads[k + 7 * _ROOM] - row
            dx, dy = quads[k + 9 * _ROOM] - col, quads[k + 10 * _ROOM] - row
            za, zb, zc, zd = quads[k + 2 * _ROOM], quads[k + 5 * _ROOM], quads[k + 8 * _ROOM], quads[k + 11 * _ROOM]
            ab = ax * by - ay * bx
            bc = bx * cy - by * cx
            ca = cx * ay - cy * ax
            bd = bx * dy - by * dx
            dc = dx * cy - dy * cx
            abc, bdc = bc + ca + ab, dc - bc + bd
            in_abc = ((ab >= 0.0) & (bc >= 0.0) & (ca >= 0.0)) | ((ab <= 0.0) & (bc <= 0.0) & (ca <= 0.0))
            in_bdc = ((bd >= 0.0) & (bc <= 0.0) & (dc >= 0.0)) | ((bd <= 0.0) & (bc >= 0.0) & (dc <= 0.0))
            left = np.float64(np.float32((bc * za + ca * zb + ab * zc) / abc))
            right = np.float64(np.float32((dc * zb - bc * zd + bd * zc) / bdc))
            best = left if in_abc & (abc != 0.0) & (left > -np.inf) else -np.inf
            best = right if in_bdc & (bdc != 0.0) & (right > best) else best
            quads[k + 14 * _ROOM] = best + 0.0
            quads[k + 15 * _ROOM] = (row - base) * cols + col


@numba.njit(cache=True, nogil=True)
def _flush(quads, counts, flat, base, cols):
    """Raise `flat` (the tops in one row) to all collected quads, kind by kind: those of a kind reach equally many centers."""
    for kind in range(_MOST * _MOST):
        count = counts[kind]
        if count > 0:
            mine = quads[kind * _KIND_ROOM :]
            groups = (count + _LANES - 1) // _LANES
            for k in range(count, groups * _LANES):
                for column in range(14):
                    mine[k + column * _ROOM] = mine[count - 1 + column * _ROOM]
            for row_step in range(kind // _MOST + 1):
                for col_step in range(kind % _MOST + 1):
                    _small(mine, groups, np.float64(row_step), np.float64(col_step), np.float64(base), np.float64(cols))
                    for k in range(count):
                        cell = np.int64(mine[k + 15 * _ROOM])
                        height, there = np.float32(mine[k + 14 * _ROOM]), flat[cell]
                        flat[cell] = height if height > there else there
            counts[kind] = 0


@numba.njit(cache=True, nogil=True)
def rasterize(points, valid, dx, origin_x, origin_y, rows, cols, first, last, top, base):
    """Raise `top` to the quads of rows first..last of the picture.

    points: float32 (H, W, 3), meters.   valid: bool (H-1, W-1).   top: float32 (some rows, cols) from row `base` of the grid
    on, LOWEST where nothing lies; it must hold every row in reach.
    """
    width = points.shape[1]
    x, y, z = np.empty((2, width)), np.empty((2, width)), np.empty((2, width))
    boxes = np.empty((4, width - 1), np.int32)
    top_row, last_row, first_col, last_col = boxes[0], boxes[1], boxes[2], boxes[3]
    quads, counts, flat = np.empty(16 * _ROOM), np.zeros(_MOST * _MOST, np.int64), top.reshape(-1)
    held = np.array([-1, -1])
    for i in range(first, last):
        here, there = i & 1, 1 - (i & 1)
        x0, y0, z0, x1, y1, z1 = x[here], y[here], z[here], x[there], y[there], z[there]
        if not valid[i].any():
            continue
        for row in range(i, i + 2):
            if held[row & 1] != row:
                held[row & 1] = row
                _project(points, row, dx, origin_x, origin_y, x[row & 1], y[row & 1], z[row & 1])
        _boxes(valid[i], x0, y0, x1, y1, rows, cols, boxes)
        for j in range(width - 1):
            row0, row1 = np.int64(top_row[j]), np.int64(last_row[j])
            col0, col1 = np.int64(first_col[j]), np.int64(last_col[j])
            if row0 > row1 or col0 > col1:
                continue
            xb, yb, zb, xc, yc, zc = x0[j + 1], y0[j + 1], z0[j + 1], x1[j], y1[j], z1[j]
            xa, ya, za = x0[j], y0[j], z0[j]
            xd, yd, zd = x1[j + 1], y1[j + 1], z1[j + 1]
            # a triangle with two equal corners covers nothing, exactly
            if xa != xa:
                xa, ya, za = xb, yb, zb
            if xd != xd:
                xd, yd, zd = xb, yb, zb
            if row1 - row0 >= _MOST or col1 - col0 >= _MOST:
                _large(xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd, row0, row1, col0, col1, top, base)
                continue
            kind = (row1 - row0) * _MOST + col1 - col0
            k = kind * _KIND_ROOM + counts[kind]
            counts[kind] += 1
            quads[k], quads[k + _ROOM], quads[k + 2 * _ROOM] = xa, ya, za
            quads[k + 3 * _ROOM], quads[k + 4 * _ROOM], quads[k + 5 * _ROOM] = xb, yb, zb
            quads[k + 6 * _ROOM], quads[k + 7 * _ROOM], quads[k + 8 * _ROOM] = xc, yc, zc
            quads[k + 9 * _ROOM], quads[k + 10 * _ROOM], quads[k + 11 * _ROOM] = xd, yd, zd
            quads[k + 12 * _ROOM], quads[k + 13 * _ROOM] = row0, col0
            if counts[kind] == _KIND_ROOM:
                _flush(quads, counts, flat, base, cols)
    _flush(quads, counts, flat, base, cols)


@numba.njit(cache=True, nogil=True)
def merge(tops, starts, bases, ends, first, last, heights, covered):
    """Rows first..last of the result: heights float32, NaN where nothing lies, and what is covered.

    tops: float32 (cells of all parts,).   starts: of every part in it.   bases, ends: the rows of the grid that a part holds.
    """
    cols = heights.shape[1]
    for row in range(first, last):
        line, known = heights[row], covered[row]
        parts = 0
        for part in range(len(starts)):
            if bases[part] <= row < ends[part]:
                begin = starts[part] + (row - bases[part]) * cols
                mine = tops[begin : begin + cols]
                if parts == 0:
                    for col in range(cols):
                        line[col] = mine[col]
                else:
                    for col in range(cols):
                        line[col] = mine[col] if mine[col] > line[col] else line[col]
                parts += 1
        if parts == 0:
            line[:] = LOWEST
        for col in range(cols):
            seen = line[col] > LOWEST
            known[col] = seen
            line[col] = line[col] if seen else np.float32(np.nan)
