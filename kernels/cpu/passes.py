"""Passes between basins: for every two that touch, the lowest edge between neighboring cells.

An edge is as high as its higher cell. Keys are (sortable height << 32 | edge number), a total order, so that the lowest
spanning tree is unique and ties do not depend on anything but the order of cells. Most edges are dropped where they are seen,
because a lower one beside them joins the same basins; a small table remembers where the last edges of two basins were put, so
that those along a divide end in one entry (Cordonnier, Bovy and Braun 2019 keep all).
"""

from __future__ import annotations

import numba
import numpy as np

_TABLE = 32768


@numba.njit(cache=True, nogil=True, inline="always")
def ends(key, stride):
    """The two cells of an edge from its key: the first one's neighbor right (0), below left, below or below right."""
    edge = np.int64(key & np.uint64(0xFFFFFFFF))
    cell, d = edge >> 2, edge & 3
    return cell, (cell + 1 if d == 0 else cell + stride + d - 2)


@numba.njit(cache=True, nogil=True, inline="always")
def sorted_bits(bits):
    """int32 that sorts like the float32 of these bits; it is its own inverse."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@numba.njit(cache=True, nogil=True, inline="always")
def key_of(height, edge):
    return (np.uint64(np.int64(height) + 2147483648) << np.uint64(32)) | np.uint64(edge)


@numba.njit(cache=True, nogil=True)
def _leading(labels, base, stride, cols, upper, lower, flags):
    """Which of its 4 edges (right, below left, below, below right) lead each cell of a row out of its basin: bits 0..3.

    Left out are edges for which another one between the same two basins has a lower key: one that shares an end and whose other
    end lies beside, in these two rows. upper, lower: sortable heights of the two rows, from the column before the first.
    """
    low = base + stride
    lw, lc, le = labels[base - 1 : base - 1 + cols], labels[base : base + cols], labels[base + 1 : base + 1 + cols]
    lsw, ls, lse = labels[low - 1 : low - 1 + cols], labels[low : low + cols], labels[low + 1 : low + 1 + cols]
    hw, hc, he = upper[:cols], upper[1 : 1 + cols], upper[2 : 2 + cols]
    hsw, hs, hse = lower[:cols], lower[1 : 1 + cols], lower[2 : 2 + cols]
    for k in range(cols):
        w, c, e, sw, s, se = lw[k], lc[k], le[k], lsw[k], ls[k], lse[k]
        right, left, below, beyond = max(hc[k], he[k]), max(hc[k], hsw[k]), max(hc[k], hs[k]), max(hc[k], hse[k])
        before, steep = max(hw[k], hc[k]), max(he[k], hs[k])
        # Of equal heights the smaller edge number counts as lower: <= where the other edge has the smaller one.
        drop = ((s == c) & (steep < right)) | ((se == e) & (beyond < right))
        flag = np.int32((c != e) > drop)
        drop = ((w == sw) & (before <= left)) | ((s == sw) & (below < left))
        drop |= ((w == c) & (max(hw[k], hsw[k]) <= left)) | ((s == c) & (max(hsw[k], hs[k]) < left))
        flag |= np.int32((c != sw) > drop) << np.int32(1)
        drop = ((e == s) & (right <= below)) | ((se == s) & (beyond < below)) | ((sw == s) & (left <= below))
        drop |= ((e == c) & (steep < below)) | ((w == c) & (max(hw[k], hs[k]) <= below)) | ((w == s) & (before <= below))
        flag |= np.int32((c != s) > drop) << np.int32(2)
        drop = ((e == se) & (right <= beyond)) | ((s == se) & (below <= beyond))
        drop |= ((e == c) & (max(he[k], hse[k]) < beyond)) | ((s == c) & (max(hs[k], hse[k]) < beyond))
        flag |= np.int32((c != se) > drop) << np.int32(3)
        flags[k] = np.uint8(flag)


@numba.njit(cache=True, nogil=True)
def _sortable_row(bits, r, cols, out):
    """Sortable heights of row r from out[1] on; nothing for a row below the grid, whose labels say no data."""
    if (r + 1) * cols > bits.size:
        return
    row = bits[r * cols : (r + 1) * cols]
    for c in range(cols):
        out[1 + c] = sorted_bits(row[c])


@numba.njit(cache=True, nogil=True)
def lowest_edges(first, last, bits, cols, labels, stride, none, keys, left, right):
    """Write the edges that start in these rows, few times more than once for two basins; returns how many, -1 if too many.

    bits: int32 (n,) of the float32 heights.   none: label of cells without data.   left, right: basins of an edge's two cells.
    """
    seen = np.full(_TABLE, -1, np.int32)
    flags = np.zeros(stride, np.uint8)
    words = flags.view(np.uint64)
    upper, lower = np.zeros(cols + 2, np.int32), np.zeros(cols + 2, np.int32)
    _sortable_row(bits, first, cols, lower)
    size, room = 0, keys.size
    for r in range(first, last):
        upper, lower = lower, upper
        _sortable_row(bits, r + 1, cols, lower)
        base = (r + 1) * stride + 1
        _leading(labels, base, stride, cols, upper, lower, flags)
        for w in range((cols + 7) // 8):
            if words[w] == 0:
                continue
            for c in range(8 * w, 8 * w + 8):
                flag = flags[np.uintp(c)]
                if flag == 0:
                    continue
                a = labels[np.uintp(base + c)]
                if a == none:
                    continue
                high = upper[np.uintp(c + 1)]
                for d in range(4):
                    if (flag >> d) & 1 == 0:
                        continue
                    b = labels[np.uintp(base + c + (1 if d == 0 else stride + d - 2))]
                    if b == none:
                        continue
                    other = upper[np.uintp(c + 2)] if d == 0 else lower[np.uintp(c + d - 1)]
                    key = key_of(max(high, other), 4 * (base + c) + d)
                    slot = np.uintp((a ^ b ^ ((a + b) << 6)) & (_TABLE - 1))
                    at = seen[slot]
                    if at >= 0 and ((left[at] == a and right[at] == b) or (left[at] == b and right[at] == a)):
                        if key < keys[at]:
                            keys[at], left[at], right[at] = key, a, b
                        continue
                    if size == room:
                        return -1
                    keys[size], left[size], right[size] = key, a, b
                    seen[slot] = size
                    size += 1
    return size
