"""report.json is a stable interface; the sheet beside it can be drawn for any camera."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from backend import pipeline, preview, report
from backend.camera import Camera
from backend.contract.settings import TerrainSettings
from backend.contract.version import VERSION
from backend.picture import Picture
from backend.terrain import Grid, Terrain
from tests.backend import fake_stages


@pytest.fixture
def outcome(picture, tmp_path):
    job = pipeline.Job(picture, tmp_path / "out", TerrainSettings(resolution=128, seed=7), keep_stages=True)
    return pipeline.generate(job, stages=fake_stages.STAGES)


def test_every_promised_name_is_there(outcome):
    content = json.loads(outcome.files["report"].read_text(encoding="utf-8"))
    assert content == outcome.report
    assert set(content) >= {"camera", "prior", "terrain", "metrics", "stages", "seed", "version", "choices", "warnings"}
    assert set(content["camera"]) >= {"pitch_deg", "roll_deg", "fov_x_deg", "height_above_ground_m", "position_m"}
    assert set(content["prior"]) >= {"mean_slope_deg", "elevation_range_m", "spread", "source"}
    assert set(content["terrain"]) >= {"rows", "cols", "dx_m", "origin_m", "min_m", "max_m"}
    assert set(content["metrics"]) >= {"vve_m", "ove_m", "mdd_m", "skyline_error_px", "visible_error_share_of_relief"}
    assert all(set(stage) >= {"name", "seconds", "peak_memory_gb", "provider"} for stage in content["stages"])
    assert content["seed"] == 7 and content["version"] == VERSION


def test_values_are_in_the_promised_units(outcome):
    content = outcome.report
    assert content["camera"]["fov_x_deg"] == pytest.approx(math.degrees(1.0))
    assert content["camera"]["position_m"] == [0.0, 0.0, 300.0]
    assert content["prior"]["elevation_range_m"] == 800.0 and content["prior"]["source"] == "fake"
    assert content["terrain"]["origin_m"] == [-512.0, 1024.0]
    heights = np.load(outcome.files["heights"])
    assert content["terrain"]["min_m"] == heights.min() and content["terrain"]["max_m"] == heights.max()
    assert content["metrics"]["ove_m"] == 0.0 and content["metrics"]["vve_m"] == 0.0
    assert {"stage": "scene", "choice": "a fake", "by": "test"} in content["choices"]


def test_kept_stages_hold_the_promised_arrays(outcome):
    folder = outcome.files["report"].parent
    promised = {"segmentation": {"terrain", "sky", "foreground"}, "pointmap": {"points", "mask"},
                "visible": {"heights", "mask"}, "bound": {"heights"}, "start": {"heights"}, "completed": {"heights"},
                "polished": {"heights"}}
    for name, arrays in promised.items():
        with np.load(folder / f"{name}.npz") as stored:
            assert set(stored.files) == arrays


def test_numbers_json_does_not_know_become_null():
    value = {"a": [math.nan, np.float32(2.0), (np.int64(3), math.inf)]}
    assert report.without_nan(value) == {"a": [None, 2.0, [3, None]]}


@pytest.mark.parametrize(("x", "y", "expected"), [(0.0, 0.0, 3.0), (-99.0, 99.0, 1.0), (10.0, 10.0, 2.0)])
def test_ground_below_a_camera_inside_or_outside_of_the_grid(x, y, expected):
    grid = Grid(2, 2, 10.0, (0.0, 10.0))
    assert report.ground_height(grid, np.array([[1.0, 2.0], [3.0, np.nan]]), x, y) == expected


@pytest.mark.real_preview
@pytest.mark.parametrize("camera", [
    Camera(300, 200, 1.0, 0.05, 0.0, (0.0, 0.0, 250.0)), Camera(200, 600, 0.6, -0.4, 0.05, (0.0, -900.0, 900.0)),
    Camera(900, 100, 2.0, 0.5, 0.0, (0.0, 500.0, 400.0))])
def test_the_sheet_shows_four_panels(camera):
    grid = Grid(64, 64, 20.0, (-640.0, 1280.0))
    heights = (200 * np.random.default_rng(1).random(grid.shape)).astype(np.float32)
    evidence = np.zeros(grid.shape, np.uint8)
    evidence[20:40] = 1
    rgb = np.full((camera.height, camera.width, 3), 0.3, np.float32)
    from pathlib import Path
    sheet = preview.draw(Picture(rgb, Path("x.jpg"), "0" * 64), Terrain(grid, heights, {"evidence": evidence}), camera)
    assert sheet.width > 1500 and np.asarray(sheet.convert("L")).std() > 10


def test_the_ridges_of_the_picture_are_left_beside_the_report(outcome):
    content = json.loads(outcome.files["ridges"].read_text(encoding="utf-8"))
    assert (content["width"], content["height"]) == (fake_stages.WIDTH, fake_stages.HEIGHT)
    assert len(content["skyline"]) == len(content["columns"]) == fake_stages.WIDTH
    assert len(content["ridge_columns"]) == len(content["ridge_rows"])
    assert outcome.report["camera"]["pitch_candidates"] == [] and outcome.report["picture"]["exif_fov_x_deg"] is None
    assert outcome.report["terrain"]["visible_relief_m"] == pytest.approx(0.0)
