"""A part of a finished terrain is invented anew; every other point keeps its bits.

The painted region and its surroundings are a small terrain of their own: the surroundings are the seen ground of which the
procedural start, the guided diffusion and the polish know, so that the new ground continues them. What comes out is laid in
with weights that begin with 0 and slope 0 at the region's border: neither height nor slope has a step there. Last, the whole
terrain is drained, cutting and filling in the region only.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, gaussian_filter, label

from kernels.fill import fill

from ..context import Context
from ..contract.errors import BadSettings
from ..contract.settings import TerrainSettings
from ..networks.terrain import TerrainNetwork
from ..scene import VisibleTerrain
from ..terrain import Grid, Terrain
from . import diffusion, polish, procedural_start
from .drainage import drain_with_banks
from .height_unit import seen_scale
from .region_files import read_base, read_mask

MARGIN = 64
"""Cells of surroundings on each side of the region that the networks see: a quarter of the tiles they were trained on."""
SMALLEST_WINDOW = 256
"""Region and surroundings together have at least this many cells a side (a whole tile), where the terrain has them."""
BLEND_CELLS = 10
"""Width of the band inside the region's border in which old ground turns into new ground."""
FORM_CELLS = 6.0
"""Forms larger than this (standard deviation in cells) are the large ones."""
FORM_BLEND_CELLS, FORM_SHARE = 48.0, 0.6
"""Width of the band in which large forms of the old ground turn into new ones; in small regions a share of their depth."""
APART = 32
"""Painted ground at least this many cells apart is worked on separately."""
PART_SEED = 2**31
"""Between the seeds of two parts: beyond all seeds that can be chosen."""
USUAL_MISMATCH = 0.05
"""Share of the seen relief by which the seen ground of the old terrain may differ from what the picture shows now."""


@dataclass(frozen=True)
class Part:
    """Painted ground that hangs together, with its surroundings.

    window: rows and columns of the terrain that are worked on.   free: bool, of the window's shape, points that change.
    visible, bound: of the window; everything but `free` is known ground.   base: float32 m, the terrain there as it is.
    """

    window: tuple[slice, slice]
    free: np.ndarray
    visible: VisibleTerrain
    bound: np.ndarray
    base: np.ndarray

    def drained(self, heights: np.ndarray) -> np.ndarray:
        """Wide valleys toward old ground, cut into free points; draining the terrain then leaves no slits."""
        return polish.drain_coarsely(heights, ~self.free, seen_scale(self.visible))


@dataclass(frozen=True)
class Region:
    """What to invent anew.

    base: float32 (rows, cols) m, the terrain as it is.   free: bool, points that change; at least one does, and one does not.
    visible, bound: the picture's visible ground and Z_max.   parts: share the free points among them.
    """

    base: np.ndarray
    free: np.ndarray
    visible: VisibleTerrain
    bound: np.ndarray
    parts: tuple[Part, ...]

    def each_part(self, ctx: Context, work: Callable[[Part, Context], np.ndarray]) -> np.ndarray:
        """A copy of `base` in which the free points have what `work` makes of their parts' windows. float32 (rows, cols)."""
        laid = self.base.copy()
        for number, part in enumerate(self.parts):
            heights = work(part, _context_of(ctx, number, len(self.parts)))
            laid[part.window] = np.where(part.free, heights, laid[part.window])
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
    return Region(base, free, visible, bound, tuple(_parts(base, free, visible, bound)))


def _parts(base: np.ndarray, free: np.ndarray, visible: VisibleTerrain, bound: np.ndarray) -> Iterator[Part]:
    """The region in pieces that are far from each other, so that a few dabs do not cost as much as the whole terrain."""
    labels, _ = label(distance_transform_edt(~free) < 0.5 * APART, np.ones((3, 3)))
    windows = [_window(box, free.shape) for box in find_objects(labels)]
    if sum((rows.stop - rows.start) * (cols.stop - cols.start) for rows, cols in windows) > free.size:
        labels, windows = np.ones(free.shape, int), [(slice(0, free.shape[0]), slice(0, free.shape[1]))]
    grid = visible.grid
    for number, window in enumerate(windows, 1):
        mine = free[window] & (labels[window] == number)
        top, left = window[0].start, window[1].start
        place = Grid(mine.shape[0], mine.shape[1], grid.dx_m,
                     (grid.origin_m[0] + left * grid.dx_m, grid.origin_m[1] - top * grid.dx_m))
        heights = np.where(mine, np.float32(np.nan), base[window]).astype(np.float32)
        around = VisibleTerrain(place, visible.camera, heights, ~mine, np.zeros(mine.shape, bool))
        yield Part(window, mine, around, bound[window], base[window])


