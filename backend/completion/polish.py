"""Polish (P2P 5.5, algorithm 4): rounds of breach, clamp, noise, guided denoise; then a projection that keeps promises.

What holds for the terrain that comes out: water standing in depressions is at most 0.05 m deep on average, no hidden
cell is above the view bound, and seen cells are on average within 1 % of the relief of where the picture has them.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, map_coordinates

from kernels.breach import breach
from kernels.fill import mean_depression_depth

from ..context import Context
from ..contract.settings import TerrainSettings
from ..networks.terrain import TerrainNetwork
from ..scene import VisibleTerrain
from ..terrain import EVIDENCE_INFERRED, EVIDENCE_MOVED, EVIDENCE_VISIBLE, Terrain
from .diffusion import RIM, TiledDenoiser, fast_bfloat16, make_weights, threads
from .drainage import EPSILON_M, drain, drain_with_banks, talus
from .guidance import Guidance
from .height_unit import HeightUnit
from .procedural_start import below, under_camera
from .schedule import FewStepSampler, NoiseSchedule
from .tiling import extend

FIRST_STEP, LAST_STEP = 50, 10
"""Noise of the first and last round: t = 0.05 and 0.01."""
STEPS_PER_ROUND = 3
"""One step would return the mean of all fine relief that fits, which is smooth."""
BREACH_FACTOR = 4
"""Grid on which rounds breach: wide valleys instead of one-cell cuts."""
DEPRESSION_TOLERANCE_M = 0.05
SEEN_TOLERANCE = 0.01
"""Of the relief of the seen ground."""
SEEN_TARGETS = (0.006, 0.003, 0.0)
"""What the projection aims at, one after the other until draining has room left."""
BANK_SLOPE = 2.0
"""Sides of valleys that draining cuts, over the RMS slope of the terrain."""
GRAIN = 0.25
SHOULDER_SLOPE, SHOULDER_CELLS = 2.0, 6
"""Steepest fall of hidden from seen ground, over the RMS slope, and how many cells far that is looked after."""
LIFT = 0.5
"""How far hidden ways out are preferred to seen ones (drainage.py), in relief scales."""
SOFTNESS = 0.02
"""Width of the round edge below the bound, in relief scales."""


def polish(
    completed: np.ndarray,
    visible: VisibleTerrain,
    bound: np.ndarray,
    settings: TerrainSettings,
    ctx: Context,
    network: TerrainNetwork | None = None,
) -> Terrain:
    """Refine by `settings.upsample`, run `settings.polish_rounds` rounds, project.

    completed: float32 (rows, cols) m.   bound: float32 Z_max, +inf where free, read on hidden cells.   The terrain has
    the layers `evidence`, `visible`, `bound` and `silhouette`.   Raises Cancelled, MissingWeights.
    """
    heights, seen, ceiling = completed.astype(np.float32), visible, bound
    if settings.upsample > 1:
        heights = refine(completed, settings.upsample)
        seen, ceiling = refine_visible(visible, settings.upsample), refine_bound(bound, settings.upsample)
    limit = np.where(seen.mask, np.inf, ceiling).astype(np.float32)
    ceiling = np.where(seen.mask, np.inf, under_camera(ceiling, seen)).astype(np.float32)
    unit = HeightUnit.of(heights, seen)
    if settings.polish_rounds:
        network = network or TerrainNetwork.load(device=ctx.device, half=fast_bfloat16(ctx.device))
        heights = _rounds(heights, seen, ceiling, unit, settings, ctx, network)
    ctx.progress(0.9, "Draining the terrain")
    heights = project(heights, seen, ceiling, unit.scale_m, ctx)
    return Terrain(seen.grid, heights, layers_of(heights, seen, limit))


def _rounds(
    heights: np.ndarray,
    visible: VisibleTerrain,
    ceiling: np.ndarray,
    unit: HeightUnit,
    settings: TerrainSettings,
    ctx: Context,
    network: TerrainNetwork,
) -> np.ndarray:
    """The loop of algorithm 4."""
    schedule, rng = NoiseSchedule.linear(), ctx.rng("polished")
    rim = min(RIM, min(heights.shape) - 1)
    mask = np.pad(visible.mask, rim)
    wide_ceiling = np.pad(unit.reduce(ceiling), rim, constant_values=np.inf)
    guidance = Guidance(mask, wide_ceiling, make_weights(settings), EPSILON_M / unit.scale_m, ctx.device)
    count = settings.polish_rounds
    with torch.no_grad(), threads(ctx.threads):
        denoise = TiledDenoiser(network, schedule, unit.conditions, rng, ctx.check)
        for number in range(count):
            ctx.progress(0.9 * number / count, "Polishing")
            share = number / max(count - 1, 1)
            first = round(FIRST_STEP * (LAST_STEP / FIRST_STEP) ** share)
            heights = _clamp(drain_coarsely(heights, visible.mask, unit.scale_m), visible, ceiling, unit.scale_m)
            wide = extend(unit.reduce(heights), rim)
            noise = torch.from_numpy(rng.standard_normal(wide.shape, dtype=np.float32)).to(ctx.device)
            x = schedule.add_noise(torch.from_numpy(wide).to(ctx.device), first, noise)
            sampler = FewStepSampler(schedule, schedule.log_snr_steps(first, STEPS_PER_ROUND))
            for index, step in enumerate(sampler.steps):
                clean, transpose = denoise.with_transpose(x, step)
                clean = guidance.guide(clean, schedule.sigma(step), transpose if settings.exact_guidance else None)
                x = sampler.step(index, x, clean)
            heights = unit.restore(x.cpu().numpy()[rim:-rim, rim:-rim])
    return without_grain(heights)


def without_grain(heights: np.ndarray) -> np.ndarray:
    """Dampen relief of two cells' length, where the network leaves twice the power of real terrain (measured).

    Along each axis 1 - GRAIN sin^4(pi f) at f cycles a cell: planes stay, half of that power goes, longer relief keeps.
    """
    for axis in (0, 1):
        z = np.moveaxis(np.pad(heights, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], mode="reflect",
                               reflect_type="odd"), axis, 0)
        fourth = z[:-4] - 4.0 * z[1:-3] + 6.0 * z[2:-2] - 4.0 * z[3:-1] + z[4:]
        heights = heights - np.moveaxis(fourth, 0, axis) * np.float32(GRAIN / 16.0)
    return heights


def drain_coarsely(heights: np.ndarray, keep: np.ndarray, scale_m: float, factor: int = BREACH_FACTOR) -> np.ndarray:
    """U_k(H(D_k(Z))): what breaching takes away on block means is taken away smoothly on the fine grid.

    keep: bool (rows, cols), cells that are not lowered.   scale_m: the terrain's relief scale, for the valley sides.
    """
    rows, cols = heights.shape
    pad = ((0, -rows % factor), (0, -cols % factor))
    padded = np.pad(heights, pad, mode="edge")
    shape = (padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    coarse = padded.reshape(shape).mean((1, 3), dtype=np.float64).astype(np.float32)
    fixed = np.pad(keep, pad).reshape(shape).mean((1, 3)) > 0.5
    taken = coarse - drain_with_banks(coarse, fixed, LIFT * scale_m, BANK_SLOPE * scale_m / 16.0 * factor)
    return np.where(keep, heights, heights - refine(taken, factor, order=1)[:rows, :cols])


def project(
    heights: np.ndarray, visible: VisibleTerrain, ceiling: np.ndarray, scale_m: float, ctx: Context
) -> np.ndarray:
    """Make the promises true: pull seen ground back, clamp under the bound, drain. Float32 m.

    ceiling: Z_max, +inf on seen cells.   Draining only lowers, so what was clamped stays below the bound. It lowers
    seen cells where they enclose a pit; if that is too much, the drift allowed before it is made smaller.
    """
    seen = visible.mask & ~visible.silhouette
    relief = float(np.ptp(visible.heights[visible.mask])) if visible.mask.any() else 0.0
    for share in SEEN_TARGETS:
        ctx.check()
        pulled = _clamp(_pull_back(heights, visible, share * relief), visible, ceiling, scale_m)
        pulled = _shoulder(pulled, visible, ceiling, scale_m)
        drained = _drain_all(pulled, visible, scale_m, ctx)
        error = float(np.abs(drained - visible.heights)[seen].mean()) if seen.any() else 0.0
        if error <= SEEN_TOLERANCE * relief:
            return drained
    ctx.warning("polished", f"Draining moved the seen ground by {error:.1f} m on average.")
    return drained


def _shoulder(heights: np.ndarray, visible: VisibleTerrain, ceiling: np.ndarray, scale_m: float) -> np.ndarray:
    """Raise hidden cells that fall away from seen ones like a wall, as far as the bound allows: no fences on ridges."""
    rise = SHOULDER_SLOPE * scale_m / 16.0
    feet = -talus(np.where(visible.mask, -heights, np.inf), rise, SHOULDER_CELLS)
    raised = np.maximum(heights, np.minimum(feet, ceiling))
    return np.where(visible.mask, heights, raised).astype(np.float32)


def _drain_all(heights: np.ndarray, visible: VisibleTerrain, scale_m: float, ctx: Context) -> np.ndarray:
    """Hidden ways out first, then seen ground too, silhouettes only where nothing else helps."""
    drained = drain(heights, visible.mask, LIFT * scale_m)
    ctx.check()
    drained = breach(drained, epsilon_m=EPSILON_M, fixed=visible.silhouette)
    drained = _widen(heights, drained, visible)
    if mean_depression_depth(drained) > 0.5 * DEPRESSION_TOLERANCE_M:
        ctx.warning("polished", "Some ridges were notched a little, since water behind them had no other way out.")
        drained = breach(drained, epsilon_m=EPSILON_M)
    return drained


def refine(grid: np.ndarray, factor: int, order: int = 3) -> np.ndarray:
    """(rows, cols) -> (factor rows, factor cols), spline of `order`, same ground: cells are split, edges stay."""
    rows, cols = grid.shape
    r = (np.arange(rows * factor) + 0.5) / factor - 0.5
    c = (np.arange(cols * factor) + 0.5) / factor - 0.5
    along = map_coordinates(grid, np.meshgrid(r, np.arange(cols), indexing="ij"), order=order, mode="nearest")
    fine = map_coordinates(along, np.meshgrid(np.arange(rows * factor), c, indexing="ij"), order=order, mode="nearest")
    return np.asarray(fine, np.float32)


def refine_bound(bound: np.ndarray, factor: int) -> np.ndarray:
    """Each fine cell gets the bound of the coarse cell it lies in: infinities cannot be interpolated."""
    return np.repeat(np.repeat(bound, factor, 0), factor, 1)


def refine_visible(visible: VisibleTerrain, factor: int) -> VisibleTerrain:
    """The seen ground on the finer grid, interpolated inside of its mask."""
    mask = refine_bound(visible.mask, factor)
    weight = refine(visible.mask.astype(np.float32), factor, order=1)
    filled = refine(np.where(visible.mask, visible.heights, 0.0).astype(np.float32), factor, order=1)
    heights = np.where(mask, filled / np.maximum(weight, 0.25), np.nan).astype(np.float32)
    silhouette = refine_bound(visible.silhouette, factor)
    heights[silhouette] = refine_bound(visible.heights, factor)[silhouette]
    return VisibleTerrain(visible.grid.refined(factor), visible.camera, heights, mask, silhouette)


def _clamp(heights: np.ndarray, visible: VisibleTerrain, ceiling: np.ndarray, scale_m: float) -> np.ndarray:
    """Hidden cells under the bound, silhouettes at their height."""
    softness = np.full(heights.shape, SOFTNESS * scale_m)
    pressed = below(heights.astype(np.float64), ceiling.astype(np.float64), softness)
    pressed = np.where(visible.silhouette, visible.heights, pressed).astype(np.float32)
    return np.minimum(pressed, ceiling)


def _pull_back(heights: np.ndarray, visible: VisibleTerrain, target_m: float, radius: float = 6.0) -> np.ndarray:
    """Take out the smooth part of the drift of seen ground, fade into hidden ground, shrink the rest to `target_m`."""
    seen = visible.mask & ~visible.silhouette
    if not seen.any():
        return heights
    wanted = np.where(seen, visible.heights, heights)
    weight = gaussian_filter(seen.astype(np.float32), radius)
    heights = heights - gaussian_filter(heights - wanted, radius) / np.maximum(weight, 0.2)
    rest = np.where(seen, heights - wanted, 0.0)
    mean = float(np.abs(rest[seen]).mean())
    if mean > target_m:
        heights = heights - rest * (1.0 - target_m / mean)
    return heights.astype(np.float32)


def _widen(before: np.ndarray, after: np.ndarray, visible: VisibleTerrain, rounds: int = 2) -> np.ndarray:
    """Give cuts banks: hidden neighbors of a deep cut are lowered a part of its depth, then all is drained again."""
    for _ in range(rounds):
        banks = 1.5 * gaussian_filter(before - after, 1.0)
        after = np.where(visible.mask, after, np.minimum(after, before - banks)).astype(np.float32)
    return breach(after, epsilon_m=EPSILON_M, fixed=visible.silhouette)


def layers_of(heights: np.ndarray, visible: VisibleTerrain, ceiling: np.ndarray) -> dict[str, np.ndarray]:
    """The terrain's layers. ceiling: Z_max, +inf on seen cells."""
    seen = visible.mask & ~visible.silhouette
    relief = float(np.ptp(visible.heights[visible.mask])) if visible.mask.any() else 0.0
    moved = seen & (np.abs(heights - np.where(seen, visible.heights, heights)) > SEEN_TOLERANCE * relief)
    evidence = np.full(heights.shape, EVIDENCE_INFERRED, np.uint8)
    evidence[seen] = EVIDENCE_VISIBLE
    evidence[moved] = EVIDENCE_MOVED
    return {
        "evidence": evidence,
        "visible": np.where(visible.mask, visible.heights, np.nan).astype(np.float32),
        "bound": ceiling,
        "silhouette": visible.silhouette.astype(np.uint8),
    }
