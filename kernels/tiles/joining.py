"""Tiles joined to the whole terrain: the forest of passes between their hubs, and what follows from it for each tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import levels, passes
from .contraction import NO_NODES, Joined, Passes, leave_elsewhere, settle
from .roots import Roots, by_tile, within
from .storage import Watch
from .tiling import Seams, Tiling


@dataclass(frozen=True)
class Settled:
    """What the whole says about a tile.

    level: float32 to which each basin (label) fills.   turn_cells, turn_ways: cells within the tile's frame to turn around.
    undrained: bool basins without a way out, or empty.
    """

    level: np.ndarray
    turn_cells: np.ndarray
    turn_ways: np.ndarray
    undrained: np.ndarray


def join(
    tiling: Tiling, roots: Roots, heights: Seams, between: list[Passes], joined: list[Joined], watch: Watch
) -> list[Settled]:
    """Settle all tiles. `between` and `joined` (what `contract` says of each tile) are emptied; TilesCancelled may be raised."""
    basin = levels.basins(roots.cells, roots.ways, roots.seams, tiling.cols)
    edges = _all_passes(roots, between, passes.edges_across(heights, roots.seams, basin, *tiling.shape))
    watch.check()
    left, right = edges.hubs
    tree = passes.lowest_forest(edges.keys, left, right, basin.copy(), NO_NODES)
    keys = edges.keys[tree]
    level, over, from_right, _ = levels.spill(keys, left[tree], right[tree], basin, np.zeros(1, np.int64))
    watch.check()
    cells, ways = levels.ways_over(keys, over, from_right, tiling.cols)
    leaving = np.flatnonzero(over >= 0)
    cells, ways, end = cells[leaving], ways[leaving], (from_right[leaving].astype(np.int64), tree[over[leaving]])
    doors = edges.cells[end]
    apart = doors >= 0  # left from a basin that has joined the hub: the hub is left towards that one
    start = edges.hubs[end], np.where(apart, doors, cells), np.where(apart, edges.ways[end], ways)
    turns = by_tile(tiling, *levels.turns(*start, roots.cells, roots.ways, roots.seams, tiling.cols))
    elsewhere = by_tile(tiling, cells[apart], np.flatnonzero(apart))
    labels = edges.basins[end]
    level, lost = level[basin], (over[basin] < 0) & (basin != 0)
    lowest = np.full(1, -np.inf, np.float32)
    joined.reverse()
    settled = []
    for index, bounds in enumerate(tiling):
        watch.check()
        tile = joined.pop()
        hubs = slice(int(roots.base[index]) + 1, int(roots.base[index + 1]) + 1)
        undrained = np.concatenate([[False], lost[hubs], [True]])[tile.hub]  # the last one: hub -1
        _, which = elsewhere.of(index, bounds)
        leave_elsewhere(tile.parent, tile.cells, tile.ways, labels[which], cells[which], ways[which], tiling.cols)
        inner = (tile.cells >= 0) & ~undrained
        hub_cells, hub_ways = turns.of(index, bounds)
        settled.append(
            Settled(
                np.where(undrained, lowest, settle(tile.hub, tile.level, np.concatenate([lowest, level[hubs]]))),
                np.concatenate([hub_cells, within(bounds, tile.cells[inner], tiling.cols)]).astype(np.int32),
                np.concatenate([hub_ways, tile.ways[inner]]),
                undrained if undrained.any() else NO_NODES,
            )
        )
    return settled


def _all_passes(roots: Roots, between: list[Passes], across: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Passes:
    """Passes within tiles and over seams (keys, nodes of both ends), hubs in the numbering of the whole. Empties `between`."""
    keys, left, right = across
    shape = 2, keys.size
    over_seams = Passes(
        keys, np.stack([left, right]), np.zeros(shape, np.int32), np.full(shape, -1, np.int64), np.zeros(shape, np.uint8)
    )
    own = [over_seams, *between]
    hubs = [over_seams.hubs, *(roots.numbered(index, tile.hubs) for index, tile in enumerate(between))]
    between.clear()
    return Passes(
        np.concatenate([tile.keys for tile in own]),
        np.concatenate(hubs, axis=1),
        np.concatenate([tile.basins for tile in own], axis=1),
        np.concatenate([tile.cells for tile in own], axis=1),
        np.concatenate([tile.ways for tile in own], axis=1),
    )
