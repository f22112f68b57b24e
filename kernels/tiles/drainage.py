"""The basin graph of a terrain in tiles: one reading of all heights, kept as numbers for basins, passes and seams.

Barnes (2016, "Parallel priority-flood depression filling for trillion cell digital elevation models on desktops or clusters")
joins tiles by a graph of their borders; here the same is done for the graph of basins of Cordonnier, Bovy and Braun (2019),
which gives directions as well as levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import KernelInputError
from . import codes, levels, passes, tiling
from .roots import Roots, by_tile
from .storage import Watch, each_tile
from .terrain import Terrain
from .tiling import Bounds


@dataclass(frozen=True)
class _TileGraph:
    """What a tile gives to the whole: its forest of passes (keys, labels of both ends), how many outlets, its extremes."""

    keys: np.ndarray
    left: np.ndarray
    right: np.ndarray
    outlets: int
    lowest: float
    highest: float


class Drainage:
    """Levels and directions of a terrain, tile by tile, after one reading of it.

    lowest_m, highest_m: the extreme heights.   basins: pits, before depressions are joined.   nbytes: memory that this holds.
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
                float(inside.min(where=ground, initial=math.inf)),
                float(inside.max(where=ground, initial=-math.inf)),
            )

        graphs: list[_TileGraph] = each_tile(tiles, survey, watch)
        if terrain.outlets is not None and not any(graph.outlets for graph in graphs):
            raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
        self.lowest_m, self.highest_m = min(g.lowest for g in graphs), max(g.highest for g in graphs)
        roots.number()
        self._base = roots.base
        self.basins = int((roots.ways[1:] == codes.STAY).sum())
        basin = levels.basins(roots.cells, roots.ways, roots.seams, tiles.cols)
        keys, left, right = passes.edges_across(heights, roots.seams, basin, tiles.rows, tiles.cols)
        keys = np.concatenate([keys, *(graph.keys for graph in graphs)])
        left = np.concatenate([left, *(roots.numbered(k, graph.left) for k, graph in enumerate(graphs))])
        right = np.concatenate([right, *(roots.numbered(k, graph.right) for k, graph in enumerate(graphs))])
        del graphs
        tree = passes.lowest_forest(keys, left, right, basin.copy())
        keys, left, right = keys[tree], left[tree], right[tree]
        level, over, from_right = levels.spill(keys, left, right, basin)
        self._level = level[basin]
        cells, ways = levels.turns(over, from_right, keys, left, right, roots.cells, roots.ways, roots.seams, tiles.cols)
        self._turns = by_tile(tiles, cells, ways)

    @property
    def nbytes(self) -> int:
        return self._level.nbytes + self._turns.cells.nbytes + self._turns.values.nbytes

    def _unrouted(self, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        z = self.terrain.read(bounds)
        return z, codes.descend(z, self.terrain.outlets_of(bounds))

    def filled(self, index: int, bounds: Bounds) -> np.ndarray:
        """float32 tile raised to the levels of its basins; NaN where there is no ground."""
        z, ways = self._unrouted(bounds)
        labels, roots = codes.roots_of(ways)
        codes.follow(ways, labels, 0, labels.size, 1)
        base = int(self._base[index])
        level = np.concatenate([np.full(1, -np.inf, np.float32), self._level[base + 1 : base + 1 + roots.size]])
        return passes.raise_to_level(z, labels, level)

    def routed(self, index: int, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        """Heights float32 and directions uint8 that end at outlets, both with one cell around the tile."""
        z, ways = self._unrouted(bounds)
        codes.turn_around(ways, *self._turns.of(index, bounds))
        codes.close(ways)
        return z, ways
