# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""A picture's points joined by triangles on a GPU, sampled at cell centers (the rules are those of kernels.cpu.triangles).

One thread a quad looks at the few centers in its reach. Quads with many centers are put on a list, and whole blocks take
them from there, eight lanes a row of the grid, between the columns where the row crosses the quad's edges. Heights are
integers of the same order as the floats, so that the highest is an atomic maximum. Products are rounded before they are
added: occupancy and heights are bit for bit those of the CPU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, cuda, float32, float64, int32, int64

from kernels.arrays import on_device, simulated
from kernels.errors import KernelInputError

from .grids import THREADS, blocks_for, mask_on_device, scratch_of
from .memory import DeviceWorkspace
from .points import clear, points_on_device
from .scan import NOTHING, ordered, product, unordered

MANY_CENTERS = 48
_LANES = 8
_BLOCKS = 2 if simulated() else 256
_MOST_BLOCKS = 3 if simulated() else 32768


@cuda.jit(device=True)
def _lesser(a, b):
    return a if a < b else b


@cuda.jit(device=True)
def _greater(a, b):
    return a if a > b else b


@cuda.jit(device=True)
def _edge(ax, ay, bx, by):
    """Twice the signed area of (a, b, center); exactly antisymmetric in a and b."""
    return product(ax, by) - product(ay, bx)


@cuda.jit(device=True)
def _corner(points, i, j, dx, origin_x, origin_y):
    """Column, row, height of a point, and whether all are finite."""
    x = (float64(points[i, j, 0]) - origin_x) / dx
    y = (origin_y - float64(points[i, j, 1])) / dx
    z = float64(points[i, j, 2])
    return x, y, z, math.isfinite(x + y + z)


@cuda.jit(device=True)
def _corners(points, i, j, dx, origin_x, origin_y):
    """a, b, c, d of a quad; a corner that is not known stands on b, which leaves its triangle empty. And whether b, c are."""
    xb, yb, zb, known_b = _corner(points, i, j + 1, dx, origin_x, origin_y)
    xc, yc, zc, known_c = _corner(points, i + 1, j, dx, origin_x, origin_y)
    xa, ya, za, known_a = _corner(points, i, j, dx, origin_x, origin_y)
    xd, yd, zd, known_d = _corner(points, i + 1, j + 1, dx, origin_x, origin_y)
    if not known_a:
        xa, ya, za = xb, yb, zb
    if not known_d:
        xd, yd, zd = xb, yb, zb
    return xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd, known_b and known_c


@cuda.jit(device=True)
def _reach(a, b, c, d, size):
    """First and last center between four coordinates in a grid of that size; first > last for none."""
    low = _greater(_lesser(_lesser(a, b), _lesser(c, d)), 0.0)
    high = _lesser(_greater(_greater(a, b), _greater(c, d)), size - 1.0)
    if not low <= high:
        return int64(1), int64(0)
    return int64(math.ceil(low)), int64(math.floor(high))


@cuda.jit(device=True)
def _height(row, col, xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd):
    """Ordered height of the quad at a center, NOTHING where it does not cover it."""
    ax, bx, cx, dx = xa - col, xb - col, xc - col, xd - col
    ay, by, cy, dy = ya - row, yb - row, yc - row, yd - row
    ab = _edge(ax, ay, bx, by)
    bc = _edge(bx, by, cx, cy)
    ca = _edge(cx, cy, ax, ay)
    bd = _edge(bx, by, dx, dy)
    dc = _edge(dx, dy, cx, cy)
    best = NOTHING
    if (ab >= 0.0 and bc >= 0.0 and ca >= 0.0) or (ab <= 0.0 and bc <= 0.0 and ca <= 0.0):
        total = bc + ca + ab
        if total != 0.0:
            z = float32((product(bc, za) + product(ca, zb) + product(ab, zc)) / total)
            if z > -math.inf:
                best = ordered(z)
    if (bd >= 0.0 and bc <= 0.0 and dc >= 0.0) or (bd <= 0.0 and bc >= 0.0 and dc <= 0.0):
        total = dc - bc + bd
        if total != 0.0:
            z = float32((product(dc, zb) - product(bc, zd) + product(bd, zc)) / total)
            if z > -math.inf:
                best = ordered(z) if ordered(z) > best else best
    return best


def scatter(points, valid, dx, origin_x, origin_y, rows, cols, tops, listed, number):
    """Small quads, a thread each; the numbers of large ones to `listed`, int32 (quads,), and how many to number[0].

    points: float32 (H, W, 3), meters.   valid: bool (H-1, W-1).   tops: int32 (cells,), ordered heights.
    """
    high, wide = valid.shape
    for i in range(cuda.blockIdx.y, high, cuda.gridDim.y):
        for j in range(cuda.grid(1), wide, cuda.gridsize(1)):
            if not valid[i, j]:
                continue
            xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd, known = _corners(points, i, j, dx, origin_x, origin_y)
            if not known:
                continue
            row0, row1 = _reach(ya, yb, yc, yd, rows)
            col0, col1 = _reach(xa, xb, xc, xd, cols)
            if row0 > row1 or col0 > col1:
                continue
            if (row1 - row0 + 1) * (col1 - col0 + 1) > MANY_CENTERS:
                listed[cuda.atomic.add(number, 0, int32(1))] = i * wide + j
                continue
            for row in range(row0, row1 + 1):
                for col in range(col0, col1 + 1):
                    best = _height(row, col, xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd)
                    if best > tops[row * cols + col]:
                        cuda.atomic.max(tops, row * cols + col, best)


