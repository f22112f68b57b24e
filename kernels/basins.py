"""Basins under a D8 flow, and the way each of them spills.

Steepest descent splits a grid into basins, one a pit; all outlets together are basin 0. Each basin leaves over the pass
that the lowest spanning tree of basins (spanning_tree.py) gives it (Cordonnier, Bovy and Braun 2019; Jain et al. 2024).
"""

from __future__ import annotations

import numba
import numpy as np

from .spanning_tree import ends

_ROOT2 = np.float32(0.70710678)


@numba.njit(cache=True, nogil=True)
def _steepest_slow(z, r, c):
    """Flat index of the steepest lower neighbor of any cell, borders included; the cell itself for a pit."""
    rows, cols = z.shape
    best, target = np.float32(0.0), r * cols + c
    for i in range(max(r - 1, 0), min(r + 2, rows)):
        for j in range(max(c - 1, 0), min(c + 2, cols)):
            drop = z[r, c] - z[i, j]
            if i != r and j != c:
                drop *= _ROOT2
            if drop > best:
                best, target = drop, i * cols + j
    return target


@numba.njit(cache=True, nogil=True)
def descend(z, outlets, border):
    """int32 (n,) D8 receivers: the neighbor down the steepest way, ties to the first in reading order.

    outlets: bool (rows, cols), or (0, 0) with border=True for the border cells. Outlets and pits point to themselves.
    """
    rows, cols = z.shape
    receivers = np.empty(rows * cols, np.int32)
    for r in range(rows):
        base = r * cols
        edge_row = r == 0 or r == rows - 1
        for c in range(cols):
            if edge_row or c == 0 or c == cols - 1:
                root = border or outlets[r, c]
                receivers[base + c] = base + c if root else _steepest_slow(z, r, c)
                continue
            if not border and outlets[r, c]:
                receivers[base + c] = base + c
                continue
            h = z[r, c]
            best, step = np.float32(0.0), 0
            drop = (h - z[r - 1, c - 1]) * _ROOT2
            if drop > best:
                best, step = drop, -cols - 1
            drop = h - z[r - 1, c]
            if drop > best:
                best, step = drop, -cols
            drop = (h - z[r - 1, c + 1]) * _ROOT2
            if drop > best:
                best, step = drop, -cols + 1
            drop = h - z[r, c - 1]
            if drop > best:
                best, step = drop, -1
            drop = h - z[r, c + 1]
            if drop > best:
                best, step = drop, 1
            drop = (h - z[r + 1, c - 1]) * _ROOT2
            if drop > best:
                best, step = drop, cols - 1
            drop = h - z[r + 1, c]
            if drop > best:
                best, step = drop, cols
            drop = (h - z[r + 1, c + 1]) * _ROOT2
            if drop > best:
                best, step = drop, cols + 1
            receivers[base + c] = base + c + step
    return receivers


@numba.njit(cache=True, nogil=True)
def label(receivers, outlets, border, rows, cols):
    """Basin of every cell, int32 (n,), 0 = drains to an outlet; and the pits, int32: pits[b - 1] is that of basin b."""
    n = receivers.size
    labels = np.full(n, -1, np.int32)
    pits = np.empty(n // 4 + 16, np.int32)
    count = 0
    flat = outlets.ravel()
    for start in range(n):
        if labels[start] >= 0:
            continue
        cell = start
        while labels[cell] < 0 and receivers[cell] != cell:
            cell = receivers[cell]
        if labels[cell] < 0:
            if border:
                r, c = cell // cols, cell % cols
                outlet = r == 0 or c == 0 or r == rows - 1 or c == cols - 1
            else:
                outlet = flat[cell]
            if outlet:
                labels[cell] = 0
            else:
                if count == pits.size:
                    grown = np.empty(2 * count, np.int32)
                    grown[:count] = pits
                    pits = grown
                pits[count] = cell
                count += 1
                labels[cell] = count
        basin = labels[cell]
        cell = start
        while labels[cell] < 0:
            labels[cell] = basin
            cell = receivers[cell]
    return labels, pits[:count].copy()


@numba.njit(cache=True, nogil=True)
def spill(tree, labels, cols, z):
    """How every basin leaves, walking the tree from basin 0 outward.

    z: float32 (n,).   Returns int32 (basins + 1,) `inner` (last cell in the basin), `outer` (first cell beyond) and
    float32 `level`: the height to which the basin fills, -inf for basin 0.
    """
    count = tree.size + 1
    start = np.zeros(count + 1, np.int32)
    for key in tree:
        a, b = ends(key, cols)
        start[labels[a] + 1] += 1
        start[labels[b] + 1] += 1
    for k in range(count):
        start[k + 1] += start[k]
    spot = start[:-1].copy()
    near = np.empty(2 * tree.size, np.int32)
    far = np.empty(2 * tree.size, np.int32)
    for key in tree:
        a, b = ends(key, cols)
        for _way in range(2):
            k = spot[labels[a]]
            near[k], far[k] = a, b
            spot[labels[a]] += 1
            a, b = b, a
    inner = np.full(count, -1, np.int32)
    outer = np.full(count, -1, np.int32)
    level = np.full(count, -np.inf, np.float32)
    queue = np.zeros(count, np.int32)
    filled = 1
    for head in range(count):
        basin = queue[head]
        for k in range(start[basin], start[basin + 1]):
            other = labels[far[k]]
            if other == 0 or inner[other] >= 0:
                continue
            inner[other], outer[other] = far[k], near[k]
            level[other] = max(level[basin], max(z[far[k]], z[near[k]]))
            queue[filled] = other
            filled += 1
    return inner, outer, level


@numba.njit(cache=True, nogil=True)
def reroute(receivers, inner, outer):
    """Turn the ways from pits to passes around, in place: every cell then drains to an outlet."""
    for basin in range(1, inner.size):
        cell, target = inner[basin], outer[basin]
        while True:
            following = receivers[cell]
            receivers[cell] = target
            if following == cell:
                break
            cell, target = following, cell
