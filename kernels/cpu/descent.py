"""D8 directions of steepest descent, and the basin of every cell under them.

Bands of rows work side by side. Pits are numbered in reading order (counts of the bands, then a prefix), so that nothing
depends on the number of threads.
"""

from __future__ import annotations

import numba
import numpy as np

from .layout import frame

_ROOT2 = np.float32(0.70710678)


@numba.njit(cache=True, nogil=True)
def _steepest_slow(z, r, c):
    """Code of the steepest lower neighbor of any cell, borders included; 0 for none."""
    rows, cols = z.shape
    best, code = np.float32(0.0), 0
    for i in range(max(r - 1, 0), min(r + 2, rows)):
        for j in range(max(c - 1, 0), min(c + 2, cols)):
            drop = z[r, c] - z[i, j]
            if i != r and j != c:
                drop *= _ROOT2
            if drop > best:
                place = 3 * (i - r + 1) + j - c + 1
                best, code = drop, (place + 1 if place < 4 else place)
    return code


@numba.njit(cache=True, nogil=True)
def _inner_row(above, row, below, out):
    """Codes of a row's cells but the first and the last: no branches, so that the compiler works on many cells at once."""
    width = row.size - 2
    nw, n, ne = above[:width], above[1 : 1 + width], above[2 : 2 + width]
    w, here, e = row[:width], row[1 : 1 + width], row[2 : 2 + width]
    sw, s, se = below[:width], below[1 : 1 + width], below[2 : 2 + width]
    for c in range(width):
        h = here[c]
        best, code = np.float32(0.0), np.int32(0)
        drop = (h - nw[c]) * _ROOT2
        code = np.int32(1) if drop > best else code
        best = drop if drop > best else best
        drop = h - n[c]
        code = np.int32(2) if drop > best else code
        best = drop if drop > best else best
        drop = (h - ne[c]) * _ROOT2
        code = np.int32(3) if drop > best else code
        best = drop if drop > best else best
        drop = h - w[c]
        code = np.int32(4) if drop > best else code
        best = drop if drop > best else best
        drop = h - e[c]
        code = np.int32(5) if drop > best else code
        best = drop if drop > best else best
        drop = (h - sw[c]) * _ROOT2
        code = np.int32(6) if drop > best else code
        best = drop if drop > best else best
        drop = h - s[c]
        code = np.int32(7) if drop > best else code
        best = drop if drop > best else best
        drop = (h - se[c]) * _ROOT2
        code = np.int32(8) if drop > best else code
        out[c] = np.uint8(code)


@numba.njit(cache=True, nogil=True)
def _point(codes, base, stride, out):
    """Where the cells of a row drain to, as -1 - target; 0 for outlets (the rest of what stays is labeled later)."""
    for c in range(codes.size):
        code = np.int32(codes[c])
        place = code - np.int32(1) + np.int32(code > 4)
        down = np.int32(place > 2) + np.int32(place > 5)
        target = np.int32(base + c) + (down - np.int32(1)) * np.int32(stride) + place - np.int32(3) * down - np.int32(1)
        out[c] = np.int32(0) if code == 9 else np.int32(-1) - target


@numba.njit(cache=True, nogil=True)
def descend(first, last, z, outlets, border, directions, stride, labels):
    """Directions of the rows first..last - 1, ties to the first neighbor in reading order; returns their number of pits.

    z: float32 (rows, cols), NaN for no data.   outlets: bool (rows, cols), or (0, 0) with border=True for the border cells.
    labels: int32 padded; 0 for outlets, -1 - target for what flows.
    """
    rows, cols = z.shape
    frame(first, last, directions, stride, rows, cols)
    pits = 0
    for r in range(first, last):
        base = (r + 1) * stride + 1
        out = directions[base : base + cols]
        edge_row = r == 0 or r == rows - 1
        if border and edge_row:
            out[:] = 9
            labels[base : base + cols] = 0
            continue
        if edge_row or cols < 3:
            for c in range(cols):
                out[c] = 9 if border and (c == 0 or c == cols - 1) else _steepest_slow(z, r, c)
        else:
            _inner_row(z[r - 1], z[r], z[r + 1], out[1 : cols - 1])
            out[0] = 9 if border else _steepest_slow(z, r, 0)
            out[cols - 1] = 9 if border else _steepest_slow(z, r, cols - 1)
        if not border:
            for c in range(cols):
                if outlets[r, c]:
                    out[c] = 9
                elif np.isnan(z[r, c]):
                    out[c] = 10
        for c in range(cols):
            pits += out[c] == 0
        _point(out, base, stride, labels[base : base + cols])
    return pits


@numba.njit(cache=True, nogil=True)
def number_pits(first, last, directions, stride, rows, cols, number, none, missing, labels, pits):
    """Labels of pits, from `number` + 1 on, and of cells without data, the frame too: `none`. pits[b - 1]: the pit of basin b.

    missing: whether cells of the grid itself may be without data.
    """
    if first == 0:
        labels[:stride] = none
    if last == rows:
        labels[(rows + 1) * stride :] = none
    words = directions.view(np.uint64)
    low, high = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    for r in range(first, last):
        base = (r + 1) * stride
        labels[base] = none
        labels[base + cols + 1 : base + stride] = none
        for w in range(base // 8, (base + stride) // 8):
            word = words[np.uintp(w)]
            if ((word - low) & ~word & high) != 0:  # some byte is zero
                for k in range(8 * w, 8 * w + 8):
                    if directions[np.uintp(k)] == 0:
                        pits[number] = k
                        number += 1
                        labels[np.uintp(k)] = number
        if missing:
            for k in range(base + 1, base + cols + 1):
                if directions[np.uintp(k)] == 10:
                    labels[np.uintp(k)] = none


@numba.njit(cache=True, nogil=True)
def follow(first, last, stride, labels):
    """Basin of every cell of these rows: from where it drains to, to what that cell has become, until a label is found.

    A sweep up and a sweep down shorten most ways to one step, without branches; what is left walks. Threads may meet in a
    cell: whatever they write there is a cell further down the same way, or its label.
    """
    begin, end = (first + 1) * stride, (last + 1) * stride
    for k in range(end - begin):
        cell = end - 1 - k
        at = labels[np.uintp(cell)]
        labels[np.uintp(cell)] = labels[np.uintp(-1 - at if at < 0 else cell)]
    for cell in range(begin, end):
        at = labels[np.uintp(cell)]
        labels[np.uintp(cell)] = labels[np.uintp(-1 - at if at < 0 else cell)]
    for start in range(begin, end):
        at = labels[np.uintp(start)]
        if at >= 0:
            continue
        while at < 0:
            at = labels[np.uintp(-1 - at)]
        basin, cell = at, start
        while True:
            following = labels[np.uintp(cell)]
            if following >= 0:
                break
            labels[np.uintp(cell)] = basin
            cell = -1 - following
