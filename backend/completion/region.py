"""A part of a finished terrain is invented anew; every other point keeps its bits.

The painted region and its surroundings are a small terrain of their own: the surroundings are the seen ground of which the
procedural start, the guided diffusion and the polish know, so that the new ground continues them. What comes out is laid in
with weights that begin with 0 and slope 0 at the region's border: neither height nor slope has a step there. Last, the whole
terrain is drained, cutting and filling in the region only.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt, find_objects

from kernels.fill import fill

from ..context import Context
from ..contract.errors import BadSettings
from ..contract.settings import TerrainSettings
from ..networks.terrain import TerrainNetwork
from ..scene import VisibleTerrain
from ..terrain import Grid, Terrain
from . import diffusion, polish, procedural_start
from .drainage import drain
from .height_unit import seen_scale

MARGIN = 64
"""Cells of surroundings on each side of the region that the networks see: a quarter of the tiles they were trained on."""
SMALLEST_WINDOW = 256
"""Region and surroundings together have at least this many cells a side (a whole tile), where the terrain has them."""
BLEND_CELLS = 10
"""Width of the band inside the region's border in which old ground turns into new ground."""
PAINTED = 0.5
"""Brush strength from which a point belongs to the region."""
USUAL_MISMATCH = 0.05
"""Share of the seen relief by which the seen ground of the old terrain may differ from what the picture shows now."""


@dataclass(frozen=True)
class Region:
    """What to invent anew, and in what surroundings.

    base: float32 (rows, cols) m, the terrain as it is.   free: bool, points that change; at least one does, and one does not.
    window: rows and columns of the part that is worked on.   visible, bound: of that part; everything but `free` is known.
    whole, whole_bound: the picture's visible ground and Z_max on the whole grid.
    """

    base: np.ndarray
    free: np.ndarray
    window: tuple[slice, slice]
    visible: VisibleTerrain
    bound: np.ndarray
    whole: VisibleTerrain
    whole_bound: np.ndarray

    def lay_in(self, heights: np.ndarray, part: np.ndarray) -> np.ndarray:
        """A copy of `heights` (rows, cols) with `part` (the window's shape) on the free points."""
        laid = heights.copy()
        laid[self.window] = np.where(self.free[self.window], part, heights[self.window])
        return laid


def find_region(visible: VisibleTerrain, bound: np.ndarray, settings: TerrainSettings) -> Region:
    """Read the terrain and the painted region that the settings name.

    visible, bound: of the picture, before polishing refines them. Raises BadSettings with one sentence.
    """
    factor = settings.upsample
    if factor > 1:
        visible, bound = polish.refine_visible(visible, factor), polish.refine_bound(bound, factor)
    shape = visible.grid.shape
    base, painted = read_base(Path(settings.base_path), shape), read_mask(Path(settings.region_path), shape)
    free = painted if settings.region_seen else painted & ~visible.mask
    if not painted.any():
        raise BadSettings("No ground is painted: paint the region that shall be made anew first.")
    if not free.any():
        raise BadSettings("The picture shows all of the painted ground; paint hidden ground, or let seen ground change too.")
    if free.all():
        raise BadSettings("The whole terrain is painted: leave some of it, or make a new terrain with another seed.")
    window = _window(free)
    known = ~free[window]
    grid = visible.grid
    top, left = window[0].start, window[1].start
    part = Grid(known.shape[0], known.shape[1], grid.dx_m,
                (grid.origin_m[0] + left * grid.dx_m, grid.origin_m[1] - top * grid.dx_m))
    heights = np.where(known, base[window], np.float32(np.nan)).astype(np.float32)
    surroundings = VisibleTerrain(part, visible.camera, heights, known, np.zeros(known.shape, bool))
    return Region(base, free, window, surroundings, bound[window], visible, bound)


