"""Metrics on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend import metrics
from backend.camera import Camera
from backend.scene import Segmentation
from backend.terrain import Grid, Terrain

NAN = np.float32(np.nan)


def test_vve_is_a_mean_over_the_whole_grid():
    visible = np.array([[1.0, NAN], [NAN, NAN]], np.float32)
    assert metrics.visible_elevation_error(np.full((2, 2), 3.0, np.float32), visible) == 0.5
    assert metrics.visible_error(np.full((2, 2), 3.0, np.float32), visible)[0] == 2.0


def test_visible_error_is_told_as_a_share_of_the_visible_relief():
    visible = np.array([[0.0, 100.0, NAN]], np.float32)
    mean, p99, share = metrics.visible_error(np.array([[1.0, 101.0, 5e3]], np.float32), visible)
    assert (mean, p99, share) == pytest.approx((1.0, 1.0, 0.01))
    assert metrics.visible_error(visible, np.full((1, 3), NAN)) == (0.0, 0.0, 0.0)


def test_ove_counts_only_hidden_ground_above_its_bound():
    visible = np.array([[5.0, NAN, NAN, NAN]], np.float32)
    bound = np.array([[0.0, 2.0, 9.0, np.inf]], np.float32)
    assert metrics.occlusion_error(np.full((1, 4), 6.0, np.float32), visible, bound) == pytest.approx(4.0 / 4)


def test_skyline_rows_skip_columns_that_say_nothing():
    sky, land = np.zeros((6, 5), bool), np.zeros((6, 5), bool)
    sky[:3, 0] = land[3:, 0] = True         # plain
    sky[:2, 1] = land[4:, 1] = True         # foreground or unknown in between
    land[:, 2] = True                       # no sky
    sky[:, 3] = True                        # only sky
    sky[:1, 4] = land[1:3, 4] = sky[3, 4] = land[4:, 4] = True    # a hole below the skyline
    rows = metrics.skyline_rows(sky, land)
    assert rows[0] == 3 and rows[4] == 1 and np.isnan(rows[1:4]).all()


def wall(height_m: float, distance_m: float) -> Terrain:
    """Flat ground at 0 with a wall across the view, its top edge at the given distance."""
    grid = Grid(400, 400, 10.0, (-1995.0, 3990.0))
    heights = np.zeros(grid.shape, np.float32)
    heights[np.isclose(grid.y(), distance_m)] = height_m
    return Terrain(grid, heights)


@pytest.mark.parametrize("pitch_deg", [-3.0, 0.0, 4.0])
def test_the_rendered_skyline_lies_where_geometry_says(pitch_deg):
    camera = Camera(600, 400, math.radians(50), math.radians(pitch_deg), 0.0, (0.0, 0.0, 20.0))
    terrain = wall(300.0, 2000.0)
    _, v, _ = camera.project(np.array([0.0, 2000.0, 300.0]))
    rows = metrics.rendered_skyline_rows(terrain, camera, 1000)
    assert rows[480:520] == pytest.approx(float(v) * 1000 / 600, abs=0.5)


def test_skyline_error_is_zero_for_its_own_picture_and_grows_by_the_shift():
    camera = Camera(500, 400, math.radians(50), math.radians(2), 0.0, (0.0, 0.0, 20.0))
    terrain = wall(300.0, 2000.0)
    rows = np.round(metrics.rendered_skyline_rows(terrain, camera, 500)).astype(int)
    for shift, expected in ((0, 0.0), (4, 8.0)):
        sky = np.arange(400)[:, None] < rows[None, :] + shift
        segmentation = Segmentation(~sky, sky, np.zeros_like(sky), "test")
        median, p90 = metrics.skyline_error_px(terrain, camera, segmentation)
        assert median == pytest.approx(expected, abs=1.1)
        assert p90 == pytest.approx(expected, abs=2.1)


def test_no_skyline_no_number():
    camera = Camera(50, 40, 1.0, 0.0)
    land = np.ones((40, 50), bool)
    segmentation = Segmentation(land, ~land, ~land, "test")
    assert metrics.skyline_error_px(wall(10.0, 1000.0), camera, segmentation) == (None, None)


def test_a_rolled_camera_sees_a_tilted_skyline():
    camera = Camera(600, 400, math.radians(50), 0.0, math.radians(5.0), (0.0, 0.0, 20.0))
    terrain = wall(300.0, 2000.0)
    rows = metrics.rendered_skyline_rows(terrain, camera, 600)
    for x in (-300.0, 0.0, 300.0):
        u, v, _ = camera.project(np.array([x, 2000.0, 300.0]))
        assert rows[int(u)] == pytest.approx(float(v), abs=0.6)
