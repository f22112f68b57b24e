"""Passes between basins: for every two that touch, the lowest edge between neighboring cells.

An edge is as high as its higher cell. Keys are (sortable height << 32 | edge number), a total order, so that the lowest
spanning tree is unique and ties do not depend on anything but the order of cells. A small table remembers where the last
edges of two basins were put: nearly all edges along a divide end in one entry (Cordonnier, Bovy and Braun 2019 keep all).
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
def differing(labels, base, stride, cols, flags):
    """Which of its 4 edges (right, below left, below, below right) lead each cell of a row out of its basin: bits 0..3."""
    here, right = labels[base : base + cols], labels[base + 1 : base + 1 + cols]
    low = base + stride
    left, below, beyond = labels[low - 1 : low - 1 + cols], labels[low : low + cols], labels[low + 1 : low + 1 + cols]
    for c in range(cols):
        mine = here[c]
        flag = np.int32(1) if mine != right[c] else np.int32(0)
        flag |= np.int32(2) if mine != left[c] else np.int32(0)
        flag |= np.int32(4) if mine != below[c] else np.int32(0)
        flag |= np.int32(8) if mine != beyond[c] else np.int32(0)
        flags[c] = np.uint8(flag)


@numba.njit(cache=True, nogil=True)
def lowest_edges(first, last, bits, cols, labels, stride, none, keys, left, right):
    """Write the edges that start in these rows, few times more than once for two basins; returns how many, -1 if too many.

    bits: int32 (n,) of the float32 heights.   none: label of cells without data.   left, right: basins of an edge's two cells.
    """
    seen = np.full(_TABLE, -1, np.int32)
    flags = np.zeros(stride, np.uint8)
    words = flags.view(np.uint64)
    size, room = 0, keys.size
    for r in range(first, last):
        base = (r + 1) * stride + 1
        differing(labels, base, stride, cols, flags)
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
                high = sorted_bits(bits[np.uintp(r * cols + c)])
                for d in range(4):
                    if (flag >> d) & 1 == 0:
                        continue
                    i, j = (r, c + 1) if d == 0 else (r + 1, c + d - 2)
                    b = labels[np.uintp((i + 1) * stride + 1 + j)]
                    if b == none:
                        continue
                    other = sorted_bits(bits[np.uintp(i * cols + j)])
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
