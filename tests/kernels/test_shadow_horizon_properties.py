"""Shadow and horizon together: against a bilinear march, against each other, turned grids, threads, no data, odd shapes."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.threads import set_thread_count
from kernels.errors import KernelInputError
from kernels.horizon import horizon_angle
from kernels.shadow import cast_shadow
from kernels.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parent))
from lines_referee import marched_horizon
from view_referee import fractal, ridged

LOW = math.radians(20.0)


@pytest.mark.parametrize("terrain, share, each", [(ridged, 0.007, 0.011), (fractal, 0.011, 0.015)], ids=["ridged", "fractal"])
def test_share_of_cells_that_a_march_sees_otherwise(terrain, share, each):
    heights = terrain(256)
    off, angles = [], []
    for degrees in (17, 45, 110, 200, 251, 300):
        azimuth = math.radians(degrees)
        row = 1.0 / max(abs(math.sin(azimuth)), abs(math.cos(azimuth)))  # the march looks where it crosses rows (or columns)
        tangents = marched_horizon(heights, 10.0, azimuth, row)
        off.append((cast_shadow(heights, 10.0, azimuth, LOW) != (tangents > math.tan(LOW))).mean())
        known = tangents > -np.inf
        angles.append(np.degrees(np.abs(horizon_angle(heights, 10.0, azimuth) - np.arctan(tangents))[known]))
    assert 0.0 < np.mean(off) <= share and max(off) <= each
    assert np.median(np.concatenate(angles)) < 0.5 and np.quantile(np.concatenate(angles), 0.95) < 8.0


@st.composite
def scenes(draw):
    shape = draw(st.sampled_from([(1, 1), (1, 9), (8, 1), (2, 2), (16, 16), (7, 12), (64, 5), (33, 70), (130, 66)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from([lambda: rng.normal(size=shape) * 30, lambda: np.full(shape, 812.5),
                                 lambda: np.round(rng.normal(size=shape) * 3), lambda: rng.normal(size=shape) * 3e7]))
    azimuth = draw(st.sampled_from([0.0, math.pi / 2, math.pi, 4.0, 5.24, 0.3, 1.2, 2.6, -math.pi / 4]))
    return kind().astype(np.float32), azimuth, draw(st.sampled_from([0.02, 0.35, 1.2])), rng.random(shape) < 0.15


@given(scenes(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_shadow_is_where_the_sun_stands_under_the_horizon(scene, masked):
    heights, azimuth, elevation, nodata = scene
    nodata = nodata if masked else None
    angle = horizon_angle(heights, 10.0, azimuth, nodata=nodata)
    shadow = cast_shadow(heights, 10.0, azimuth, elevation, nodata=nodata)
    clear = np.abs(angle - elevation) > 1e-3
    np.testing.assert_array_equal(shadow[clear], (angle > elevation)[clear])
    assert angle.dtype == np.float32 and shadow.dtype == np.bool_
    if masked:
        assert np.isnan(angle[nodata]).all() and not shadow[nodata].any() and not np.isnan(angle[~nodata]).any()


@given(scenes())
@settings(max_examples=15, deadline=None)
def test_mirrored_grids_give_the_mirrored_result(scene):
    heights, azimuth, elevation, nodata = scene
    for function, more in ((cast_shadow, (elevation,)), (horizon_angle, ())):
        result = function(heights, 10.0, azimuth, *more, nodata=nodata)
        mirrored = function(heights[:, ::-1], 10.0, -azimuth, *more, nodata=nodata[:, ::-1])
        np.testing.assert_array_equal(mirrored[:, ::-1], result)


@given(scenes())
@settings(max_examples=15, deadline=None)
def test_threads_scratch_and_layout_change_no_bit(scene):
    heights, azimuth, elevation, nodata = scene
    before, workspace = heights.copy(), Workspace()
    for function, more in ((cast_shadow, (elevation,)), (horizon_angle, ())):
        result = function(heights, 10.0, azimuth, *more, nodata=nodata)
        try:
            for count in (1, 2, 5):
                set_thread_count(count)
                np.testing.assert_array_equal(function(heights, 10.0, azimuth, *more, nodata=nodata, workspace=workspace), result)
                function(heights[:1] + 3, 10.0, azimuth, *more, nodata=nodata[:1], workspace=workspace)
        finally:
            set_thread_count(None)
        np.testing.assert_array_equal(function(np.asfortranarray(heights.astype(np.float64)), 10.0, azimuth, *more, nodata=nodata),
                                      result)
    np.testing.assert_array_equal(heights, before)


def test_wide_grids_cross_blocks_and_bands():
    heights = fractal(300)[:, :170].copy()
    for azimuth in (1.3, 1.9, 4.4, 5.1):
        turned = cast_shadow(np.ascontiguousarray(np.rot90(heights, -1)), 10.0, azimuth + math.pi / 2, 0.3)
        assert (np.rot90(turned) != cast_shadow(heights, 10.0, azimuth, 0.3)).mean() < 1e-4


def test_cells_without_data_cast_nothing_whatever_they_hold():
    heights = np.zeros((5, 9), np.float32)
    heights[2, 6], nodata = 90.0, np.zeros((5, 9), bool)
    assert cast_shadow(heights, 10.0, math.pi / 2, 0.5)[2, 5]
    nodata[2, 6] = True
    heights[2, 6] = np.nan
    assert not cast_shadow(heights, 10.0, math.pi / 2, 0.5, nodata=nodata).any()
    assert (np.nan_to_num(horizon_angle(heights, 10.0, math.pi / 2, nodata=nodata)[:, :8]) <= 0.0).all()


def test_horizon_by_hand():
    heights = np.array([[0.0, 0.0, 30.0, 0.0, 100.0]], np.float32)
    angle = horizon_angle(heights, 10.0, math.pi / 2)
    tangents = [100 / 40, 100 / 30, 70 / 20, 100 / 10]
    np.testing.assert_allclose(angle[0, :4], np.arctan(tangents), rtol=1e-6)
    assert angle[0, 4] == pytest.approx(-math.pi / 2)


def test_other_kinds_of_arrays():
    torch = pytest.importorskip("torch")
    heights = ridged(32)
    for function, more in ((cast_shadow, (0.4,)), (horizon_angle, ())):
        result = function(torch.from_numpy(heights), 10.0, 1.0, *more)
        assert isinstance(result, torch.Tensor)
        np.testing.assert_array_equal(result.numpy(), function(heights, 10.0, 1.0, *more, device="cpu"))


GRID = np.zeros((4, 4), np.float32)


@pytest.mark.parametrize("heights, dx, azimuth, nodata", [
    (np.full((4, 4), np.nan, np.float32), 1.0, 0.0, None), (np.full((4, 4), np.inf, np.float32), 1.0, 0.0, None),
    (np.zeros((4, 4), int), 1.0, 0.0, None), (np.zeros(4, np.float32), 1.0, 0.0, None), ([[1.0]], 1.0, 0.0, None),
    (np.zeros((0, 4), np.float32), 1.0, 0.0, None), (GRID, -1.0, 0.0, None), (GRID, math.nan, 0.0, None),
    (GRID, 1.0, math.inf, None), (GRID, 1.0, 0.0, np.zeros((4, 4))), (GRID, 1.0, 0.0, np.zeros((3, 4), bool))])
def test_a_named_error_for_what_they_cannot_use(heights, dx, azimuth, nodata):
    with pytest.raises(KernelInputError):
        cast_shadow(heights, dx, azimuth, 0.5, nodata=nodata)
    with pytest.raises(KernelInputError):
        horizon_angle(heights, dx, azimuth, nodata=nodata)
