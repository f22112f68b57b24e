"""The public functions of `kernels.tiles`.

Arguments that all of them share:
source: heights in meters, finite but for cells without data (see `kernels.tiles`), or what `survey` made of them (which then
has its own tile, outlets and nodata).   target: an array of the shape and type of the result, or a path; a .npy file takes that
name once it is complete. It must not be the source.   tile: cells a side, or (rows, columns).
outlets: "border" (cells at the border and beside cells without data), or a bool array-like or path.
nodata: a height that means none (also NaN), or a bool array-like or path, True where there is none.
progress: called with the share done, 0 to 1.   cancel: asked before each tile; when it says True, TilesCancelled is raised.
KernelInputError is raised for what does not fit. After any error or cancel there is no file, and an array that was begun holds
the mark (NaN, 255 or -1) where it was written.
Memory: some 60 bytes a cell of a tile and thread, 200 a cell of the tiles' rims, and 20 a pit (each cell of a flat is one).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..breach import BreachReport
from ..errors import KernelInputError, checked_positive
from . import codes, downstream
from .carved import CarvedTiles, TileCuts
from .drainage import Drainage
from .roots import Roots, by_tile
from .storage import Cancel, Progress, Source, Watch, each_tile, writing
from .terrain import Terrain, mask_source
from .tiling import Bounds

TILE = 2048


def survey(
    source: Any,
    *,
    tile: Any = TILE,
    outlets: Any = "border",
    nodata: Any = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Drainage:
    """The basin graph of a terrain; give it to the other functions in place of heights, and they need not find it again."""
    return Drainage(Terrain(source, tile, outlets, nodata), Watch(1, progress, cancel))


def fill_tiles(
    source: Any,
    target: Any,
    *,
    tile: Any = TILE,
    outlets: Any = "border",
    nodata: Any = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Drainage:
    """Depressions raised to the level at which they overflow: float32, as `kernels.fill.fill`, in two passes."""
    terrain = _terrain(source, target, tile, outlets, nodata)
    watch = Watch(_passes(source, 1), progress, cancel)
    with writing(target, terrain.tiling.shape, np.float32, np.nan) as out:
        drainage = _drainage(source, terrain, watch)

        def work(index: int, bounds: Bounds) -> None:
            out.write(bounds, terrain.restore(bounds, drainage.filled(index, bounds)))

        each_tile(terrain.tiling, work, watch)
    return drainage


def flow_directions_tiles(
    source: Any,
    target: Any,
    *,
    kind: Any = np.uint8,
    tile: Any = TILE,
    outlets: Any = "border",
    nodata: Any = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Drainage:
    """Where each cell drains to, led out of depressions, in two passes.

    kind: int32 or int64 for the flat index of that cell as `kernels.flow.flow_receivers` has it, -1 without data; uint8 for
    3 (row step + 1) + column step + 1, so 4 for an outlet, 255 without data.
    """
    terrain = _terrain(source, target, tile, outlets, nodata)
    dtype = np.dtype(kind)
    if dtype not in (np.dtype(np.uint8), np.dtype(np.int32), np.dtype(np.int64)):
        raise KernelInputError(f"Directions are of kind uint8, int32 or int64, not {dtype}.")
    watch = Watch(_passes(source, 1), progress, cancel)
    with writing(target, terrain.tiling.shape, dtype, 255 if dtype == np.uint8 else -1) as out:
        drainage = _drainage(source, terrain, watch)

        def work(index: int, bounds: Bounds) -> None:
            ways = drainage.routed(index, bounds).ways
            if dtype == np.uint8:
                ways[ways == codes.NOTHING] = 255
                out.write(bounds, ways[1:-1, 1:-1])
            else:
                out.write(bounds, codes.receivers(ways, bounds[0], bounds[2], terrain.tiling.cols))

        each_tile(terrain.tiling, work, watch)
    return drainage


def accumulate_tiles(
    source: Any,
    target: Any,
    *,
    tile: Any = TILE,
    outlets: Any = "border",
    nodata: Any = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Drainage:
    """How many cells drain through each, itself included: float32, as `kernels.flow.flow_accumulation`, in three passes."""
    terrain = _terrain(source, target, tile, outlets, nodata)
    tiles = terrain.tiling
    watch = Watch(_passes(source, 2), progress, cancel)
    none = np.empty(0, np.int64), np.empty(0, np.int32)
    with writing(target, tiles.shape, np.float32, np.nan) as out:
        drainage = _drainage(source, terrain, watch)
        roots = Roots(tiles)

        def alone(index: int, bounds: Bounds) -> np.ndarray:
            ways = drainage.routed(index, bounds).ways
            area = downstream.accumulate(ways, *none)
            return area.ravel()[roots.add_routed(index, bounds, ways)]

        area = np.concatenate([np.zeros(1, np.int32), *each_tile(tiles, alone, watch)])
        roots.number()
        into, carried = downstream.accumulate_between(roots.ways, roots.cells, roots.seams, area, tiles.cols)
        inflow = by_tile(tiles, into, carried)

        def together(index: int, bounds: Bounds) -> None:
            ways = drainage.routed(index, bounds).ways
            cells, carried = inflow.of(index, bounds)
            out.write(bounds, downstream.accumulate(ways, cells, carried)[1:-1, 1:-1])

        each_tile(tiles, together, watch)
    return drainage


def breach_tiles(
    source: Any,
    target: Any,
    *,
    epsilon_m: float = 1e-3,
    fixed: Any = None,
    tile: Any = TILE,
    outlets: Any = "border",
    nodata: Any = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BreachReport:
    """Lower cells so that from every cell a way leads to an outlet, dropping at each step, in three passes.

    float32, as `kernels.breach.breach` without a penalty, whose report this gives.
    epsilon_m: the least drop of a step.   fixed: bool array-like or path, cells that are never lowered.
    """
    epsilon_m = checked_positive(epsilon_m, "epsilon_m")
    terrain = _terrain(source, target, tile, outlets, nodata)
    tiles = terrain.tiling
    kept = None if fixed is None else mask_source(fixed, "fixed", tiles)
    _not_the_target(target, kept)
    watch = Watch(_passes(source, 2), progress, cancel)
    with writing(target, tiles.shape, np.float32, np.nan) as out:
        drainage = _drainage(source, terrain, watch)
        carved = CarvedTiles(drainage, kept, epsilon_m, watch)

        def work(index: int, bounds: Bounds) -> TileCuts:
            heights, cuts = carved.tile(index, bounds)
            out.write(bounds, terrain.restore(bounds, heights))
            return cuts

        cuts: list[TileCuts] = each_tile(tiles, work, watch)
    volume_m = sum(cut.total_m for cut in cuts)
    return BreachReport(
        changed=sum(cut.changed for cut in cuts),
        max_cut_m=max(cut.deepest_m for cut in cuts),
        mean_cut_m=volume_m / drainage.cells,
        volume_m=volume_m,
        border_cut_max_m=max(cut.border_m for cut in cuts),
        epsilon_m=carved.epsilon_m,
        fixed_violations=sum(cut.stuck for cut in cuts),
        undrained=sum(cut.undrained for cut in cuts),
    )


def _terrain(source: Any, target: Any, tile: Any, outlets: Any, nodata: Any) -> Terrain:
    """Of checked arguments. Raises KernelInputError."""
    terrain = source.terrain if isinstance(source, Drainage) else Terrain(source, tile, outlets, nodata)
    _not_the_target(target, terrain.heights, terrain.outlets, terrain.nodata)
    return terrain


def _not_the_target(target: Any, *sources: Source | None) -> None:
    for source in sources:
        if source is not None and source.shares_memory(target):
            why = "tiles are read again once their neighbors are written"
            raise KernelInputError(f"The target must not be the {source.name}: {why}.")


def _passes(source: Any, after: int) -> int:
    return after if isinstance(source, Drainage) else after + 1


def _drainage(source: Any, terrain: Terrain, watch: Watch) -> Drainage:
    return source if isinstance(source, Drainage) else Drainage(terrain, watch)
