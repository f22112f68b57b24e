"""The basin graph of a terrain in tiles: one reading of all heights, kept as numbers for basins, passes and seams.

Barnes (2016, "Parallel priority-flood depression filling for trillion cell digital elevation models on desktops or clusters")
joins tiles by a graph of their borders; here the same is done for the graph of basins of Cordonnier, Bovy and Braun (2019),
which gives directions as well as levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import KernelInputError
from . import codes, levels, passes, tiling
from .roots import Roots, by_tile
from .storage import Watch, each_tile
from .terrain import NONE, Terrain
from .tiling import Bounds


@dataclass(frozen=True)
class _TileGraph:
    """What a tile gives to the whole: its forest of passes (keys, labels of both ends), how many outlets and cells with data."""

    keys: np.ndarray
    left: np.ndarray
    right: np.ndarray
    outlets: int
    cells: int
    top_m: float


@dataclass(frozen=True)
class RoutedTile:
    """float32 heights, uint8 directions, and bool (or empty) cells whose water has no way out; all with one cell around."""

    heights: np.ndarray
    ways: np.ndarray
    held: np.ndarray


class Drainage:
    """Levels and directions of a terrain, tile by tile, after one reading of it.

    top_m: largest magnitude of the heights.   cells: those with data.   basins: pits, before depressions are joined.
    """

    def __init__(self, terrain: Terrain, watch: Watch) -> None:
        self.terrain = terrain
        tiles = terrain.tiling
        roots = Roots(tiles)
        heights = tiling.empty_seams(tiles, np.float32)

        def survey(index: int, bounds: Bounds) -> _TileGraph:
            z = terrain.read(bounds)
            inside = z[1:-1, 1:-1]
            ways = codes.descend(z, terrain.outlets_of(bounds))
            labels, found = roots.add(index, bounds, ways, rim_only=False)
            tiling.put(heights, bounds, inside)
            keys, left, right = passes.edges_within(z, labels, bounds[0], bounds[2], tiles.cols)
            kept = passes.lowest_forest(keys, left, right, np.arange(found.size + 1, dtype=np.int32))
            ground = ways[1:-1, 1:-1] != codes.NOTHING
            return _TileGraph(
                keys[kept],
                left[kept],
                right[kept],
                int((ways == codes.OUTLET).sum()),
                int(ground.sum()),
                float(np.abs(inside).max(where=ground, initial=0.0)),
            )

        graphs: list[_TileGraph] = each_tile(tiles, survey, watch)
        self.top_m, self.cells = max(graph.top_m for graph in graphs), sum(graph.cells for graph in graphs)
        if self.cells == 0:
            raise KernelInputError("All cells are marked as no data: there is no terrain.")
        if not any(graph.outlets for graph in graphs):
            raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
        roots.number()
        self._base = roots.base
        self.basins = int((roots.ways[1:] == codes.STAY).sum())
        self._join(graphs, roots, heights, watch)

    def _join(self, graphs: list[_TileGraph], roots: Roots, heights: tiling.Seams, watch: Watch) -> None:
        """The forest of passes of the whole, the levels that it gives, and the ways to turn around. Empties `graphs`."""
        cols = self.terrain.tiling.cols
        basin = levels.basins(roots.cells, roots.ways, roots.seams, cols)
        keys, left, right = passes.edges_across(heights, roots.seams, basin, *self.terrain.tiling.shape)
        keys = np.concatenate([keys, *(graph.keys for graph in graphs)])
        left = np.concatenate([left, *(roots.numbered(k, graph.left) for k, graph in enumerate(graphs))])
        right = np.concatenate([right, *(roots.numbered(k, graph.right) for k, graph in enumerate(graphs))])
        graphs.clear()
        watch.check()
        tree = passes.lowest_forest(keys, left, right, basin.copy())
        keys, left, right = keys[tree], left[tree], right[tree]
        watch.check()
        level, over, from_right = levels.spill(keys, left, right, basin)
        self._level = level[basin]
        undrained = (over[basin] < 0) & (basin != 0)
        self._undrained = undrained if undrained.any() else np.zeros(0, np.bool_)
        watch.check()
        cells, ways = levels.turns(over, from_right, keys, left, right, roots.cells, roots.ways, roots.seams, cols)
        self._turns = by_tile(self.terrain.tiling, cells, ways)

    def _unrouted(self, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        z = self.terrain.read(bounds)
        return z, codes.descend(z, self.terrain.outlets_of(bounds))

    def _of_roots(self, index: int, ways: np.ndarray, values: np.ndarray, outlets: Any) -> tuple[np.ndarray, np.ndarray]:
        """Labels of a tile that is not routed yet, and the values of its roots, after that of all outlets."""
        labels, roots = codes.roots_of(ways)
        codes.follow(ways, labels, 0, labels.size, 1)
        base = int(self._base[index])
        return labels, np.concatenate([np.full(1, outlets, values.dtype), values[base + 1 : base + 1 + roots.size]])

    def filled(self, index: int, bounds: Bounds) -> np.ndarray:
        """float32 tile raised to the levels of its basins; NaN where there is no ground."""
        z, ways = self._unrouted(bounds)
        return passes.raise_to_level(z, *self._of_roots(index, ways, self._level, -np.inf))

    def routed(self, index: int, bounds: Bounds) -> RoutedTile:
        """A tile with directions that end at outlets."""
        z, ways = self._unrouted(bounds)
        held = NONE
        if self._undrained.size:
            held = codes.hold(ways, *self._of_roots(index, ways, self._undrained, False))
        codes.turn_around(ways, *self._turns.of(index, bounds))
        codes.close(ways)
        return RoutedTile(z, ways, held)
