"""Directions, basins, and how water leaves each basin: what filling, breaching and routing all start from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..workspace import Workspace
from . import descent, detours, passes, spanning_tree, threads
from .layout import by_rows, steps_of, stride_of

_EDGES_PER_BASIN = 5
"""Room for passes: three a basin that differ, since basins lie in a plane, and some that are listed twice."""


@dataclass(frozen=True)
class Terrain:
    """Checked input. heights: float32 (rows, cols), NaN for no data.   top_m: largest magnitude.   outlets: bool (rows, cols),
    or None for the border cells.   missing: bool (rows, cols) or None.   given: float32, the caller's own heights."""

    heights: np.ndarray
    top_m: float
    outlets: np.ndarray | None
    missing: np.ndarray | None
    given: np.ndarray

    @property
    def cells(self) -> int:
        """Cells with data."""
        return self.heights.size - (0 if self.missing is None else int(np.count_nonzero(self.missing)))


@dataclass(frozen=True)
class Basins:
    """A grid's basins; padded grids as in layout.py. All arrays are scratch: gone at the next call with that workspace.

    directions: uint8 padded, steepest descent (after `turn_ways`: routed).   labels: int32 padded; basin 0 is what drains by
    itself, count + 1 no data.   pits: int32 (count,), pits[b - 1] of basin b.   level: float32 (count + 2,), height to which each
    basin fills, -inf for dry ground and basins without a way out.   inner, outer: last cell in a basin on its way and first
    beyond, -1 for none.   order: basins from the outside inward, `reached` of them.   undrained: uint8 (count + 2,), 1 for basins
    without a way out; empty if there are none.
    """

    shape: tuple[int, int]
    stride: int
    directions: np.ndarray
    labels: np.ndarray
    pits: np.ndarray
    level: np.ndarray
    inner: np.ndarray
    outer: np.ndarray
    order: np.ndarray
    reached: int
    undrained: np.ndarray

    @property
    def count(self) -> int:
        """Basins that are not the outside."""
        return self.pits.size


def find_basins(terrain: Terrain, workspace: Workspace, fixed: np.ndarray | None = None, penalty_m: float = 0.0) -> Basins:
    """The basins of a terrain. fixed: bool padded, penalty_m: see `kernels.breach.breach`."""
    z = terrain.heights
    rows, cols = z.shape
    stride = stride_of(rows, cols)
    directions = workspace.take("directions", (rows + 2) * stride, np.uint8)
    labels = workspace.take("labels", (rows + 2) * stride, np.int32)
    border = terrain.outlets is None
    outlets = np.zeros((0, 0), np.bool_) if terrain.outlets is None else terrain.outlets
    pits_of_bands = by_rows(descent.descend, rows, z, outlets, border, directions, stride, labels)
    starts = np.concatenate([[0], np.cumsum(pits_of_bands)]).astype(np.int64)
    count = int(starts[-1])
    pits = workspace.take("pits", count, np.int32)
    missing = terrain.missing is not None
    bands = threads.bands(rows)
    threads.run(
        [
            partial(descent.number_pits, *band, directions, stride, rows, cols, start, count + 1, missing, labels, pits)
            for band, start in zip(bands, starts, strict=False)
        ]
    )
    by_rows(descent.follow, rows, stride, labels)
    inner, outer, order = (workspace.take(name, count + 1, np.int32) for name in ("inner", "outer", "order"))
    level = workspace.take("level", count + 2, np.int32)
    if fixed is not None and penalty_m > 0 and count > 0:
        tree = detours.avoiding_tree(
            z, z.view(np.int32), directions, steps_of(stride), stride, fixed, labels, pits, np.float32(penalty_m)
        )
    else:
        tree = _lowest_tree(z, labels, stride, pits_of_bands, workspace)
    start = workspace.take("tree start", count + 2, np.int32)
    near = workspace.take("tree near", 2 * tree[0].size, np.int32)
    keys, left, right = tree
    reached = spanning_tree.spill(keys, left, right, keys.size, stride, start, near, inner, outer, level, order)
    undrained = np.zeros(0, np.uint8)
    if reached <= count:
        undrained = np.zeros(count + 2, np.uint8)
        undrained[1:-1] = inner[1:] < 0
    floats = level.view(np.float32)
    return Basins((rows, cols), stride, directions, labels, pits, floats, inner, outer, order, reached, undrained)


def turn_ways(basins: Basins) -> None:
    """Route the directions: the way from every pit to its pass is turned around, so that all water that can leaves."""
    if basins.count:
        steps = steps_of(basins.stride)
        by_rows(spanning_tree.turn, basins.count, basins.inner, basins.outer, basins.directions, steps, basins.stride)


def _lowest_tree(
    z: np.ndarray, labels: np.ndarray, stride: int, pits_of_bands: list[int], workspace: Workspace
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, cols = z.shape
    count = sum(pits_of_bands)
    tree = workspace.take("tree", count, np.uint64)
    tree_left, tree_right = (workspace.take(name, count, np.int32) for name in ("tree left", "tree right"))
    if count == 0:
        return tree, tree_left, tree_right
    bands = threads.bands(rows)
    most = [4 * (last - first) * cols for first, last in bands]
    rooms = [min(_EDGES_PER_BASIN * pits + cols + 1024, top) for pits, top in zip(pits_of_bands, most, strict=True)]
    bits = z.view(np.int32).reshape(-1)
    while True:
        starts = np.concatenate([[0], np.cumsum(rooms)])
        keys = workspace.take("edges", int(starts[-1]), np.uint64)
        left, right = (workspace.take(name, int(starts[-1]), np.int32) for name in ("edges left", "edges right"))
        spans = [slice(int(a), int(b)) for a, b in itertools.pairwise(starts)]
        sizes = threads.run(
            [
                partial(passes.lowest_edges, *band, bits, cols, labels, stride, count + 1, keys[span], left[span], right[span])
                for band, span in zip(bands, spans, strict=True)
            ]
        )
        if min(sizes) >= 0:
            break
        rooms = [min(2 * room, top) if size < 0 else room for room, size, top in zip(rooms, sizes, most, strict=True)]
    filled = sizes[0]
    for span, size in zip(spans[1:], sizes[1:], strict=True):
        for array in (keys, left, right):
            array[filled : filled + size] = array[span.start : span.start + size]
        filled += size
    component, best_edge = (workspace.take(name, count + 1, np.int32) for name in ("component", "best edge"))
    best = workspace.take("best", count + 1, np.uint64)
    alive, partner = (workspace.take(name, count, np.int32) for name in ("alive", "partner"))
    found = spanning_tree.grow(keys, left, right, filled, component, best, best_edge, alive, partner, tree, tree_left, tree_right)
    return tree[:found], tree_left[:found], tree_right[:found]
