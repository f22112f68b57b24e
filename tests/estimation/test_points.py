"""Points: what a heightfield can look like, what is refused, what cleaning keeps, what the priors believe."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from backend.context import Context
from backend.contract.errors import ImplausibleGeometry
from backend.contract.settings import TerrainSettings
from backend.estimation import cleaning, pointmap, priors
from backend.estimation.monotone import rising_ranges
from backend.picture import Picture
from backend.scene import Pointmap, Segmentation

from . import synthetic


def estimate(log_depth: np.ndarray, **values: float) -> Pointmap:
    labels = np.full((64, 96), 1)
    labels[:16] = 0
    masks = [labels.repeat(4, 0).repeat(4, 1) == k for k in range(3)]
    picture = Picture(np.full((256, 384, 3), 0.5, np.float32), Path("a.png"), "0")
    seen = Segmentation(masks[1], masks[0], masks[2], "made")
    return pointmap.estimate(picture, seen, synthetic.prediction(labels, log_depth, **values), TerrainSettings(), Context())


def test_ranges_rise_and_keep_what_already_does() -> None:
    view = synthetic.view()
    land = np.isfinite(view.ranges)
    exact = np.log(np.where(land, view.ranges, 1.0)).astype(np.float32)
    tangent = view.camera.azimuth_and_tangent()[1]
    weights = np.ones(land.shape, np.float32)
    same = rising_ranges(exact, tangent, land, weights)
    assert np.abs(same - exact)[land].mean() < 2e-3
    noisy = exact + np.random.default_rng(0).normal(0, 0.05, exact.shape).astype(np.float32)
    noisy[200:210, 100:110] += 1.0  # a spike
    fit = rising_ranges(noisy, tangent, land, weights)
    both = land[1:] & land[:-1]
    assert (np.diff(fit, axis=0)[both] <= 1e-5).all()
    assert np.abs(fit - exact)[land].mean() < 0.5 * np.abs(noisy - exact)[land].mean()


def test_rolled_columns_lean() -> None:
    roll = math.radians(10)
    rows, cols = np.mgrid[0:60, 0:60].astype(np.float32)
    up = -(rows * math.cos(roll) + cols * math.sin(roll)) / 60
    fit = rising_ranges(up, np.zeros_like(up), np.ones(up.shape, bool), np.ones_like(up), roll, math.inf)
    np.testing.assert_allclose(fit, up, atol=1e-6)


def test_depth_becomes_rising_points_without_sky() -> None:
    made = estimate(np.linspace(3, 0, 64, dtype=np.float32)[:, None] + np.zeros((64, 96), np.float32))
    assert np.isfinite(made.points[made.mask]).all() and np.isnan(made.points[~made.mask]).all()
    assert made.fov_x_rad == pytest.approx(0.96) and not made.metric


def test_sky_does_not_seep_into_ridges() -> None:
    depth = np.zeros((64, 96), np.float32)
    depth[:] = np.linspace(1.0, 0.0, 64)[:, None]
    depth[:16] = 50.0  # the network may say anything about the sky
    made = estimate(depth)
    assert np.log(made.points[made.mask][:, 2]).max() < 1.2


@pytest.mark.parametrize(("log_depth", "values", "words"), [
    (np.zeros((64, 96)), {}, "one distance"),
    (np.linspace(0, 3, 64)[:, None] + np.zeros((64, 96)), {}, "upside down"),
    (np.full((64, 96), np.nan), {}, "no numbers"),
    (np.linspace(40, 0, 64)[:, None] + np.zeros((64, 96)), {}, "more than in any view"),
    (np.linspace(3, 0, 64)[:, None] + np.zeros((64, 96)), {"fov_x": -0.4}, "no lens"),
    (np.linspace(3, 0, 64)[:, None] + np.zeros((64, 96)), {"fov_x": math.nan}, "no lens"),
])
def test_nonsense_is_refused_and_explained(log_depth: np.ndarray, values: dict[str, float], words: str) -> None:
    with pytest.raises(ImplausibleGeometry, match=words):
        estimate(log_depth.astype(np.float32), **values)


def test_field_of_view_artist_then_exif_then_network() -> None:
    picture = Picture(np.zeros((8, 8, 3), np.float32), Path("a"), "0", exif_fov_x_rad=0.7)
    seen = synthetic.prediction(np.ones((4, 4), int))
    assert pointmap.field_of_view(picture, seen, TerrainSettings(fov_x_deg=90))[1] == "artist"
    assert pointmap.field_of_view(picture, seen, TerrainSettings()) == (0.7, "exif")
    bare = Picture(np.zeros((8, 8, 3), np.float32), Path("a"), "0")
    assert pointmap.field_of_view(bare, seen, TerrainSettings()) == (pytest.approx(0.96), "network")


def test_stray_points_go_and_surfaces_stay() -> None:
    view = synthetic.view()
    exact = view.pointmap()
    rows, cols = np.nonzero(exact.mask)
    picked = np.random.default_rng(0).choice(rows.size, 400, replace=False)
    block = exact.points.copy()
    block[160:174, 205:219] *= 20.0  # a patch far behind what surrounds it
    made = Pointmap(block, exact.mask, exact.fov_x_rad, False, "made")
    kept = cleaning.clean(made, view.segmentation, TerrainSettings(), Context())
    assert exact.mask[162:172, 207:217].all() and not kept.mask[162:172, 207:217].any()
    outside = exact.mask.copy()
    outside[140:185, 190:235] = False
    assert kept.mask[outside].mean() > 0.99
    clean = cleaning.clean(exact, view.segmentation, TerrainSettings(), Context())
    assert clean.mask[rows[picked], cols[picked]].mean() > 0.995


def test_priors_artist_network_default() -> None:
    view, picture = synthetic.view(), Picture(np.zeros((8, 8, 3), np.float32), Path("a"), "0")
    labels = np.ones((4, 4), int)

    def estimated(settings: TerrainSettings | None = None, **values: float) -> priors.Prior:
        return priors.estimate(picture, view.segmentation, view.pointmap(), synthetic.prediction(labels, **values),
                               settings or TerrainSettings(), context)

    context = Context()
    prior = estimated()
    assert prior.elevation_range_m.value == pytest.approx(math.exp(6.3)) and prior.mean_slope_rad.source == "network"
    assert not any("warning" in note for note in context.notes)
    own = estimated(TerrainSettings(elevation_range_m=1200, mean_slope_deg=30, fix_pitch=True, pitch_deg=4))
    assert (own.elevation_range_m.value, own.elevation_range_m.source) == (1200, "artist")
    assert own.pitch_rad.value == pytest.approx(math.radians(4)) and own.pitch_rad.spread == 0
    odd = estimated(mean_slope=1.5, log_relief=math.nan, pitch=math.inf)
    assert odd.mean_slope_rad.source == odd.elevation_range_m.source == "default"
    assert odd.pitch_rad.source == "GeoPose3K"
    context.notes.clear()
    assert estimated(mean_slope=0.02, log_relief=3.0).elevation_range_m.value == pytest.approx(math.exp(3.0))
    assert any("flat" in str(note.get("warning")) for note in context.notes)