@cuda.jit(device=True)
def _crossing(row, xa, ya, xb, yb, low, high):
    """low..high widened to where an edge crosses the row, and by what rounding can move that."""
    if (ya <= row and row <= yb) or (yb <= row and row <= ya):
        if ya == yb:
            low = _lesser(low, _lesser(xa, xb))
            high = _greater(high, _greater(xa, xb))
        else:
            across = xb - xa
            down = yb - ya
            x = xa + (row - ya) / down * across
            slack = 1e-9 + 1e-14 * (across * across + down * down) / abs(down)
            low = _lesser(low, x - slack)
            high = _greater(high, x + slack)
    return low, high


def scatter_large(points, dx, origin_x, origin_y, rows, cols, tops, listed, number):
    """The quads of the list: a column of blocks each, rows of the grid dealt out to groups of lanes."""
    wide = points.shape[1] - 1
    lane = cuda.threadIdx.x % _LANES
    group = cuda.blockIdx.y * (cuda.blockDim.x // _LANES) + cuda.threadIdx.x // _LANES
    groups = cuda.gridDim.y * (cuda.blockDim.x // _LANES)
    for k in range(cuda.blockIdx.x, number[0], cuda.gridDim.x):
        i = listed[k] // wide
        xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd, _ = _corners(points, i, listed[k] - i * wide, dx, origin_x, origin_y)
        row0, row1 = _reach(ya, yb, yc, yd, rows)
        col0, col1 = _reach(xa, xb, xc, xd, cols)
        for row in range(row0 + group, row1 + 1, groups):
            low, high = math.inf, -math.inf
            low, high = _crossing(row, xa, ya, xb, yb, low, high)
            low, high = _crossing(row, xb, yb, xd, yd, low, high)
            low, high = _crossing(row, xd, yd, xc, yc, low, high)
            low, high = _crossing(row, xc, yc, xa, ya, low, high)
            low, high = _crossing(row, xb, yb, xc, yc, low, high)
            low, high = _greater(low, float64(col0)), _lesser(high, float64(col1))
            if low <= high:
                for col in range(int64(math.ceil(low)) + lane, int64(math.floor(high)) + 1, _LANES):
                    best = _height(row, col, xa, ya, za, xb, yb, zb, xc, yc, zc, xd, yd, zd)
                    if best > tops[row * cols + col]:
                        cuda.atomic.max(tops, row * cols + col, best)


def lift(tops, heights, covered):
    """Heights float32 (cells,), NaN where nothing lies, and what is covered."""
    for cell in range(cuda.grid(1), tops.size, cuda.gridsize(1)):
        top = tops[cell]
        covered[cell] = top != NOTHING
        heights[cell] = unordered(top) if top != NOTHING else float32(math.nan)


def copy_picture(source, result):
    """float32 (H, W, 3) of points of another type or with strides."""
    wide = source.shape[1]
    for k in range(cuda.grid(1), source.shape[0] * wide, cuda.gridsize(1)):
        for axis in range(3):
            result[k // wide, k - k // wide * wide, axis] = float32(source[k // wide, k - k // wide * wide, axis])


_points, _list, _mask, _place = float32[:, :, ::1], int32[::1], boolean[:, ::1], (float64, float64, float64, int64, int64)
KERNELS = [
    ("triangles_scatter", scatter, (_points, _mask, *_place, _list, _list, _list)),
    ("triangles_scatter_large", scatter_large, (_points, *_place, _list, _list, _list)),
    ("triangles_lift", lift, (_list, float32[::1], boolean[::1])),
    ("triangles_copy", copy_picture, (float64[:, :, :], _points)),
]
_scatter, _scatter_large, _lift, _copy_picture = (cuda.jit(kernel) for _, kernel, _ in KERNELS)
_clear = cuda.jit(clear)


def surface(points_xyz: Any, quad_valid: Any, shape: tuple[int, int], dx_m: float, origin_m: tuple[float, float],
            workspace: DeviceWorkspace | None = None) -> tuple[Any, Any]:
    """Numba device arrays of kernels.rasterize.rasterize_surface. Nothing waits for the GPU. Raises KernelInputError."""
    scratch = scratch_of(workspace)
    points = points_on_device(points_xyz, 3, _copy_picture, scratch)
    high, wide = int(points.shape[0]) - 1, int(points.shape[1]) - 1
    if min(high, wide) < 1:
        raise KernelInputError(f"points_xyz must be (H, W, 3) with H and W at least 2, not of shape {tuple(points.shape)}.")
    there = on_device(quad_valid, "quad_valid")
    if np.dtype(there.dtype) != np.bool_:
        raise KernelInputError(f"quad_valid must be a bool array, not {there.dtype}.")
    if tuple(there.shape) != (high, wide):
        raise KernelInputError(f"quad_valid has shape {tuple(there.shape)}; points of shape {tuple(points.shape)} have one quad "
                               "less a side.")
    valid = mask_on_device(there, (high, wide), "quad_valid", scratch)
    if high * wide >= 2**31:
        raise KernelInputError(f"points_xyz of shape {tuple(points.shape)} have too many quads; pass fewer than 2^31 at a time.")
    size = shape[0] * shape[1]
    tops, number = scratch.take("tops", size, np.int32), scratch.take("number of large quads", 1, np.int32)
    listed = scratch.take("large quads", high * wide, np.int32)
    heights, covered = cuda.device_array(shape, np.float32), cuda.device_array(shape, np.bool_)
    place = dx_m, *origin_m, *shape
    _clear[blocks_for(size), THREADS](tops, number)
    _scatter[(-(-wide // THREADS), min(high, _MOST_BLOCKS)), THREADS](points, valid, *place, tops, listed, number)
    across = min(_BLOCKS, high * wide), 1 if shape[0] < 256 else 4
    _scatter_large[across, THREADS](points, *place, tops, listed, number)
    _lift[blocks_for(size), THREADS](tops, heights.reshape(size), covered.reshape(size))
    return heights, covered