def sketch(region: Region, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """The stage `start`: the old terrain with a procedural start in the region. Float32 (rows, cols) m. Raises Cancelled."""
    _warn_of_mismatch(region, ctx)
    part = procedural_start.start(region.visible, region.bound, settings, _seeded(ctx, settings))
    return region.lay_in(region.base, part)


def complete(region: Region, start: np.ndarray, settings: TerrainSettings, ctx: Context, network: TerrainNetwork | None = None
             ) -> np.ndarray:
    """The stage `completed`: guided diffusion in the region. start: from `sketch`. Raises Cancelled, MissingWeights."""
    part = diffusion.complete(start[region.window], region.visible, region.bound, settings, _seeded(ctx, settings), network)
    return region.lay_in(region.base, part)


def finish(region: Region, completed: np.ndarray, settings: TerrainSettings, ctx: Context,
           network: TerrainNetwork | None = None) -> Terrain:
    """The stage `polished`: polish in the region, blend, drain. The terrain has the layer `region` besides those of `polish`.

    Outside of the region it holds the bits of the old terrain. Inside, no point is above the view bound that was not before.
    Raises Cancelled, MissingWeights.
    """
    alone = dataclasses.replace(settings, upsample=1)
    part = polish.polish(completed[region.window], region.visible, region.bound, alone, _seeded(ctx, settings), network)
    ctx.progress(0.95, "Joining old and new ground")
    weight = blend_weights(region.free)
    new = region.lay_in(region.base, part.heights)
    mixed = (region.base + weight * (new.astype(np.float64) - region.base)).astype(np.float32)
    seen = region.whole
    limit = np.where(seen.mask & ~region.free, np.inf, region.whole_bound).astype(np.float32)
    heights = drain_region(mixed, region, np.maximum(limit, mixed))
    layers = polish.layers_of(heights, seen, np.where(seen.mask, np.float32(np.inf), region.whole_bound))
    return Terrain(seen.grid, heights, layers | {"region": region.free.astype(np.uint8)})


def blend_weights(free: np.ndarray) -> np.ndarray:
    """Float64 (rows, cols): 0 outside, rising to 1 within BLEND_CELLS of the border (less in small regions), C2 at both ends."""
    depth = distance_transform_edt(free)
    # A region of one cell has no middle to blend into; half of the depth at the deepest point is left for wholly new ground.
    width = min(BLEND_CELLS, max(1.0, 0.5 * float(depth.max())))
    t = np.clip((depth - 0.5) / width, 0.0, 1.0) * free
    return t * t * t * (t * (6.0 * t - 15.0) + 10.0)


def drain_region(heights: np.ndarray, region: Region, ceiling: np.ndarray) -> np.ndarray:
    """Drain by cutting free points only; what stays enclosed by old ground is filled, as far as `ceiling` allows. Float32."""
    drained = drain(heights, ~region.free, polish.LIFT * seen_scale(region.visible))
    filled = np.minimum(fill(drained), np.maximum(ceiling, drained))
    return np.where(region.free, filled, region.base)


def describe(terrain: Terrain, settings: TerrainSettings) -> dict[str, Any]:
    """What the report says of a region (docs/report.md). terrain: from `finish`. Raises BadSettings."""
    base, free = read_base(Path(settings.base_path), terrain.grid.shape), terrain.layers["region"] > 0
    digest = hashlib.sha256(np.packbits(free).tobytes()).hexdigest()
    change = np.abs(terrain.heights[free].astype(np.float64) - base[free])
    return {"id": f"{settings.region_seed}-{digest[:8]}", "seed": settings.region_seed, "cells": int(free.sum()),
            "share_of_grid": float(free.mean()), "mean_change_m": float(change.mean()), "largest_change_m": float(change.max()),
            "seam": seam(terrain.heights, free)}


def seam(heights: np.ndarray, free: np.ndarray, reach: int = 16) -> dict[str, float | None]:
    """Steps in height and slope across the region's border, and the same between neighbors around it, up to `reach` cells away.

    step_m: mean difference of two neighbors.   bend_m: mean second difference of three (0 where slope does not change).
    """
    near = distance_transform_edt(~free) + distance_transform_edt(free) <= reach
    found: dict[str, list[np.ndarray]] = {"step_m": [], "bend_m": [], "around_step_m": [], "around_bend_m": []}
    for axis in (0, 1):
        z, inside, close = (np.moveaxis(a, axis, 0) for a in (heights.astype(np.float64), free, near))
        step, bend = np.abs(np.diff(z, axis=0)), np.abs(np.diff(z, 2, axis=0))
        crossed = inside[1:] != inside[:-1]
        crossed_bend = crossed[1:] | crossed[:-1]
        quiet, quiet_bend = ~crossed & close[1:], ~crossed_bend & close[1:-1]
        for name, values in (("step_m", step[crossed]), ("bend_m", bend[crossed_bend]), ("around_step_m", step[quiet]),
                             ("around_bend_m", bend[quiet_bend])):
            found[name].append(values)
    joined = {name: np.concatenate(values) for name, values in found.items()}
    return {name: float(values.mean()) if values.size else None for name, values in joined.items()}


def read_base(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The terrain to change: float32 (rows, cols) m from a terrain.npy. Raises BadSettings with one sentence."""
    try:
        heights = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise BadSettings(f"The terrain to change, {path}, cannot be read.") from problem
    if not isinstance(heights, np.ndarray) or heights.dtype != np.float32 or not np.isfinite(heights).all():
        raise BadSettings(f"The terrain to change, {path}, does not hold heights as 32-bit numbers.")
    _check_shape("The terrain to change", heights.shape, shape)
    return heights


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The painted region: bool (rows, cols) from an .npy file (0 to 1) or a picture (black to white). Raises BadSettings."""
    try:
        if path.suffix.lower() == ".npy":
            strength = np.asarray(np.load(path, allow_pickle=False), np.float32)
        else:
            with Image.open(path) as picture:
                strength = np.asarray(picture.convert("L"), np.float32) / 255.0
    except (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError) as problem:
        raise BadSettings(f"The painted region, {path}, cannot be read.") from problem
    _check_shape("The painted region", strength.shape, shape)
    return strength >= PAINTED


def _check_shape(what: str, got: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if got != wanted:
        size = " x ".join(str(n) for n in got) or "no grid of"
        raise BadSettings(f"{what} has {size} points and this run makes {wanted[0]} x {wanted[1]}: "
                          "use the resolution it was made with.")


def _window(free: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the free points with their surroundings."""
    (box,) = find_objects(free.astype(np.uint8))
    sides = []
    for span, length in zip(box, free.shape, strict=True):
        rim = max(MARGIN, -(-(SMALLEST_WINDOW - (span.stop - span.start)) // 2))
        first = max(0, min(span.start - rim, length - SMALLEST_WINDOW))
        sides.append(slice(first, min(length, max(span.stop + rim, first + SMALLEST_WINDOW))))
    return sides[0], sides[1]


def _seeded(ctx: Context, settings: TerrainSettings) -> Context:
    """The same context with the region's own random numbers."""
    return dataclasses.replace(ctx, seed=settings.region_seed)


def _warn_of_mismatch(region: Region, ctx: Context) -> None:
    """The old terrain may come from other settings or another version, which saw other ground in the picture."""
    shown = region.whole.mask & ~region.whole.silhouette & ~region.free
    if not shown.any():
        return
    apart = float(np.median(np.abs(region.base - region.whole.heights)[shown]))
    if apart > USUAL_MISMATCH * float(np.ptp(region.whole.heights[shown])):
        ctx.warning("start", f"The old terrain lies {apart:.0f} m from what the picture shows with these settings, so that the "
                             "view bound may not fit it.")
