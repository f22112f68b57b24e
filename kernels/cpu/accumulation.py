"""How many cells drain through each: from the springs down, in bands of rows, then over the seams between them."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def count_inflows(first, last, directions, stride, degree):
    """uint8 padded: how many cells drain directly into each cell of these rows. Byte comparisons only, many cells at once."""
    for r in range(first, last):
        base = (r + 1) * stride + 1
        width = stride - 2
        high, low = base - stride, base + stride
        nw, ne = directions[high - 1 : high - 1 + width], directions[high + 1 : high + 1 + width]
        n, s = directions[high : high + width], directions[low : low + width]
        w, e = directions[base - 1 : base - 1 + width], directions[base + 1 : base + 1 + width]
        sw, se = directions[low - 1 : low - 1 + width], directions[low + 1 : low + 1 + width]
        out = degree[base : base + width]
        code = np.uint8(15)
        for c in range(width):
            count = np.uint8(nw[c] & code == 8) + np.uint8(n[c] & code == 7) + np.uint8(ne[c] & code == 6)
            count += np.uint8(w[c] & code == 5) + np.uint8(e[c] & code == 4)
            count += np.uint8(sw[c] & code == 3) + np.uint8(s[c] & code == 2) + np.uint8(se[c] & code == 1)
            out[c] = count


@numba.njit(cache=True, nogil=True)
def _carry_on(cell, begin, end, directions, steps, degree, area):
    """Carry the count of a cell that is ready down until it leaves begin..end or waits for other inflows."""
    while True:
        degree[cell] = 255
        target = cell + steps[directions[cell]]
        if target == cell:
            break
        if target < begin or target >= end:
            degree[cell] = 254
            break
        area[target] += area[cell]
        degree[target] -= np.uint8(1)
        cell = target
        if degree[cell] != 0:
            break


@numba.njit(cache=True, nogil=True)
def drain_rows(first, last, directions, steps, stride, at_once, degree, area):
    """Counts within these rows, from springs down until water leaves them or still waits for other inflows.

    Cells that are ready and drain out of these rows keep degree 254; `drain_seams` goes on from there. Few rows at a time
    (`at_once` cells), so that they stay in the cache, go through a queue, which needs no branch to guess; what flows back up to
    rows that are done walks.
    """
    begin, end = (first + 1) * stride, (last + 1) * stride
    area[begin:end] = 1
    block = max(1, at_once // stride) * stride
    queue = np.empty(block + 1, np.int32)
    for top in range(begin, end, block):
        bottom = min(top + block, end)
        head, tail = 0, 0
        for spring in range(top, bottom):
            queue[np.uintp(tail)] = spring
            tail += degree[np.uintp(spring)] == 0
        while head < tail:
            cell = np.int64(queue[np.uintp(head)])
            head += 1
            target = cell + steps[directions[np.uintp(cell)]]
            if target < top:
                _carry_on(cell, begin, end, directions, steps, degree, area)
                continue
            degree[np.uintp(cell)] = 255
            if target == cell:
                continue
            if target >= end:
                degree[np.uintp(cell)] = 254
                continue
            area[np.uintp(target)] += area[np.uintp(cell)]
            left = degree[np.uintp(target)] - np.uint8(1)
            degree[np.uintp(target)] = left
            queue[np.uintp(tail)] = target
            tail += (left == 0) & (target < bottom)


@numba.njit(cache=True, nogil=True)
def drain_seams(seams, directions, steps, stride, degree, area):
    """Carry what waits at the seams between bands on, all the way down."""
    for seam in seams:
        for start in range(seam * stride, (seam + 2) * stride):
            if degree[start] != 254:
                continue
            _carry_on(start, 0, degree.size, directions, steps, degree, area)


@numba.njit(cache=True, nogil=True)
def counted(first, last, directions, stride, degree, area, out):
    """Rows of the counts as float32 (rows, cols), 0 where there is no data. False if some cell still waits: a circle."""
    cols = out.shape[1]
    waiting = 0
    for r in range(first, last):
        base = (r + 1) * stride + 1
        for c in range(cols):
            k = np.uintp(base + c)
            out[np.uintp(r), np.uintp(c)] = np.float32(0) if directions[k] == 10 else np.float32(area[k])
            waiting += degree[k] != 255
    return waiting == 0
