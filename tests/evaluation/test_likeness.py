"""Drainage density and KID: known answers, and that they rank what is known to be better and worse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from backend.evaluation.drainage_density import drainage_density
from backend.evaluation.kernel_distance import FixedNetwork, RealGround, available, kernel_distance, squared_discrepancy
from backend.evaluation.relief_statistics import compare, fractal
from backend.evaluation.terrain_samples import SIDE, measure, sample_measures, yardsticks
from backend.networks.efficientnet_lite import EfficientNetLite0
from tests.completion.scenes import hills


def valleys(side: int, every: int, dx_m: float) -> np.ndarray:
    """V-shaped straight valleys of 1 % along the columns, `every` cells apart, their floors at column every // 2."""
    across = np.abs(np.arange(side) % every - every // 2).astype(np.float32)
    return np.float32(dx_m) * (np.float32(0.2) * across[None, :] + np.float32(0.01) * np.arange(side, dtype=np.float32)[:, None])


@pytest.mark.parametrize("dx_m", [10.0, 20.0])
def test_straight_valleys_have_one_channel_each(dx_m: float) -> None:
    """Channels every 32 cells, as soon as 0.1 km^2 drain through them; slopes of the sides lead straight down by D8 in between."""
    heights = valleys(256, 32, dx_m)
    longest = 1e3 / (32 * dx_m)
    head_rows = 1e5 / (32 * dx_m**2)
    assert drainage_density(heights, dx_m) == pytest.approx(longest * (1 - head_rows / 256), rel=0.08)


def test_drainage_density_does_not_depend_on_the_spacing() -> None:
    coarse = hills(3, 256, 60.0)
    fine = np.kron(coarse, np.ones((2, 2), np.float32))
    fine = gaussian_filter(fine, 1.0)
    assert drainage_density(fine, 30.0) == pytest.approx(drainage_density(coarse, 60.0), rel=0.15)


def test_a_lower_threshold_finds_more_channels() -> None:
    heights = hills(0, 256)
    assert drainage_density(heights, 30.0, 2e4) > 1.5 * drainage_density(heights, 30.0, 2e5)


def test_compare_tells_drainage() -> None:
    heights = hills(0, 256)
    row = compare(heights, heights, 30.0)
    assert row["drainage_ratio"] == 1.0 and row["drainage_density"] == row["real_drainage_density"] > 0


def test_grain_of_four_cells_is_told_from_other_relief() -> None:
    heights, columns = hills(0, 256), np.arange(256)
    ripples = {length: heights + 4.0 * np.sin(2 * np.pi * columns / length).astype(np.float32) for length in (2.5, 4.0, 6.0)}
    grain = {length: compare(grid, heights, 30.0)["grain"] for length, grid in ripples.items()}
    assert compare(heights, heights, 30.0)["grain"] == 1.0
    assert grain[4.0] > 1.1 and grain[2.5] < 1.0 and grain[6.0] < 1.0


def test_discrepancy_is_unbiased_and_tells_distributions_apart() -> None:
    rng = np.random.default_rng(0)
    same = [squared_discrepancy(*rng.standard_normal((2, 40, 8))) for _ in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((20, 4)) + 0.5
    kernel = lambda a, b: (a @ b / 4 + 1.0) ** 3  # noqa: E731 (the formula as the paper writes it)
    expected = (sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (30 * 29)
                + sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (20 * 19)
                - 2 * np.mean([kernel(a, b) for a in x for b in y]))
    assert squared_discrepancy(x, y) == pytest.approx(expected)


def test_kid_is_the_same_every_time() -> None:
    x, y = np.random.default_rng(1).standard_normal((2, 60, 8))
    assert kernel_distance(x, y) == kernel_distance(x, y)
    assert kernel_distance(x, y).spread > 0


def test_halves_are_compared_crosswise() -> None:
    """Any fixed network will do here: what was made is held against the half of the ground that it does not lie on."""
    torch.manual_seed(0)
    left, right = hills(0, 300), gaussian_filter(hills(1, 300), 6.0)
    two = np.concatenate([left[:, :150], right[:, 150:]], 1)
    ground = RealGround([(two, 30.0)], FixedNetwork(EfficientNetLite0()))
    swapped = ground.distance([np.concatenate([right[:, 150:], left[:, :150]], 1)])
    assert swapped.mean < ground.distance([two]).mean


@pytest.mark.skipif(not available(), reason="the fixed network's weights come with the extra `train`")
def test_kid_ranks_other_hills_before_a_fractal_and_blurred_hills() -> None:
    places = [("a", hills(0, SIDE), 30.0), ("b", hills(2, SIDE), 30.0)]
    made = {"others": [hills(5, SIDE), hills(7, SIDE)], **yardsticks(places)}
    report = measure(places, made)
    kid = {kind: values["mean"] for kind, values in report["kid"].items()}
    assert max(kid["real"], kid["others"]) < 0.2 * kid["blurred"]
    assert kid["fractal"] < kid["blurred"]
    names = {m.name for m in sample_measures(report)}
    assert {"fractal: KID", "real: drainage_ratio", "others: mdd_m", "blurred: spread of KID"} <= names


def test_a_fractal_has_the_spectrum_of_the_ground() -> None:
    real = hills(0, SIDE)
    assert compare(fractal(real, np.random.default_rng(0)), real, 30.0)["octave_ratio"][:4] == pytest.approx([1.0] * 4, abs=0.15)
