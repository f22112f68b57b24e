"""Slope, aspect and curvature of surfaces whose derivatives are known, isotropy, masks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.derivatives import aspect, curvature, laplacian, slope
from kernels.errors import KernelInputError


def plane(east, north, n=12, dx=5.0):
    y, x = -np.mgrid[0:n, 0:n] * dx
    return (700.0 + north * y - east * x).astype(np.float32)


def inner(grid):
    return grid[1:-1, 1:-1]


@pytest.mark.parametrize("method", ["rotation_invariant", "horn"])
@settings(max_examples=20, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2))
def test_planes(method, east, north):
    heights = plane(east, north)
    np.testing.assert_allclose(inner(slope(heights, 5.0, method)), math.atan(math.hypot(east, north)), atol=2e-4)
    assert np.isnan(slope(heights, 5.0, method)[[0, -1]]).all() and np.isnan(slope(heights, 5.0, method)[:, [0, -1]]).all()
    np.testing.assert_allclose(inner(laplacian(heights, 5.0)), 0.0, atol=1e-4)
    if math.hypot(east, north) > 0.1:
        difference = inner(aspect(heights, 5.0)) - math.atan2(-east, -north)
        np.testing.assert_allclose(np.sin(difference), 0.0, atol=2e-3)
        assert (np.cos(difference) > 0).all()


def test_slope_does_not_depend_on_the_direction_of_a_wave():
    y, x = np.mgrid[0:200, 0:200].astype(float)
    means = {"rotation_invariant": [], "horn": []}
    for turn in np.radians([0, 15, 30, 45]):
        phase = 0.6 * (x * math.cos(turn) + y * math.sin(turn))  # about 10 cells from crest to crest
        for method, found in means.items():
            found.append(np.nanmean([slope(0.01 * wave(phase), 1.0, method) ** 2 for wave in (np.sin, np.cos)]))
    spread = {method: np.ptp(found) / np.mean(found) for method, found in means.items()}
    assert spread["rotation_invariant"] < 0.005 and spread["horn"] > 0.02  # measured: 0.003 and 0.030


def test_quarter_turns_and_mirrors_keep_the_slope():
    heights = np.random.default_rng(2).normal(0, 10, (17, 23)).astype(np.float32)
    for turned in (lambda g: g[:, ::-1], lambda g: g[::-1], lambda g: g.T, lambda g: np.rot90(g)):
        np.testing.assert_allclose(slope(turned(heights), 3.0), turned(slope(heights, 3.0)), rtol=1e-6)


def test_paraboloid():
    y, x = 20.0 - np.mgrid[0:41, 0:41]
    heights = 0.01 * (x * x + y * y)
    np.testing.assert_allclose(inner(laplacian(heights, 1.0)), 0.04, rtol=1e-5)
    assert curvature(heights, 1.0)[20, 20] == pytest.approx(0.02, rel=1e-5)
    assert math.isnan(curvature(heights, 1.0, "profile")[20, 20])
    # at radius 10 east: tangent 0.2; profile z'' / (1 + z'^2)^1.5; contours are circles of radius 10
    assert curvature(heights, 1.0, "profile")[20, 30] == pytest.approx(0.02 / 1.04**1.5, rel=1e-4)
    assert curvature(heights, 1.0, "plan")[20, 30] == pytest.approx(0.1, rel=1e-4)
    assert curvature(heights, 1.0, "mean")[20, 30] == pytest.approx((0.02 * 1 + 0.02 * 1.04) / (2 * 1.04**1.5), rel=1e-4)


def test_sphere_has_one_curvature():
    y, x = 30.0 - np.mgrid[0:61, 0:61]
    found = curvature(-np.sqrt(200.0**2 - x * x - y * y), 1.0)
    np.testing.assert_allclose(inner(found), 1 / 200, rtol=2e-3)


def test_unknown_cells_take_their_neighborhood_with_them():
    heights = plane(0.3, 0.1)
    mask = np.ones(heights.shape, bool)
    mask[5, 6] = False
    holed = np.where(mask, heights, np.float32(np.nan))
    expected = np.ones(heights.shape, bool)
    expected[1:-1, 1:-1] = False
    expected[4:7, 5:8] = True
    for method in ("rotation_invariant", "horn"):
        np.testing.assert_array_equal(np.isnan(slope(holed, 5.0, method)), expected)
        np.testing.assert_array_equal(np.isnan(slope(heights, 5.0, method, mask)), expected)
    np.testing.assert_array_equal(np.isnan(aspect(holed, 5.0)), expected)
    np.testing.assert_array_equal(np.isnan(curvature(heights, 5.0, "mean", mask)), expected)
    expected[[4, 4, 6, 6], [5, 7, 5, 7]] = False
    np.testing.assert_array_equal(np.isnan(laplacian(holed, 5.0)), expected)


def test_level_ground_has_no_aspect_and_inputs_stay():
    heights = np.full((6, 6), 3.0, np.float32)
    assert np.isnan(aspect(heights, 1.0)).all() and (inner(slope(heights, 1.0)) == 0).all()
    heights[2, 2] = np.inf
    before = heights.copy()
    assert np.isnan(slope(heights, 1.0)[1:4, 1:4]).all()
    np.testing.assert_array_equal(heights, before)
    assert slope(heights[:1, :1], 1.0).shape == (1, 1) and slope(heights, 1.0).dtype == np.float32


def test_refuses_what_it_does_not_know():
    heights = np.zeros((4, 4), np.float32)
    for call in (lambda: slope(heights, 1.0, "sobel"), lambda: curvature(heights, 1.0, "gaussian"), lambda: slope(heights, 0.0),
                 lambda: slope(heights, 1.0, mask=np.ones((3, 3), bool)), lambda: laplacian(heights[0], 1.0)):
        with pytest.raises(KernelInputError):
            call()
