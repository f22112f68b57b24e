"""Pitch, scale, grid, visible ground, ridges and bound, against a scene whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from backend.camera import Camera
from backend.context import Context
from backend.contract.errors import ImplausibleGeometry
from backend.contract.settings import TerrainSettings
from backend.estimation import pose, rasterization, view_bound
from backend.estimation.far_ground import draw_nearer, share_within
from backend.estimation.grid_choice import choose_grid
from backend.estimation.plan_slope import cells_for, mean_slope
from backend.metrics import rendered_skyline_rows, skyline_rows
from backend.scene import Pointmap, PosedScene, Prior, Segmentation, VisibleTerrain
from backend.terrain import Terrain

from . import synthetic

SETTINGS = TerrainSettings(resolution=512)


def true_slope(view: synthetic.View) -> float:
    points = view.world[np.isfinite(view.ranges)]
    return mean_slope(points, cells_for(points))


@cache
def solved() -> tuple[synthetic.View, PosedScene, VisibleTerrain, np.ndarray]:
    view = synthetic.view()
    prior = synthetic.prior(true_slope(view), view.relief_m)
    posed = pose.solve(view.pointmap(unit=37.0), view.segmentation, prior, SETTINGS, Context())
    visible = rasterization.rasterize(posed, view.segmentation, SETTINGS, Context())
    return view, posed, visible, view_bound.bound(visible, posed, view.segmentation, SETTINGS, Context())


def completed(visible: VisibleTerrain, hidden: np.ndarray) -> Terrain:
    return Terrain(visible.grid, np.where(visible.mask, visible.heights, hidden).astype(np.float32))


@pytest.mark.parametrize("pitch_deg", [-6.0, 3.0, 9.0])
def test_exact_points_and_slope_give_the_pitch(pitch_deg: float) -> None:
    view = synthetic.view(pitch_deg, width=240, height=160)
    land = np.isfinite(view.ranges)
    prior = synthetic.prior(true_slope(view), view.relief_m, math.radians(pitch_deg + 3), math.radians(4))
    found = pose.find_pitch(view.pointmap(5.0).points[land], view.camera, prior, Context())
    assert math.degrees(found[0].pitch_rad) == pytest.approx(pitch_deg, abs=1.0)


def test_scale_is_exact() -> None:
    view = synthetic.view()
    wide = TerrainSettings(resolution=512, dx_m=32.0)  # nothing is drawn nearer
    prior = synthetic.prior(true_slope(view), view.relief_m)
    posed = pose.solve(view.pointmap(unit=37.0), view.segmentation, prior, wide, Context())
    heights = posed.points[posed.mask][:, 2]
    assert np.subtract(*np.percentile(heights, [99.5, 0.5])) == pytest.approx(view.relief_m, rel=1e-4)
    assert np.percentile(heights, 0.5) == pytest.approx(0.0, abs=0.5)
    true = view.camera.position_m[2] - np.percentile(view.world[np.isfinite(view.ranges)][:, 2], 0.5)
    assert posed.camera.position_m[2] == pytest.approx(true, rel=0.15)


def test_fixed_pitch_and_roll_are_kept() -> None:
    view = synthetic.view(width=240, height=160)
    settings = TerrainSettings(resolution=256, fix_pitch=True, pitch_deg=-7.0, roll_deg=2.0)
    posed = pose.solve(view.pointmap(), view.segmentation, synthetic.prior(0.3, 500.0), settings, Context())
    assert posed.camera.pitch_rad == pytest.approx(math.radians(-7)) and posed.camera.roll_rad == pytest.approx(math.radians(2))


def test_level_points_have_no_scale() -> None:
    with pytest.raises(ImplausibleGeometry, match="one height"):
        pose.scale_and_floor(np.full(100, 3.0), 500.0)


def test_a_plain_stays_low_and_is_told() -> None:
    camera = Camera(240, 160, 0.96, math.radians(-8.0))
    rays = camera.rays_camera() @ camera.rotation().T.astype(np.float32)
    ground = rays[..., 2] < -0.02
    depth = np.where(ground, 1.0 / np.maximum(-rays[..., 2], 0.02), np.nan).astype(np.float32)
    depth *= 1 + 0.003 * np.random.default_rng(0).normal(size=depth.shape).astype(np.float32)
    points = (camera.rays_camera() * depth[..., None]).astype(np.float32)
    plain = Pointmap(points, ground, 0.96, False, "made")
    seen = Segmentation(ground, ~ground, np.zeros_like(ground), "made")
    context = Context()
    settings = TerrainSettings(resolution=512, fix_pitch=True, pitch_deg=-8.0)
    posed = pose.solve(plain, seen, synthetic.prior(0.03, 20.0), settings, context)
    assert any("level" in str(note.get("warning")) for note in context.notes)
    assert np.ptp(posed.points[ground][:, 2]) <= 40.0 and posed.camera.position_m[2] < 500.0


def test_grid_holds_the_scene_and_tells_why() -> None:
    _, posed, _, _ = solved()
    points, grid = posed.points[posed.mask], posed.grid
    assert grid.dx_m in (4.0, 8.0) and grid.rows == grid.cols == 512
    inside = (np.abs(points[:, 0]) <= -grid.origin_m[0]) & (points[:, 1] <= grid.origin_m[1])
    assert inside.mean() > 0.97 and grid.y()[-1] < 0 < grid.y()[0]
    assert "power of two" in posed.why["grid"]


def test_a_relief_that_is_known_holds_even_when_far_ground_is_drawn_nearer() -> None:
    view = synthetic.view()
    prior = synthetic.prior(true_slope(view), view.relief_m)
    known = replace(prior, elevation_range_m=replace(prior.elevation_range_m, source="artist"))

    def relief(prior: Prior, settings: TerrainSettings, context: Context) -> float:
        posed = pose.solve(view.pointmap(unit=37.0), view.segmentation, prior, settings, context)
        return pose.robust_relief_m(posed.points[posed.mask])

    assert relief(prior, SETTINGS, Context()) < 0.99 * view.relief_m
    assert relief(known, SETTINGS, Context()) == pytest.approx(view.relief_m, rel=0.006)
    context = Context()
    relief(known, TerrainSettings(resolution=512, dx_m=1.0), context)
    assert any("does not fit" in str(note.get("warning")) for note in context.notes)


def test_what_the_grid_does_not_reach_is_drawn_nearer_along_its_rays() -> None:
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-2000, 2000, 5000), rng.uniform(100, 6000, 5000), rng.uniform(0, 900, 5000)], axis=1)
    grid, _ = choose_grid(points, points[:0], TerrainSettings(resolution=512, dx_m=4.0, upsample=2), Context())
    assert grid.dx_m == 8.0 and grid.rows == 256
    drawn, moved, beyond_m = draw_nearer(points, 300.0, grid)
    assert 0.3 < moved < 0.9 and 800 < beyond_m < 2000
    assert share_within(drawn, grid) == 1.0
    before, after = np.hypot(*points[:, :2].T), np.hypot(*drawn[:, :2].T)
    np.testing.assert_allclose((drawn[:, 2] - 300) / after, (points[:, 2] - 300) / before, atol=1e-9)  # the same rays
    np.testing.assert_allclose(np.arctan2(*drawn[:, :2].T), np.arctan2(*points[:, :2].T), atol=1e-9)
    stay = before < 700
    np.testing.assert_allclose(drawn[stay], points[stay], rtol=1e-12)


def test_a_few_far_outliers_do_not_stretch_the_grid() -> None:
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-2000, 2000, 5000), rng.uniform(100, 6000, 5000), np.zeros(5000)], axis=1)
    far = np.concatenate([points, [[0, 90000.0, 500.0]] * 20])
    assert choose_grid(far, far[:0], SETTINGS, Context())[0].dx_m == choose_grid(points, points[:0], SETTINGS, Context())[0].dx_m


def test_visible_ground_is_the_true_ground() -> None:
    view = synthetic.view()
    settings = TerrainSettings(resolution=512, fix_pitch=True, pitch_deg=3.0)
    posed = pose.solve(view.pointmap(37.0), view.segmentation, synthetic.prior(0.3, view.relief_m), settings, Context())
    visible = rasterization.rasterize(posed, view.segmentation, settings, Context())
    seen = visible.mask & ~visible.silhouette
    rows, cols = np.nonzero(seen)
    x, y = visible.grid.x()[cols], visible.grid.y()[rows]
    at = [(view.origin_m[1] - y) / synthetic.DX_M, (x - view.origin_m[0]) / synthetic.DX_M]
    truth = ndimage.map_coordinates(view.heights, at, order=1, mode="nearest")
    found = visible.heights[seen] - posed.camera.position_m[2] + view.camera.position_m[2]
    assert 0.02 < seen.mean() < 0.6
    assert np.median(np.abs(found - truth)) < 0.005 * view.relief_m


def test_the_rendered_skyline_is_the_pictures() -> None:
    view, _, visible, bound = solved()
    deep = np.minimum(bound, -500.0)
    wanted = skyline_rows(view.segmentation.sky, view.segmentation.terrain)
    rendered = rendered_skyline_rows(completed(visible, deep), visible.camera, view.camera.width)
    counts = np.isfinite(wanted)
    error = np.abs(rendered - wanted)[counts]
    assert counts.sum() > 200 and np.median(error) <= 0.75 and np.percentile(error, 90) <= 2.0


def test_ground_up_to_the_bound_changes_nothing_that_is_seen() -> None:
    from kernels.raycast import render_range

    _, posed, visible, bound = solved()
    camera, grid = visible.camera, visible.grid
    low = completed(visible, np.full(grid.shape, -500.0))
    high = completed(visible, np.where(np.isfinite(bound), bound, -500.0))
    pictures = [render_range(t.heights, grid.dx_m, grid.origin_m, camera.position_m, camera.pitch_rad, camera.fov_x_rad,
                             240, 160) for t in (low, high)]
    sky = [~np.isfinite(p) for p in pictures]
    assert (sky[0] != sky[1]).mean() < 0.01
    points = np.hypot(posed.points[..., 0], posed.points[..., 1])[1::2, 1::2]
    both = np.isfinite(pictures[1]) & np.isfinite(points)
    error = np.abs(np.log(pictures[1][both] / points[both]))
    assert np.median(error) < 0.01 and (error > 0.1).mean() < 0.1


def test_bound_says_nothing_where_no_ray_passes() -> None:
    _, _, visible, bound = solved()
    x, y = visible.grid.x()[None, :], visible.grid.y()[:, None]
    outside = (np.abs(np.arctan2(x, y)) > 0.55 * visible.camera.fov_x_rad) & (np.hypot(x, y) > 5 * visible.grid.dx_m)
    assert np.isinf(bound[outside]).all() and np.isinf(bound[visible.mask]).all()
    near = (np.hypot(x, y) < 2 * visible.grid.dx_m) & ~visible.mask
    assert (bound[near] <= visible.camera.position_m[2] - 2.0 + 1e-3).all()
    assert bound.dtype == np.float32 and np.isfinite(bound).mean() > 0.1


def test_columns_without_sky_cap_nothing() -> None:
    view = synthetic.view(width=240, height=160)
    sky = view.segmentation.sky.copy()
    sky[:, :100] = False
    azimuth, tangent = view_bound.sky_tangents(sky, view.camera)
    assert np.isnan(tangent[:100]).all() and np.isfinite(tangent[100:]).all() and (np.diff(azimuth) > 0).all()
