"""Whether heights can be used: one pass over a grid, by all threads."""

from __future__ import annotations

from functools import partial

import numba
import numpy as np

from .threads import bands, run

_LEAST = 65536
"""Cells worth a thread."""


@numba.njit(cache=True, nogil=True)
def _beyond(heights, highest):
    """How many heights are NaN or farther than `highest` from zero."""
    count = 0
    for i in range(heights.size):
        count += not abs(heights[i]) <= highest
    return count


@numba.njit(cache=True, nogil=True)
def _beyond_where(heights, asked, highest):
    count = 0
    for i in range(heights.size):
        count += asked[i] & (not abs(heights[i]) <= highest)
    return count


def all_within(heights: np.ndarray, highest: float, asked: np.ndarray | None = None) -> bool:
    """Whether all heights, or those `asked` for, are finite and at most `highest` from zero. Both C-contiguous."""
    flat, limit = heights.reshape(-1), np.float32(highest)
    parts = bands(flat.size, least=_LEAST)
    if asked is None:
        return not sum(run([partial(_beyond, flat[first:last], limit) for first, last in parts]))
    mask = asked.reshape(-1)
    return not sum(run([partial(_beyond_where, flat[first:last], mask[first:last], limit) for first, last in parts]))
