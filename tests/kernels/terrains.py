"""Terrains that kernels of flow get wrong, and slow, obvious versions of what they compute."""

import heapq

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
rough = arrays(np.float32, shapes, elements=st.floats(-500, 3000, width=32))
steps = arrays(np.int8, shapes, elements=st.integers(0, 4))
terraced = st.tuples(steps, st.sampled_from([1.0, 2.0**-12])).map(lambda drawn: (drawn[0] * drawn[1]).astype(np.float32))
huge = arrays(np.float32, shapes, elements=st.floats(-9e8, 9e8, width=32))


def spiral(size):
    """A channel that falls one meter a cell inwards, between walls 100 m higher, so that its end is a pit."""
    z = np.full((size, size), np.nan)
    r, c, dr, dc, level = 1, 1, 0, 1, 500.0
    while np.isnan(z[r, c]):
        z[r, c] = level
        level -= 1
        for _ in range(2):
            i, j = r + 2 * dr, c + 2 * dc
            if 0 < r + dr < size - 1 and 0 < c + dc < size - 1 and not (0 <= i < size and 0 <= j < size and z[i, j] > 0):
                break
            dr, dc = dc, -dr
        if not np.isnan(z[r + dr, c + dc]):
            break
        r, c = r + dr, c + dc
    return np.where(np.isnan(z), 600.0, z).astype(np.float32)


def crater(size):
    """A cone whose top has sunk in: one deep depression with a round rim."""
    r, c = np.indices((size, size))
    middle = (size - 1) / 2
    d = np.hypot(r - middle, c - middle)
    return (400 - 2 * d - 160 * np.exp(-((d / size * 6) ** 2))).astype(np.float32)


def ridged(rows, cols):
    """Walks summed along both axes: nested depressions of all sizes."""
    rng = np.random.default_rng(rows * 1000 + cols)
    z = np.cumsum(rng.normal(size=(rows, cols)), axis=0) + np.cumsum(rng.normal(size=(rows, cols)), axis=1)
    return (1500 + 8 * z).astype(np.float32)


def noise(rows, cols, low=0.0, high=100.0):
    """As many pits as there can be."""
    return np.random.default_rng(rows + cols).uniform(low, high, (rows, cols)).astype(np.float32)


TERRAINS = {
    "ridged, power of two": ridged(128, 64),
    "ridged, odd": ridged(67, 131),
    "ridged, a row of 512 when padded": ridged(12, 500),
    "noise": noise(80, 75),
    "huge range": noise(40, 41, -9e8, 9e8),
    "terraces": np.round(ridged(60, 70) / 20) * 20,
    "too gentle": (1e-4 * np.abs(np.add.outer(np.arange(60), 0.3 * np.arange(80)) - 30) + noise(60, 80, 0, 3e-4)).astype("f4"),
    "nearly steep enough": (50 + np.full((70, 1), 1.02e-3) * np.arange(60) + noise(70, 60, 0, 1e-4)).astype("f4"),
    "plateau": np.where(np.indices((50, 90)).min(axis=0) > 5, 300, 200).astype(np.float32),
    "all equal": np.full((33, 70), 7.25, np.float32),
    "crater": crater(75),
    "spiral": spiral(41),
    "one cell": np.full((1, 1), 3.0, np.float32),
    "one row": ridged(1, 200),
    "one column": ridged(200, 1),
    "two rows": ridged(2, 77),
}


def border(shape):
    """The border cells, bool."""
    mask = np.zeros(shape, bool)
    mask[[0, -1]] = True
    mask[:, [0, -1]] = True
    return mask


def around(shape, r, c):
    """The neighbors of a cell."""
    for i in range(max(r - 1, 0), min(r + 2, shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, shape[1])):
            if (i, j) != (r, c):
                yield i, j


def outlets_beside(nodata):
    """The outlets that hold where none are given: cells with data at the border or beside a cell without."""
    return np.array(
        [
            [
                not nodata[r, c] and (border(nodata.shape)[r, c] or any(nodata[at] for at in around(nodata.shape, r, c)))
                for c in range(nodata.shape[1])
            ]
            for r in range(nodata.shape[0])
        ]
    )


def flood(heights, outlets, nodata=None):
    """Priority flood: cells leave a queue from low to high, and a neighbor is at least as high as the cell before.

    Returns the filled heights, and the cells that were reached.
    """
    blocked = np.zeros(heights.shape, bool) if nodata is None else nodata
    filled, reached = heights.copy(), outlets & ~blocked
    queue = [(heights[r, c], r, c) for r, c in np.argwhere(reached)]
    heapq.heapify(queue)
    while queue:
        level, r, c = heapq.heappop(queue)
        for i, j in around(heights.shape, r, c):
            if not reached[i, j] and not blocked[i, j]:
                reached[i, j] = True
                filled[i, j] = max(heights[i, j], level)
                heapq.heappush(queue, (filled[i, j], i, j))
    return filled, reached


def ends(receivers):
    """Where each cell's water arrives; fails on a loop. Cells without data (-1) end on themselves."""
    flat = receivers.ravel()
    flat = np.where(flat < 0, np.arange(flat.size), flat)
    at = np.arange(flat.size)
    for _ in range(flat.size.bit_length()):
        at, flat = flat[at], flat[flat]
    own = receivers.ravel()[at]
    assert np.array_equal(np.where(own < 0, at, own), at)
    return at


def steepest_step(z):
    """Largest drop from each cell to one of its eight neighbors, float64; NaN counts as infinitely high."""
    rows, cols = z.shape
    wide = np.pad(np.where(np.isnan(z), np.inf, z.astype(np.float64)), 1, constant_values=np.inf)
    beside = [wide[1 + i : 1 + i + rows, 1 + j : 1 + j + cols] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    return z - np.min(beside, axis=0)


def carved_along(heights, receivers, unit_m, drop_m, fixed=None):
    """Every cell lowered to what each cell upstream of it asks for, one cell and one way after the other, in exact integers."""
    start = np.rint(np.nan_to_num(heights.astype(np.float64).ravel()) / unit_m).astype(int)
    drop, flat = round(drop_m / unit_m), receivers.ravel()
    kept = np.zeros(flat.size, bool) if fixed is None else fixed.ravel()
    needed, waiting = start.copy(), list(range(flat.size))
    while waiting:
        cell = waiting.pop()
        to = flat[cell]
        if to >= 0 and to != cell and not kept[to] and needed[to] > needed[cell] - drop:
            needed[to] = needed[cell] - drop
            waiting.append(to)
    lowered = (needed * unit_m).astype(np.float32)
    return np.where(needed == start, heights.ravel(), lowered).reshape(heights.shape)