def _window(box: tuple[slice, ...], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of painted ground with its surroundings."""
    sides = []
    for span, length in zip(box, shape, strict=True):
        rim = max(MARGIN, -(-(SMALLEST_WINDOW - (span.stop - span.start)) // 2))
        first = max(0, min(span.start - rim, length - SMALLEST_WINDOW))
        sides.append(slice(first, min(length, max(span.stop + rim, first + SMALLEST_WINDOW))))
    return sides[0], sides[1]


def sketch(region: Region, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """The stage `start`: the old terrain with a procedural start in the region. Float32 (rows, cols) m. Raises Cancelled.

    Toward the border its large forms become those of the old terrain: a slope goes on where only the fine relief is new.
    """
    _warn_of_mismatch(region, ctx)

    def work(part: Part, ctx: Context) -> np.ndarray:
        new = procedural_start.start(part.visible, part.bound, settings, ctx, enclosed=True)
        depth = distance_transform_edt(part.free)
        change = np.where(part.free, new - part.base, 0.0)
        share = gaussian_filter(part.free.astype(np.float64), FORM_CELLS)
        forms = np.where(part.free, gaussian_filter(change, FORM_CELLS) / np.maximum(share, 1e-6), 0.0)
        wide = smooth_ramp(depth / max(1.0, min(FORM_BLEND_CELLS, FORM_SHARE * float(depth.max()))))
        mixed = part.base + wide * forms + blend_weights(part.free) * (change - forms)
        return part.drained(np.minimum(mixed, np.maximum(part.bound, part.base)).astype(np.float32))

    return region.each_part(_seeded(ctx, settings), work)


def complete(region: Region, start: np.ndarray, settings: TerrainSettings, ctx: Context, network: TerrainNetwork | None = None
             ) -> np.ndarray:
    """The stage `completed`: guided diffusion in the region. start: from `sketch`. Raises Cancelled, MissingWeights."""

    def work(part: Part, ctx: Context) -> np.ndarray:
        return diffusion.complete(start[part.window], part.visible, part.bound, settings, ctx, network)

    return region.each_part(_seeded(ctx, settings), work)


def finish(region: Region, completed: np.ndarray, settings: TerrainSettings, ctx: Context,
           network: TerrainNetwork | None = None) -> Terrain:
    """The stage `polished`: polish in the region, blend, drain. The terrain has the layer `region` besides those of `polish`.

    Outside of the region it holds the bits of the old terrain. Inside, no point is above the view bound that was not before.
    Raises Cancelled, MissingWeights.
    """
    alone = dataclasses.replace(settings, upsample=1)

    def work(part: Part, ctx: Context) -> np.ndarray:
        new = polish.polish(completed[part.window], part.visible, part.bound, alone, ctx, network).heights
        weight = blend_weights(part.free)
        mixed = (part.base + weight * (new.astype(np.float64) - part.base)).astype(np.float32)
        return part.drained(np.minimum(mixed, np.maximum(part.bound, part.base)))

    mixed = region.each_part(_seeded(ctx, settings), work)
    ctx.progress(0.95, "Joining old and new ground")
    heights = drain_region(mixed, region)
    seen = region.visible
    layers = polish.layers_of(heights, seen, np.where(seen.mask, np.float32(np.inf), region.bound))
    return Terrain(seen.grid, heights, layers | {"region": region.free.astype(np.uint8)})


def smooth_ramp(t: np.ndarray) -> np.ndarray:
    """0 up to t = 0, 1 from t = 1 on, without a step in slope or curvature at either end."""
    t = np.clip(t, 0.0, 1.0)
    return t * t * t * (t * (6.0 * t - 15.0) + 10.0)


def blend_weights(free: np.ndarray) -> np.ndarray:
    """Float64 (rows, cols): share of new ground, 0 outside, 1 from BLEND_CELLS inside the border on (less in small regions)."""
    depth = distance_transform_edt(free)
    # Half of the depth at the deepest point is left for wholly new ground.
    width = min(BLEND_CELLS, max(1.0, 0.5 * float(depth.max())))
    return smooth_ramp((depth - 0.5) / width) * free


def drain_region(heights: np.ndarray, region: Region) -> np.ndarray:
    """Drain by cutting free points only; what stays enclosed by old ground is filled, as far as the bound allows. Float32."""
    scale = float(np.median([seen_scale(part.visible) for part in region.parts]))
    drained = drain_with_banks(heights, ~region.free, polish.LIFT * scale, polish.BANK_SLOPE * scale / 16.0)
    filled = np.minimum(fill(drained), np.maximum(region.bound, drained))
    return np.where(region.free, filled, region.base).astype(np.float32)


def describe(terrain: Terrain, settings: TerrainSettings) -> dict[str, Any]:
    """What the report says of a region (docs/report.md). terrain: from `finish`. Raises BadSettings."""
    base, free = read_base(Path(settings.base_path), terrain.grid.shape), terrain.layers["region"] > 0
    digest = hashlib.sha256(np.packbits(free).tobytes()).hexdigest()
    change = np.abs(terrain.heights[free].astype(np.float64) - base[free])
    return {"id": f"{settings.region_seed}-{digest[:8]}", "seed": settings.region_seed, "cells": int(free.sum()),
            "share_of_grid": float(free.mean()), "mean_change_m": float(change.mean()), "largest_change_m": float(change.max()),
            "seam": seam(terrain.heights, free), "seam_before": seam(base, free)}


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


def _context_of(ctx: Context, number: int, count: int) -> Context:
    """The context for one of `count` parts: other random numbers than the others, its share of the progress."""

    def report(fraction: float, text: str) -> None:
        ctx.report((number + fraction) / count, text)

    return dataclasses.replace(ctx, seed=ctx.seed + PART_SEED * number, report=report)


def _seeded(ctx: Context, settings: TerrainSettings) -> Context:
    """The same context with the region's own random numbers."""
    return dataclasses.replace(ctx, seed=settings.region_seed)


def _warn_of_mismatch(region: Region, ctx: Context) -> None:
    """The old terrain may come from other settings or another version, which saw other ground in the picture."""
    seen = region.visible
    shown = seen.mask & ~seen.silhouette & ~region.free
    if not shown.any():
        return
    apart = float(np.median(np.abs(region.base - seen.heights)[shown]))
    if apart > USUAL_MISMATCH * float(np.ptp(seen.heights[shown])):
        ctx.warning("start", f"The old terrain lies {apart:.0f} m from what the picture shows with these settings, so that the "
                             "view bound may not fit it.")
