"""From seen ground to a finished terrain: bounds kept, drained, reproducible, stoppable."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from backend.completion import diffusion, polish, procedural_start
from backend.completion.drainage import drain, talus
from backend.context import Context
from backend.contract.errors import Cancelled
from backend.contract.settings import TerrainSettings
from backend.scene import VisibleTerrain
from backend.terrain import EVIDENCE_INFERRED, EVIDENCE_VISIBLE
from kernels.fill import mean_depression_depth

from .scenes import hills, scene, untrained

SETTINGS = TerrainSettings(steps=4, polish_rounds=2)


def finish(seed: int = 0, settings: TerrainSettings = SETTINGS, side: int = 128):
    visible, bound = scene(seed, side)
    context = Context(seed=seed)
    network = untrained()
    start = procedural_start.start(visible, bound, settings, context)
    completed = diffusion.complete(start, visible, bound, settings, context, network)
    return visible, bound, start, completed, polish.polish(completed, visible, bound, settings, context, network)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_promises_hold(seed: int) -> None:
    visible, bound, start, completed, terrain = finish(seed)
    hidden = ~visible.mask
    relief = np.ptp(visible.heights[visible.mask])
    np.testing.assert_array_equal(start[visible.mask], visible.heights[visible.mask])
    assert (start <= bound + 1e-2)[hidden].all()
    assert np.isfinite(completed).all()
    assert (terrain.heights <= bound)[hidden].all()
    assert mean_depression_depth(terrain.heights) <= polish.DEPRESSION_TOLERANCE_M
    seen = visible.mask
    assert np.abs(terrain.heights - visible.heights)[seen].mean() <= polish.SEEN_TOLERANCE * relief
    evidence = terrain.layers["evidence"]
    assert (evidence[hidden] == EVIDENCE_INFERRED).all()
    assert (evidence[seen] == EVIDENCE_VISIBLE).mean() > 0.5


def test_hidden_ground_goes_on_like_the_seen() -> None:
    """No plateau, no runaway: the start's hidden relief and slope are of the size of what is seen."""
    visible, _bound, start, *_ = finish(3, side=256)
    hidden, seen = ~visible.mask, visible.mask
    slope = np.hypot(*np.gradient(start, visible.grid.dx_m))
    assert 0.3 < slope[hidden].mean() / slope[seen].mean() < 2.0
    assert 0.3 < np.ptp(start[hidden]) / np.ptp(start[seen]) < 4.0


def test_silhouette_is_kept() -> None:
    """Cells right behind a ridge stay at the height of the skimming ray unless water has no other way."""
    visible, bound = scene(1)
    behind = ~visible.mask & np.roll(visible.mask, -1, 0) & np.isfinite(bound)
    silhouette = behind & (np.random.default_rng(0).uniform(size=behind.shape) < 0.3)
    heights = np.where(silhouette, bound, visible.heights).astype(np.float32)
    pinned = VisibleTerrain(visible.grid, visible.camera, heights, visible.mask | silhouette, silhouette)
    context = Context()
    start = procedural_start.start(pinned, bound, SETTINGS, context)
    terrain = polish.polish(start, pinned, bound, SETTINGS, context, untrained())
    kept = np.abs(terrain.heights - heights)[silhouette] < 0.01
    assert kept.mean() > 0.9


def test_same_seed_same_bits_other_seed_other_terrain() -> None:
    first, again, other = (finish(0)[4].heights for _ in range(2)), None, None
    a, b = first
    np.testing.assert_array_equal(a, b)
    visible, bound = scene(0)
    again = procedural_start.start(visible, bound, SETTINGS, Context(seed=0))
    other = procedural_start.start(visible, bound, SETTINGS, Context(seed=1))
    assert np.abs(again - other)[~visible.mask].mean() > 1.0


def test_cancel_stops_within_a_second() -> None:
    visible, bound = scene(0)
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 3

    context = Context(cancelled=cancelled)
    start = np.where(visible.mask, visible.heights, 0.0).astype(np.float32)
    network = untrained()
    began = time.process_time()
    with pytest.raises(Cancelled):
        diffusion.complete(start, visible, bound, TerrainSettings(steps=100), context, network)
    assert time.process_time() - began < 1.0
    assert calls == 4


