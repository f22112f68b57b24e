"""Strips between parallel lines: where they lie at each step, and how threads share them.

Lines are numbered so that the first cell of step k lies in strip `offset(k)`, between lines `offset(k)` and `offset(k) + 1`.
A thread owns neighboring strips for all steps and carries both outer lines itself: threads share cells, never lines.
"""

from __future__ import annotations

import numba
import numpy as np

from .threads import thread_count

NO_GROUND = np.float32(-1e30)
ABSENT = np.float32(-1e29)
"""Heights below are cells without data, which hold NO_GROUND and cast nothing."""


@numba.njit(cache=True, nogil=True)
def strip_offsets(steps, shift, offsets, left, right):
    """Fill, for each step: the strip of lane 0, and the weights of the lines on the left and on the right of each cell.

    A mirrored `shift` gives the same weights on the other side, bit for bit.
    """
    farthest = np.int64(np.floor((steps - 1) * abs(shift))) + 1
    for k in range(steps):
        along = k * abs(shift)
        whole = np.int64(np.floor(along))
        fraction = along - whole
        if shift <= 0.0:
            offsets[k], left[k], right[k] = whole, 1.0 - fraction, fraction
        elif fraction == 0.0:
            offsets[k], left[k], right[k] = farthest - whole, 1.0, 0.0
        else:
            offsets[k], left[k], right[k] = farthest - whole - 1, fraction, 1.0 - fraction


def strips_of_lines(steps: int, lanes: int, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Offsets int64 (steps,), left and right weights float32 (steps,), and strips as one (first, last + 1) a thread.

    Threads get equal numbers of cells: outer strips hold few.
    """
    offsets, left, right = np.empty(steps, np.int64), np.empty(steps, np.float32), np.empty(steps, np.float32)
    strip_offsets(steps, shift, offsets, left, right)
    count = int(offsets.max()) + lanes
    cells = np.cumsum(np.bincount(offsets, minlength=count + 1) - np.bincount(offsets + lanes, minlength=count + 1))[:count]
    total = np.cumsum(cells)
    threads = thread_count()
    inner = np.searchsorted(total, total[-1] * np.arange(1, threads) // threads)
    edges = np.unique(np.concatenate([[0], inner, [count]]))
    return offsets, left, right, list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def without_ground(heights, nodata, workspace):
    """A copy of the heights in the workspace with NO_GROUND where there is no data."""
    grid = workspace.take("heights", heights.shape, np.float32)
    np.copyto(grid, heights)
    grid[nodata] = NO_GROUND
    return grid
