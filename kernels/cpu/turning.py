"""Blocks of columns turned into rows and back, so that sweeps along columns run over neighboring memory.

Where the grid's width allows, eight flags move as one 64-bit word: an eighth of the loads and stores. Words are read as
little-endian, which every machine that Numba compiles for is.
"""

from __future__ import annotations

import numba
import numpy as np

_EVEN_BYTES, _BYTE = np.uint64(0x00FF00FF00FF00FF), np.uint64(8)
_EVEN_PAIRS, _PAIR = np.uint64(0x0000FFFF0000FFFF), np.uint64(16)
_LOW_HALF, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def as_words(grid: np.ndarray) -> np.ndarray:
    """C-contiguous flags (rows, cols) as uint64 (rows, cols / 8), without a copy; empty where rows are no whole words."""
    if grid.shape[1] * grid.itemsize % 8 or not grid.flags.c_contiguous:
        return np.empty((0, 0), np.uint64)
    return grid.view(np.uint64)


@numba.njit(cache=True, nogil=True)
def turn_floats(grid, row, col, rows, cols, turned):
    """turned[k, i] = grid[row + i, col + k] for a block of few columns. Waits for memory: whole words gain nothing."""
    for i in range(rows):
        line = grid[row + i, col : col + cols]
        for k in range(cols):
            turned[k, i] = line[k]


@numba.njit(cache=True, nogil=True)
def _swap(one, other, mask, bits):
    """Exchange the parts of `one` outside of the mask with the parts of `other` inside."""
    return (one & mask) | ((other & mask) << bits), ((one >> bits) & mask) | (other & ~mask)


@numba.njit(cache=True, nogil=True)
def turn_flags_back(turned, low, high, row, col, cols, grid, words):
    """grid[row + i, col + k] = turned[k, i] for i in [low, high) and k < cols.

    turned: bool, rows of a multiple of 8 cells.   grid: bool.   words: its `as_words`.
    """
    begin = end = low
    if len(words) and col % 8 == 0 and cols % 8 == 0 and high - low >= 16:
        begin, end = (low + 7) // 8 * 8, high // 8 * 8
        eights = turned.view(np.uint64)
        for i in range(begin // 8, end // 8):
            for k in range(cols // 8):
                block = eights[8 * k : 8 * k + 8, i]
                a, b = _swap(block[0], block[1], _EVEN_BYTES, _BYTE)
                c, d = _swap(block[2], block[3], _EVEN_BYTES, _BYTE)
                e, f = _swap(block[4], block[5], _EVEN_BYTES, _BYTE)
                g, h = _swap(block[6], block[7], _EVEN_BYTES, _BYTE)
                a, c = _swap(a, c, _EVEN_PAIRS, _PAIR)
                b, d = _swap(b, d, _EVEN_PAIRS, _PAIR)
                e, g = _swap(e, g, _EVEN_PAIRS, _PAIR)
                f, h = _swap(f, h, _EVEN_PAIRS, _PAIR)
                a, e = _swap(a, e, _LOW_HALF, _HALF)
                b, f = _swap(b, f, _LOW_HALF, _HALF)
                c, g = _swap(c, g, _LOW_HALF, _HALF)
                d, h = _swap(d, h, _LOW_HALF, _HALF)
                out = words[row + 8 * i : row + 8 * i + 8, col // 8 + k]
                out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7] = a, b, c, d, e, f, g, h
    for i in range(low, high):
        if begin <= i < end:
            continue
        line = grid[row + i, col : col + cols]
        for k in range(cols):
            line[k] = turned[k, i]
