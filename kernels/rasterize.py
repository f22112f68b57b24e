"""Points or a surface of pixels become a heightmap seen from above: upper envelope, exact occupancy.

Source: P2P section 4.3 rasterizes the visible points orthographically; triangles instead of points leave no holes between
pixels where the ground is seen from near, and the maximum keeps what lies on top where the surface folds over itself.

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
Arrays of NumPy, PyTorch or CuPy; results are of the caller's kind, with the same bits on every device and for any number of
threads. device: as kernels.arrays.choose.   workspace: kept scratch, on a GPU a kernels.cuda.memory.DeviceWorkspace.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import operator
from typing import Any

import numpy as np

from .arrays import Device, choose, like, on_host
from .cpu import points as buckets
from .cpu import threads, triangles
from .cpu.sharing import share
from .errors import LARGEST_GRID, KernelInputError, checked_number, checked_positive
from .workspace import Workspace

_PIECES_A_THREAD = 4
_LEAST_POINTS = 4096
_MOST_TOPS = 3
"""Scratch grids in all: where parts of the picture overlap on the ground, fewer parts are made."""


def rasterize_surface(
    points_xyz: Any,
    quad_valid: Any,
    rows: int,
    cols: int,
    dx_m: float,
    origin_m: tuple[float, float],
    *,
    device: Device = "auto",
    workspace: Workspace | None = None,
) -> tuple[Any, Any]:
    """Heights of a surface of pixels on a grid, exactly at cell centers: (float32 (rows, cols), bool (rows, cols)).

    points_xyz: float32 (float64 is rounded to it) (H, W, 3), world meters; triangles with a corner that is not finite are left out.
    quad_valid: bool (H-1, W-1), whether the four neighboring pixels (i, j)..(i+1, j+1) lie on one surface.
    rows, cols: size of the grid.   dx_m: cell size, meters.   origin_m: world (x, y) of the center of cell (0, 0).
    Returns heights in meters, NaN where no triangle covers the cell's center, the highest where several do; and what is
    covered. Borders of triangles count as covered; triangles without area in plan are skipped.
    Raises KernelInputError on shapes or types that do not fit, an empty grid, or a cell size that is not positive.
    """
    shape, spacing, origin = _checked_frame(rows, cols, dx_m, origin_m)
    if choose(device, points_xyz) == "cuda":
        on_gpu = importlib.import_module(".cuda.triangles", __package__)
        return tuple(like(part, points_xyz) for part in on_gpu.surface(points_xyz, quad_valid, shape, spacing, origin, workspace))
    points = _checked_points(on_host(points_xyz, "points_xyz"), "points_xyz", 3)
    valid = on_host(quad_valid, "quad_valid")
    if min(points.shape[:2]) < 2:
        raise KernelInputError(f"points_xyz must be (H, W, 3) with H and W at least 2, not of shape {points.shape}.")
    if valid.dtype != np.bool_:
        raise KernelInputError(f"quad_valid must be a bool array, not {valid.dtype}.")
    if valid.shape != (points.shape[0] - 1, points.shape[1] - 1):
        raise KernelInputError(f"quad_valid has shape {valid.shape}; points of shape {points.shape} have one quad less a side.")
    scratch = Workspace() if workspace is None else workspace
    heights, covered = _surface(points, np.ascontiguousarray(valid), shape, (spacing, *origin), scratch)
    return like(heights, points_xyz), like(covered, points_xyz)


def rasterize_points(
    points_xyz: Any,
    rows: int,
    cols: int,
    dx_m: float,
    origin_m: tuple[float, float],
    *,
    device: Device = "auto",
    workspace: Workspace | None = None,
) -> tuple[Any, Any]:
    """Points into the cells they lie in: (float32 (rows, cols) heights, int32 (rows, cols) counts).

    points_xyz: float32 (float64 is rounded to it) (n, 3), world meters; points that are not finite or lie beyond the grid are
    left out.
    A cell holds what lies within half a cell of its center, the left and the far border belonging to it. Other arguments
    as for `rasterize_surface`.
    Returns the height of the highest point, NaN where there is none, and how many there are: cells with a count are
    exactly those that points lie in. Raises KernelInputError as `rasterize_surface`.
    """
    shape, spacing, origin = _checked_frame(rows, cols, dx_m, origin_m)
    if choose(device, points_xyz) == "cuda":
        on_gpu = importlib.import_module(".cuda.points", __package__)
        return tuple(like(part, points_xyz) for part in on_gpu.highest(points_xyz, shape, spacing, origin, workspace))
    points = _checked_points(on_host(points_xyz, "points_xyz"), "points_xyz", 2)
    if not len(points):
        raise KernelInputError("points_xyz holds no points; a grid needs at least one.")
    heights, counts = _highest(points, shape, (spacing, *origin), Workspace() if workspace is None else workspace)
    return like(heights, points_xyz), like(counts, points_xyz)


def _highest(points: np.ndarray, shape: tuple[int, int], frame: tuple[float, float, float],
             scratch: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """Every thread deals its share of the points to strips of the grid; then strips are filled, one at a time a thread."""
    size, n = shape[0] * shape[1], len(points)
    length = 1 << buckets.STRIP_BITS
    strips = -(-size // length)
    shares = threads.bands(n, least=_LEAST_POINTS)
    cells = scratch.take("cells of points", n, np.int32)
    dealt = scratch.take("points by strip", n, np.int64)
    tally = np.zeros((len(shares), strips), np.int64)
    threads.run([functools.partial(buckets.place, points, *frame, *shape, a, b, cells, tally[k])
                 for k, (a, b) in enumerate(shares)])
    # all of the first strip, share by share, then the second: the order of points does not depend on the threads
    ends = np.cumsum(tally.T).reshape(strips, len(shares)).T
    places = np.ascontiguousarray(ends - tally)
    starts = [*places[0].tolist(), int(ends[-1, -1])]
    threads.run([functools.partial(buckets.deal, points, cells, a, b, places[k], dealt) for k, (a, b) in enumerate(shares)])
    heights, counts = np.empty(size, np.float32), np.empty(size, np.int32)

    cuts = _equal_work(tally.sum(axis=0) + 0.5 * length, threads.thread_count())
    words = scratch.take("words of a strip", (len(cuts), min(length, size)), np.int64)

    def fill(words: np.ndarray, first: int, last: int) -> None:
        for strip in range(first, last):
            cut = slice(strip * length, min((strip + 1) * length, size))
            buckets.gather(dealt, starts[strip], starts[strip + 1], cut.start, words, heights[cut], counts[cut])

    threads.run([functools.partial(fill, words[k], a, b) for k, (a, b) in enumerate(cuts)])
    return heights.reshape(shape), counts.reshape(shape)


def _surface(points: np.ndarray, valid: np.ndarray, shape: tuple[int, int], frame: tuple[float, float, float],
             scratch: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """Parts of the picture in threads of their own, each on a strip of the grid of its own; then the highest of the strips."""
    rows, cols = shape
    quad_rows = valid.shape[0]
    surface = points, valid, *frame, rows, cols
    reach = scratch.take("reach of quad rows", (quad_rows, 2), np.int64)
    cost = scratch.take("work of quad rows", quad_rows, np.float64)
    threads.run([functools.partial(triangles.reaches, *surface, a, b, reach, cost) for a, b in threads.bands(quad_rows)])
    parts = _PIECES_A_THREAD * threads.thread_count() if threads.thread_count() > 1 else 1
    while True:
        cuts = _equal_work(cost, parts)
        bases = np.array([reach[a:b, 0].min() for a, b in cuts], np.int64)
        ends = np.maximum(np.array([reach[a:b, 1].max() for a, b in cuts], np.int64) + 1, bases)
        if parts == 1 or (ends - bases).sum() <= _MOST_TOPS * rows:
            break
        parts //= 2
    starts = np.concatenate([[0], np.cumsum((ends - bases) * cols)])
    tops = scratch.take("tops", int(starts[-1]), np.float32)

    def fill(first: int, last: int) -> None:
        for k in range(first, last):
            mine = tops[starts[k] : starts[k + 1]].reshape(-1, cols)
            mine.fill(triangles.LOWEST)
            triangles.rasterize(*surface, *cuts[k], mine, int(bases[k]))

    share([(k, k + 1) for k in range(len(cuts))], fill)
    heights, covered = np.empty(shape, np.float32), np.empty(shape, bool)
    strips = tops, starts[:-1], bases, ends
    threads.run([functools.partial(triangles.merge, *strips, a, b, heights, covered) for a, b in threads.bands(rows)])
    return heights, covered


def _equal_work(cost: np.ndarray, parts: int) -> list[tuple[int, int]]:
    """Rows of quads in at most `parts` stretches of about equal work, (first, last + 1)."""
    done = np.cumsum(cost)
    cuts = np.unique(np.searchsorted(done, done[-1] * np.arange(1, parts) / parts) + 1)
    edges = [0, *cuts[cuts < len(cost)].tolist(), len(cost)]
    return list(itertools.pairwise(edges))


def _checked_points(points: np.ndarray, name: str, ndim: int) -> np.ndarray:
    if points.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"{name} must be float32 or float64, not {points.dtype}.")
    if points.ndim != ndim or points.shape[-1] != 3:
        raise KernelInputError(f"{name} must be {'(H, W, 3)' if ndim == 3 else '(n, 3)'}, not of shape {points.shape}.")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(points, np.float32)


def _checked_frame(rows: int, cols: int, dx_m: float, origin_m: tuple[float, float]) -> tuple[
        tuple[int, int], float, tuple[float, float]]:
    try:
        shape = operator.index(rows), operator.index(cols)
    except TypeError:
        raise KernelInputError(f"rows and cols must be whole numbers, not {rows!r} and {cols!r}.") from None
    if min(shape) < 1:
        raise KernelInputError(f"A grid needs at least one row and one column, not {rows} x {cols}.")
    if shape[0] * shape[1] >= LARGEST_GRID:
        raise KernelInputError(f"A grid of {rows} x {cols} cells is too large; these kernels take fewer than {LARGEST_GRID}.")
    try:
        x, y = origin_m
    except (TypeError, ValueError):
        raise KernelInputError(f"origin_m must be two numbers (x, y), not {origin_m!r}.") from None
    spacing = checked_positive(dx_m, "dx_m")
    return shape, spacing, (checked_number(x, "origin_m x"), checked_number(y, "origin_m y"))
