"""A terrain carved tile by tile, once what every tile passes on to the next is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import KernelInputError
from ..fixed_point import LOWEST, fixed_point
from . import carving, codes, tiling
from .drainage import Drainage, RoutedTile
from .roots import Roots, by_tile
from .storage import Source, Watch, each_tile, padded
from .terrain import NONE
from .tiling import Bounds


@dataclass(frozen=True)
class TileCuts:
    """Cells lowered; cells that drop too little; sum of cuts, deepest, deepest of an outlet (m); cells without a way out."""

    changed: int
    stuck: int
    total_m: float
    deepest_m: float
    border_m: float
    undrained: int


class CarvedTiles:
    """Heights carved along the directions of a drainage. epsilon_m: the drop really used. Raises KernelInputError."""

    def __init__(self, drainage: Drainage, fixed: Source | None, epsilon_m: float, watch: Watch) -> None:
        self._drainage, self._fixed = drainage, fixed
        tiles = drainage.terrain.tiling
        self._unit, self._epsilon = fixed_point(drainage.top_m, epsilon_m)
        self.epsilon_m = self._epsilon * self._unit
        self._range = f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights."
        roots = Roots(tiles)
        steps = tiling.empty_seams(tiles, np.int32)

        def alone(index: int, bounds: Bounds) -> np.ndarray:
            routed, kept, units = self._carved(index, bounds, np.empty(0, np.int64), np.empty(0, np.int64))
            ways = routed.ways
            counts = carving.start_counting(ways)
            for first, last, stride in codes.rim_of(ways.shape):
                carving.count_steps(ways, kept, counts, first, last, stride)
            tiling.put(steps, bounds, counts[1:-1, 1:-1])
            return units.ravel()[roots.add_routed(index, bounds, ways)].astype(np.int64)

        units = np.concatenate([np.zeros(1, np.int64), *each_tile(tiles, alone, watch)])
        roots.number()
        into, limit = carving.carve_between(roots.ways, roots.cells, roots.seams, units, steps, tiles.cols, self._epsilon)
        if limit.size and limit.min() < LOWEST:
            raise KernelInputError(self._range)
        self._inflow = by_tile(tiles, into, limit)

    def _carved(
        self, index: int, bounds: Bounds, cells: np.ndarray, inflow: np.ndarray
    ) -> tuple[RoutedTile, np.ndarray, np.ndarray]:
        """The tile, which of its cells must not be lowered, and int32 units; all with one cell around."""
        routed = self._drainage.routed(index, bounds)
        kept = routed.held
        if self._fixed is not None:
            kept = padded(self._fixed, bounds, False)
            if routed.held.size:
                kept |= routed.held
        units = carving.to_units(routed.heights, 1.0 / self._unit)
        if not carving.carve(units, routed.ways, kept, cells, inflow, self._epsilon):
            raise KernelInputError(self._range)
        return routed, kept, units

    def tile(self, index: int, bounds: Bounds) -> tuple[np.ndarray, TileCuts]:
        """float32 carved heights, NaN where there is no ground, and what was cut."""
        routed, kept, units = self._carved(index, bounds, *self._inflow.of(index, bounds))
        watched = NONE if self._fixed is None else kept
        out, changed, stuck, total_m, deepest_m, border_m = carving.write_back(
            routed.heights, units, routed.ways, watched, self._unit, 1.0 / self._unit, self._epsilon
        )
        return out, TileCuts(changed, stuck, total_m, deepest_m, border_m, int(routed.held[1:-1, 1:-1].sum()))