def test_upsampling_refines_the_grid() -> None:
    visible, bound = scene(0, 64)
    context = Context()
    settings = TerrainSettings(steps=2, polish_rounds=1, upsample=2)
    start = procedural_start.start(visible, bound, settings, context)
    terrain = polish.polish(start, visible, bound, settings, context, untrained())
    assert terrain.heights.shape == (128, 128)
    assert terrain.grid.dx_m == 15.0
    assert mean_depression_depth(terrain.heights) <= polish.DEPRESSION_TOLERANCE_M
    limit = polish.refine_bound(bound, 2)
    hidden = ~polish.refine_bound(visible.mask, 2)
    assert (terrain.heights <= limit)[hidden].all()


def test_paper_sampler_and_exact_guidance_run() -> None:
    visible, bound = scene(0, 64)
    start = procedural_start.start(visible, bound, SETTINGS, Context())
    slow = TerrainSettings(sampler="ddpm_1000", start_noise=0.06)
    exact = TerrainSettings(steps=3, exact_guidance=True)
    for settings in (slow, exact):
        result = diffusion.complete(start, visible, bound, settings, Context(), untrained())
        assert np.isfinite(result).all()
        assert result.dtype == np.float32


def test_no_polish_rounds_still_keeps_promises() -> None:
    visible, bound = scene(2)
    settings = dataclasses.replace(SETTINGS, polish_rounds=0)
    start = procedural_start.start(visible, bound, settings, Context())
    terrain = polish.polish(start, visible, bound, settings, Context(), None)
    assert mean_depression_depth(terrain.heights) <= polish.DEPRESSION_TOLERANCE_M


def test_flat_land_stays_flat() -> None:
    visible, bound = scene(0)
    flat = np.where(visible.mask, 5.0, np.nan).astype(np.float32)
    level = VisibleTerrain(visible.grid, visible.camera, flat, visible.mask, visible.silhouette)
    start = procedural_start.start(level, np.full_like(bound, np.inf), SETTINGS, Context())
    assert np.ptp(start) < 30.0


@pytest.mark.parametrize("shape", [(100, 130), (65, 200)])
def test_odd_grids(shape: tuple[int, int]) -> None:
    side = max(shape)
    visible, bound = scene(4, side)
    grid = dataclasses.replace(visible.grid, rows=shape[0], cols=shape[1])
    cut = tuple(slice(0, n) for n in shape)
    mask = visible.mask[cut]
    if not mask.any():
        mask[shape[0] // 2, shape[1] // 2] = True
    heights = np.where(mask, hills(4, side)[cut], np.nan).astype(np.float32)
    part = VisibleTerrain(grid, visible.camera, heights, mask, np.zeros_like(mask))
    start = procedural_start.start(part, bound[cut], SETTINGS, Context())
    completed = diffusion.complete(start, part, bound[cut], SETTINGS, Context(), untrained())
    assert completed.shape == shape
    assert np.isfinite(completed).all()


def test_nothing_seen_is_refused() -> None:
    visible, bound = scene(0)
    nothing = np.zeros_like(visible.mask)
    blind = VisibleTerrain(visible.grid, visible.camera, np.full_like(visible.heights, np.nan), nothing, nothing)
    with pytest.raises(ValueError, match="Nothing is visible"):
        procedural_start.start(blind, bound, SETTINGS, Context())


def test_draining_prefers_hidden_ways_out() -> None:
    """A hidden basin beside seen ground drains through hidden cells though the seen sill is lower."""
    z = np.full((21, 21), 10.0, np.float32)
    z[8:13, 8:13] = 2.0
    z[10, 13:] = 8.0                                   # the seen sill, east
    seen = np.zeros_like(z, bool)
    seen[:, 13:] = True
    drained = drain(z, seen, lift=5.0)
    np.testing.assert_array_equal(drained[seen], z[seen])
    assert mean_depression_depth(drained) < 1e-3
    assert (drained <= z).all()


def test_grain_filter_keeps_planes_and_dampens_checkers() -> None:
    plane = np.add.outer(2.0 * np.arange(20), np.arange(30)).astype(np.float32)
    np.testing.assert_allclose(polish.without_grain(plane), plane, atol=1e-4)
    stripes = np.where(np.arange(30) % 2, 1.0, -1.0)[None, :].repeat(20, 0).astype(np.float32)
    np.testing.assert_allclose(polish.without_grain(stripes)[:, 4:-4], (1 - polish.GRAIN) * stripes[:, 4:-4], rtol=1e-5)


def test_talus_is_a_cone() -> None:
    floors = np.full((15, 15), np.inf)
    floors[7, 7] = 1.0
    surface = talus(floors, rise=2.0)
    assert surface[7, 10] == pytest.approx(7.0)
    assert surface[9, 9] == pytest.approx(1.0 + 2.0 * 2**1.5)
