"""The graph of basins of one tile, reduced to those that touch its rim.

What touches no other tile knows all its passes, so it can join its neighbors as in Boruvka's algorithm until it meets a basin
at the rim (a hub), or the outlets; only hubs and the lowest passes between them go to the graph of the whole terrain, whose
size is that of the rims whatever the ground. Every pass on the way from a basin to its hub is lower than any by which the
joined basins can be left, so a hub's level holds for all of them, but where passes on their way to the hub are higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from . import levels, passes, tiling
from .passes import order_of
from .tiling import Bounds

NO_NODES = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Passes:
    """Passes between hubs; rows 0 and 1 of all but the keys are their left and right ends.

    keys: uint64 (n,).   hubs: int32 (2, n) numbers.   basins: int32 (2, n) labels of those that meet there.   cells: int64 (2, n)
    of the terrain, and ways: uint8 (2, n): where the hub is left towards that basin; -1 if it is that basin itself.
    """

    keys: np.ndarray
    hubs: np.ndarray
    basins: np.ndarray
    cells: np.ndarray
    ways: np.ndarray


@dataclass(frozen=True)
class Joined:
    """What the basins of a tile (by label) have joined.

    hub: int32 number, 0 for the outlets, -1 for none.   parent: int32 label of the next basin on the way there.   cells: int64 of
    the terrain, -1 for hubs, and ways: uint8: where a basin is left to get there.   level: float32 highest pass on that way.
    """

    hub: np.ndarray
    parent: np.ndarray
    cells: np.ndarray
    ways: np.ndarray
    level: np.ndarray


def contract(z: np.ndarray, labels: np.ndarray, count: int, bounds: Bounds, cols: int) -> tuple[np.ndarray, Passes, Joined]:
    """Labels of the hubs 1, 2, ...; the passes between hubs; what the others have joined.

    z, labels: float32 and int32 with one cell around the tile; labels 1..count.   cols: of the terrain.
    """
    keys, left, right = passes.edges_within(z, labels, bounds[0], bounds[2], cols)
    waits = np.zeros(count + 1, np.bool_)
    for rim in tiling.rims(labels[1:-1, 1:-1]):
        waits[rim[rim > 0]] = True
    waits[0] = True
    nodes = np.arange(count + 1, dtype=np.int32)
    component = nodes.copy()
    inner = passes.lowest_forest(keys, left, right, component, waits)
    seeds = np.flatnonzero(component == nodes)
    ends = left[inner], right[inner]
    level, over, from_right, last = levels.spill(keys[inner], *ends, nodes, seeds)
    cells, ways = levels.ways_over(keys[inner], over, from_right, cols)
    hubs = np.flatnonzero(waits[1:]) + 1
    numbers = np.full(count + 1, -1, np.int32)
    numbers[0] = 0
    numbers[hubs] = np.arange(1, hubs.size + 1)
    hub = numbers[component]
    parent = _next_basins(over, from_right, *ends)
    kept = passes.lowest_forest(keys, left, right, component, NO_NODES)
    both = np.stack([left[kept], right[kept]])
    doors = last[both]
    door_cells, door_ways = np.where(doors < 0, -1, cells[doors]), ways[doors]
    i, j = np.divmod(door_cells, cols)
    door_cells = np.where(doors < 0, -1, (i + door_ways // 3 - 1) * cols + j + door_ways % 3 - 1)  # from the hub's side
    return (
        hubs,
        Passes(keys[kept], hub[both], both, door_cells, (8 - door_ways).astype(np.uint8)),
        Joined(hub, parent, cells, ways, level),
    )


@numba.njit(cache=True, nogil=True)
def _next_basins(over, from_right, left, right):
    """int32: the basin that each one leaves to; itself if it does not."""
    out = np.arange(over.size).astype(np.int32)
    for basin in range(over.size):
        if over[basin] >= 0:
            out[basin] = left[over[basin]] if from_right[basin] else right[over[basin]]
    return out


@numba.njit(cache=True, nogil=True)
def settle(hub, level, hub_level):
    """float32 level to which every basin fills, from those of the hubs (float32, the first for the outlets)."""
    out = np.empty(level.size, np.float32)
    for basin in range(level.size):
        out[basin] = level[basin]
        if hub[basin] >= 0 and order_of(hub_level[hub[basin]]) > order_of(level[basin]):
            out[basin] = hub_level[hub[basin]]
    return out


@numba.njit(cache=True, nogil=True)
def leave_elsewhere(parent, cells, ways, basins, new_cells, new_ways, cols):
    """Basins that are left over another pass: those between them and their hub then drain to them, in place in cells, ways."""
    for k in range(basins.size):
        basin, cell, way = basins[k], new_cells[k], new_ways[k]
        while cells[basin] >= 0:
            old_cell, old_way = cells[basin], ways[basin]
            cells[basin], ways[basin] = cell, way
            r, c = levels.step(old_cell, old_way, cols)
            cell, way = r * cols + c, np.uint8(8 - old_way)
            basin = parent[basin]
