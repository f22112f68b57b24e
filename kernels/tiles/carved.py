"""A terrain carved tile by tile, once what every tile passes on to the next is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..breach import _fixed_point
from ..errors import KernelInputError
from . import carving, codes, tiling
from .drainage import Drainage
from .roots import Roots, by_tile
from .storage import Source, Watch, each_tile, padded
from .terrain import NONE
from .tiling import Bounds


class CarvedTiles:
    """Heights carved along the directions of a drainage. epsilon_m: the drop really used. Raises KernelInputError."""

    def __init__(self, drainage: Drainage, fixed: Source | None, epsilon_m: float, watch: Watch) -> None:
        self._drainage, self._fixed = drainage, fixed
        tiles = drainage.terrain.tiling
        extremes = np.array([[drainage.lowest_m, drainage.highest_m]], np.float32)
        self._unit, self._epsilon = _fixed_point(extremes, epsilon_m)
        self.epsilon_m = self._epsilon * self._unit
        if self._epsilon >= 2**30:
            raise KernelInputError(f"epsilon_m = {epsilon_m:g} is too large for these heights.")
        self._range = f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights."
        roots = Roots(tiles)
        steps = tiling.empty_seams(tiles, np.int32)

        def alone(index: int, bounds: Bounds) -> np.ndarray:
            _, ways, mask, units = self._carved(index, bounds, np.empty(0, np.int64), np.empty(0, np.int64))
            counts = carving.start_counting(ways)
            for first, last, stride in codes.rim_of(ways.shape):
                carving.count_steps(ways, mask, counts, first, last, stride)
            tiling.put(steps, bounds, counts[1:-1, 1:-1])
            _, found = roots.add(index, bounds, ways, rim_only=True)
            return units.ravel()[found].astype(np.int64)

        units = np.concatenate([np.zeros(1, np.int64), *each_tile(tiles, alone, watch)])
        roots.number()
        into, limit = carving.carve_between(roots.ways, roots.cells, roots.seams, units, steps, tiles.cols, self._epsilon)
        if limit.size and limit.min() < carving.LOWEST:
            raise KernelInputError(self._range)
        self._inflow = by_tile(tiles, into, limit)

    def _carved(
        self, index: int, bounds: Bounds, cells: np.ndarray, inflow: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        z, ways = self._drainage.routed(index, bounds)
        mask = NONE if self._fixed is None else padded(self._fixed, bounds, False)
        units = carving.to_units(z, 1.0 / self._unit)
        if not carving.carve(units, ways, mask, cells, inflow, self._epsilon):
            raise KernelInputError(self._range)
        return z, ways, mask, units

    def tile(self, index: int, bounds: Bounds) -> tuple[Any, ...]:
        """`carving.write_back` of a tile: float32 carved heights, NaN where there is no ground, and the report's numbers."""
        z, ways, mask, units = self._carved(index, bounds, *self._inflow.of(index, bounds))
        return carving.write_back(z, units, ways, mask, self._unit, 1.0 / self._unit, self._epsilon)
