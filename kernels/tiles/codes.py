"""Directions within a tile, and the roots that its cells drain to.

A direction is one byte: 3 (row step + 1) + column step + 1, so 4 is the cell itself and 8 - d the way back. A tile comes
with one cell around it; NaN there and anywhere is a cell outside: beyond the grid or without data.
"""

from __future__ import annotations

import numba
import numpy as np

STAY = np.uint8(4)
OUTLET = np.uint8(9)
NOTHING = np.uint8(255)
_ROOT2 = np.float32(0.70710678)


@numba.njit(cache=True, nogil=True)
def descend(z, outlets):
    """uint8 (rows, cols) steepest way down of 8, ties to the first in reading order, as `kernels.flow` has it.

    z: float32 (rows + 2, cols + 2).   outlets: bool (rows, cols), or (0, 0): cells beside the outside.
    STAY for a pit, OUTLET, NOTHING for a cell without data.
    """
    rows, cols = z.shape[0] - 2, z.shape[1] - 2
    given = outlets.size > 0
    codes = np.empty((rows, cols), np.uint8)
    for r in range(rows):
        for c in range(cols):
            h = z[r + 1, c + 1]
            if np.isnan(h):
                codes[r, c] = NOTHING
                continue
            nw, n, ne = (h - z[r, c]) * _ROOT2, h - z[r, c + 1], (h - z[r, c + 2]) * _ROOT2
            w, e = h - z[r + 1, c], h - z[r + 1, c + 2]
            sw, s, se = (h - z[r + 2, c]) * _ROOT2, h - z[r + 2, c + 1], (h - z[r + 2, c + 2]) * _ROOT2
            if given:
                root = outlets[r, c]
            else:
                root = np.isnan(nw + n + ne + w + e + sw + s + se)
            best, code = np.float32(0.0), STAY
            if nw > best:
                best, code = nw, np.uint8(0)
            if n > best:
                best, code = n, np.uint8(1)
            if ne > best:
                best, code = ne, np.uint8(2)
            if w > best:
                best, code = w, np.uint8(3)
            if e > best:
                best, code = e, np.uint8(5)
            if sw > best:
                best, code = sw, np.uint8(6)
            if s > best:
                best, code = s, np.uint8(7)
            if se > best:
                best, code = se, np.uint8(8)
            codes[r, c] = OUTLET if root else code
    return codes


@numba.njit(cache=True, nogil=True, inline="always")
def beyond(codes, r, c):
    """The cell that a cell drains to, and whether it lies outside the tile; for a root the cell itself."""
    code = codes[r, c]
    if code > 8:
        return r, c, False
    i, j = r + code // 3 - 1, c + code % 3 - 1
    return i, j, i < 0 or j < 0 or i >= codes.shape[0] or j >= codes.shape[1]


@numba.njit(cache=True, nogil=True)
def label(codes):
    """int32 (rows, cols) number of the root of every cell, and int32 flat cells of roots 1, 2, ...

    Roots are pits and the cells that drain to another tile; 0 stands for all outlets, -1 for cells without data.
    """
    rows, cols = codes.shape
    labels = np.full((rows, cols), -2, np.int32)
    roots = np.empty(max(16, codes.size // 16), np.int32)
    count = 0
    for start_r in range(rows):
        for start_c in range(cols):
            if labels[start_r, start_c] != -2:
                continue
            r, c = start_r, start_c
            while True:
                root = labels[r, c]
                if root != -2:
                    break
                code = codes[r, c]
                if code > 8:
                    root = 0 if code == OUTLET else -1
                    break
                i, j, out = beyond(codes, r, c)
                if out or code == STAY:
                    if count == roots.size:
                        grown = np.empty(2 * count, np.int32)
                        grown[:count] = roots
                        roots = grown
                    roots[count] = r * cols + c
                    count += 1
                    root = count
                    break
                r, c = i, j
            r, c = start_r, start_c
            while labels[r, c] == -2:
                labels[r, c] = root
                i, j, out = beyond(codes, r, c)
                if out:
                    break
                r, c = i, j
    return labels, roots[:count].copy()


@numba.njit(cache=True, nogil=True)
def turn_around(codes, cells, ways):
    """Let each of `cells` (flat in the tile) drain the given way, and everything on its old way back towards it, in place."""
    cols = codes.shape[1]
    for k in range(cells.size):
        r, c, way = cells[k] // cols, cells[k] % cols, ways[k]
        while True:
            old = codes[r, c]
            i, j, out = beyond(codes, r, c)
            codes[r, c] = way
            if out or old == STAY:
                break
            r, c, way = i, j, np.uint8(8 - old)


@numba.njit(cache=True, nogil=True)
def close(codes):
    """Outlets drain to themselves from here on, in place."""
    flat = codes.ravel()
    for k in range(flat.size):
        if flat[k] == OUTLET:
            flat[k] = STAY


@numba.njit(cache=True, nogil=True)
def receivers(codes, r0, c0, cols):
    """int64 (rows, cols): flat index, in the whole grid, of the cell that each cell drains to; -1 without data."""
    out = np.empty(codes.shape, np.int64)
    for r in range(codes.shape[0]):
        for c in range(codes.shape[1]):
            if codes[r, c] == NOTHING:
                out[r, c] = -1
                continue
            i, j, _ = beyond(codes, r, c)
            out[r, c] = np.int64(r0 + i) * cols + c0 + j
    return out
