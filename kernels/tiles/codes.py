"""Directions within a tile, and the roots that its cells drain to.

A direction is one byte: 3 (row step + 1) + column step + 1, so 4 is the cell itself and 8 - d the way back. All grids of a tile
come with one cell around it, so that neighbors need no bounds; cells are numbered in that frame. Heights of NaN are outside:
beyond the terrain or without data.
"""

from __future__ import annotations

import numba
import numpy as np

STAY = np.uint8(4)
OUTLET = np.uint8(9)
NOTHING = np.uint8(10)
FRAME = np.uint8(11)
NO_DATA = -1
_UNKNOWN = -2
_ROOT2 = np.float32(0.70710678)


@numba.njit(cache=True, nogil=True)
def descend(z, outlets):
    """uint8 steepest way down of 8, ties to the first in reading order, as `kernels.flow` has it; STAY for a pit.

    z: float32 (rows + 2, cols + 2).   outlets: bool (rows, cols), or (0, 0): cells beside the outside.
    """
    rows, cols = z.shape[0] - 2, z.shape[1] - 2
    given = outlets.size > 0
    codes = np.full((rows + 2, cols + 2), FRAME, np.uint8)
    for r in range(rows):
        above, row, below, out = z[r], z[r + 1], z[r + 2], codes[r + 1, 1 : cols + 1]
        for c in range(cols):
            h = row[c + 1]
            nw, n, ne = (h - above[c]) * _ROOT2, h - above[c + 1], (h - above[c + 2]) * _ROOT2
            w, e = h - row[c], h - row[c + 2]
            sw, s, se = (h - below[c]) * _ROOT2, h - below[c + 1], (h - below[c + 2]) * _ROOT2
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
            if not given and np.isnan(nw + n + ne + w + e + sw + s + se):
                code = OUTLET
            out[c] = NOTHING if np.isnan(h) else code
        if given:
            for c in range(cols):
                if outlets[r, c] and out[c] != NOTHING:
                    out[c] = OUTLET
    return codes


@numba.njit(cache=True, nogil=True)
def steps_of(codes):
    """int64 (12,): what a direction adds to a cell's number; 0 for what stays."""
    steps = np.zeros(12, np.int64)
    for code in range(9):
        steps[code] = (code // 3 - 1) * codes.shape[1] + code % 3 - 1
    return steps


@numba.njit(cache=True, nogil=True)
def roots_of(codes):
    """Labels, int32, and int32 cells of the roots 1, 2, ...: pits and cells that drain to another tile, in reading order.

    Labels are 0 for outlets, NO_DATA for that and the frame, and yet unknown for what is no root: see `follow`.
    """
    rows, cols = codes.shape
    flat, steps = codes.ravel(), steps_of(codes)
    labels = np.empty((rows, cols), np.int32)
    out = labels.ravel()
    for k in range(flat.size):
        code = flat[k]
        out[k] = _UNKNOWN if code < OUTLET else (0 if code == OUTLET else NO_DATA)
    room, count = max(16, codes.size // 16), 0
    roots = np.empty(room, np.int32)
    for r in range(1, rows - 1):
        rim = r == 1 or r == rows - 2
        for c in range(1, cols - 1):
            k = r * cols + c
            code = flat[np.uintp(k)]
            if code != STAY:
                if not rim and c != 1 and c != cols - 2:
                    continue
                if code > STAY + 4 or flat[np.uintp(k + steps[code])] != FRAME:
                    continue
            if count == room:
                room *= 2
                roots = grown(roots, room)
            roots[count] = k
            count += 1
            out[np.uintp(k)] = count
    return labels, roots[:count].copy()


@numba.njit(cache=True, nogil=True)
def grown(values, room):
    """The same values at the head of a longer array."""
    out = np.empty(room, values.dtype)
    out[: values.size] = values
    return out


@numba.njit(cache=True, nogil=True)
def follow(codes, labels, first, last, stride):
    """Label the cells first, first + stride, ... before `last`, and all on their ways down, with their root, in place."""
    flat, out, steps = codes.ravel(), labels.ravel(), steps_of(codes)
    for start in range(first, last, stride):
        if out[np.uintp(start)] != _UNKNOWN:
            continue
        cell = start
        while out[np.uintp(cell)] == _UNKNOWN:
            cell += steps[flat[np.uintp(cell)]]
        root = out[np.uintp(cell)]
        cell = start
        while out[np.uintp(cell)] == _UNKNOWN:
            out[np.uintp(cell)] = root
            cell += steps[flat[np.uintp(cell)]]


def labels_of(codes: np.ndarray) -> np.ndarray:
    """int32, of the same shape: root of every cell, numbered as `roots_of` does."""
    labels, _ = roots_of(codes)
    follow(codes, labels, 0, labels.size, 1)
    return labels


def rim_of(shape: tuple[int, int]) -> list[tuple[int, int, int]]:
    """The outermost cells of a tile within its frame of this shape: (first, last + 1, stride) of its four sides."""
    rows, cols = shape
    last = (rows - 2) * cols
    return [
        (cols + 1, 2 * cols - 1, 1),
        (last + 1, last + cols - 1, 1),
        (cols + 1, last + 2, cols),
        (2 * cols - 2, last + cols - 1, cols),
    ]


@numba.njit(cache=True, nogil=True)
def turn_around(codes, cells, ways):
    """Let each of `cells` drain the given way, and everything on its old way back towards it, in place."""
    flat, steps = codes.ravel(), steps_of(codes)
    for k in range(cells.size):
        cell, way = cells[k], ways[k]
        while True:
            old = flat[cell]
            flat[cell] = way
            cell += steps[old]
            if old == STAY or flat[cell] == FRAME:
                break
            way = np.uint8(8 - old)


@numba.njit(cache=True, nogil=True)
def hold(codes, labels, undrained):
    """bool, of the same shape: cells of roots marked `undrained` (bool, one more than there are roots) and what they drain to."""
    held = np.zeros(codes.shape, np.bool_)
    flat, roots, out, steps = codes.ravel(), labels.ravel(), held.ravel(), steps_of(codes)
    for k in range(flat.size):
        if roots[k] > 0 and undrained[roots[k]]:
            out[k] = out[k + steps[flat[k]]] = True
    return held


@numba.njit(cache=True, nogil=True)
def close(codes):
    """Outlets drain to themselves from here on, in place."""
    flat = codes.ravel()
    for k in range(flat.size):
        flat[k] = STAY if flat[k] == OUTLET else flat[k]


@numba.njit(cache=True, nogil=True)
def receivers(codes, r0, c0, cols):
    """int64 (rows, cols) of the tile at (r0, c0): cell of the terrain, `cols` wide, that each drains to; -1 without data."""
    out = np.empty((codes.shape[0] - 2, codes.shape[1] - 2), np.int64)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            code = np.int64(codes[r + 1, c + 1])
            target = (r0 + r + code // 3 - 1) * cols + c0 + c + code % 3 - 1
            out[r, c] = -1 if code == NOTHING else target
    return out
