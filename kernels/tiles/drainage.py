"""The basin graph of a terrain in tiles: one reading of all heights, kept as numbers for basins, passes and seams.

Barnes (2016, "Parallel priority-flood depression filling for trillion cell digital elevation models on desktops or clusters")
joins tiles by a graph of their borders; here the same is done for the graph of basins of Cordonnier, Bovy and Braun (2019),
which gives directions as well as levels. What is kept is some 20 bytes a pit, and more only for basins at the rims of tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import KernelInputError
from . import codes, passes, tiling
from .contraction import Joined, Passes, contract
from .joining import join
from .roots import Roots
from .storage import Watch, each_tile
from .terrain import NONE, Terrain
from .tiling import Bounds


@dataclass(frozen=True)
class _Surveyed:
    """What is known of a tile alone."""

    passes: Passes
    joined: Joined
    outlets: int
    cells: int
    pits: int
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

        def survey(index: int, bounds: Bounds) -> _Surveyed:
            z = terrain.read(bounds)
            inside = z[1:-1, 1:-1]
            ways = codes.descend(z, terrain.outlets_of(bounds))
            labels, found = codes.roots_of(ways)
            codes.follow(ways, labels, 0, labels.size, 1)
            tiling.put(heights, bounds, inside)
            hubs, between, joined = contract(z, labels, found.size, bounds, tiles.cols)
            roots.add(index, bounds, ways, labels, found[hubs - 1], joined.hub)
            ground = ways[1:-1, 1:-1] != codes.NOTHING
            return _Surveyed(
                between,
                joined,
                int((ways == codes.OUTLET).sum()),
                int(ground.sum()),
                int((ways.ravel()[found] == codes.STAY).sum()),
                float(np.abs(inside).max(where=ground, initial=0.0)),
            )

        surveyed: list[_Surveyed] = each_tile(tiles, survey, watch)
        self.top_m, self.cells = max(tile.top_m for tile in surveyed), sum(tile.cells for tile in surveyed)
        self.basins = sum(tile.pits for tile in surveyed)
        if self.cells == 0:
            raise KernelInputError("All cells are marked as no data: there is no terrain.")
        if not any(tile.outlets for tile in surveyed):
            raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
        roots.number()
        between, joined = [tile.passes for tile in surveyed], [tile.joined for tile in surveyed]
        surveyed.clear()
        self._tiles = join(tiles, roots, heights, between, joined, watch)

    def _unrouted(self, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        z = self.terrain.read(bounds)
        return z, codes.descend(z, self.terrain.outlets_of(bounds))

    def filled(self, index: int, bounds: Bounds) -> np.ndarray:
        """float32 tile raised to the levels of its basins; NaN where there is no ground."""
        z, ways = self._unrouted(bounds)
        return passes.raise_to_level(z, codes.labels_of(ways), self._tiles[index].level)

    def routed(self, index: int, bounds: Bounds) -> RoutedTile:
        """A tile with directions that end at outlets."""
        z, ways = self._unrouted(bounds)
        tile = self._tiles[index]
        held = codes.hold(ways, codes.labels_of(ways), tile.undrained) if tile.undrained.size else NONE
        codes.turn_around(ways, tile.turn_cells, tile.turn_ways)
        codes.close(ways)
        return RoutedTile(z, ways, held)
