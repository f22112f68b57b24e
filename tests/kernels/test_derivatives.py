"""Slope, aspect and curvature of surfaces whose derivatives are known, isotropy, masks."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.threads import set_thread_count
from kernels.derivatives import aspect, curvature, laplacian, slope
from kernels.errors import KernelInputError
from kernels.neighborhood import arc_tangent
from kernels.workspace import Workspace


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


def one_by_one(name, heights, dx, mask):
    """The textbook's formulas, cell by cell in float64."""
    rows, cols = heights.shape
    z = np.where(np.isfinite(heights) & mask, heights, np.nan).astype(np.float64)
    result = np.full((rows, cols), np.nan)
    for r in range(1, rows - 1):
        for k in range(1, cols - 1):
            (a, b, c), (d, e, f), (g, h, i) = z[r - 1 : r + 2, k - 1 : k + 2]
            right, ahead = ((c + 2 * f + i) - (a + 2 * d + g)) / (8 * dx), ((a + 2 * b + c) - (g + 2 * h + i)) / (8 * dx)
            zx, zy, zxy = (f - d) / (2 * dx), (b - h) / (2 * dx), (c - a - i + g) / (4 * dx**2)
            zxx, zyy = (f - 2 * e + d) / dx**2, (b - 2 * e + h) / dx**2
            p = zx**2 + zy**2
            if name == "laplacian":
                result[r, k] = (b + h + d + f - 4 * e) / dx**2
            elif np.isnan(z[r - 1 : r + 2, k - 1 : k + 2]).any() or (p == 0 and name in ("profile", "plan")):
                continue
            elif name == "rotation_invariant":
                diagonals = ((c - g) ** 2 + (a - i) ** 2) / (8 * dx**2)
                result[r, k] = math.atan(math.sqrt((2 * p + diagonals) / 3))
            elif name == "horn":
                result[r, k] = math.atan(math.hypot(right, ahead))
            elif name == "aspect":
                result[r, k] = math.atan2(-right, -ahead) % (2 * math.pi) if right or ahead else np.nan
            elif name == "mean":
                result[r, k] = ((1 + zy**2) * zxx - 2 * zx * zy * zxy + (1 + zx**2) * zyy) / (2 * (1 + p) ** 1.5)
            elif name == "profile":
                result[r, k] = (zx**2 * zxx + 2 * zx * zy * zxy + zy**2 * zyy) / (p * (1 + p) ** 1.5)
            else:
                result[r, k] = (zy**2 * zxx - 2 * zx * zy * zxy + zx**2 * zyy) / p**1.5
    return result


ALL = {
    "rotation_invariant": lambda z, dx, mask=None, **how: slope(z, dx, "rotation_invariant", mask, **how),
    "horn": lambda z, dx, mask=None, **how: slope(z, dx, "horn", mask, **how),
    "aspect": aspect, "laplacian": laplacian,
    "mean": lambda z, dx, mask=None, **how: curvature(z, dx, "mean", mask, **how),
    "profile": lambda z, dx, mask=None, **how: curvature(z, dx, "profile", mask, **how),
    "plan": lambda z, dx, mask=None, **how: curvature(z, dx, "plan", mask, **how),
}


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.01, 1.0, 1e4]),
       st.sampled_from(["rough", "steps", "huge", "wide"]), st.integers(0, 99))
def test_agrees_with_the_textbook_cell_by_cell(name, rows, cols, dx, kind, seed):
    rng = np.random.default_rng(seed)
    heights = rng.normal(0, 30, (rows, cols)).cumsum(1).astype(np.float64 if kind == "wide" else np.float32)
    if kind == "steps":
        heights = np.round(heights / 40)
    if kind == "huge":
        heights *= np.float32(10.0) ** rng.integers(-6, 6, heights.shape).astype(np.float32)
    mask = rng.random(heights.shape) < 0.98
    heights.reshape(-1)[rng.integers(heights.size)] = rng.choice([np.nan, np.inf, -np.inf])
    before, expected = heights.copy(), one_by_one(name, heights, dx, mask)
    found = ALL[name](heights, dx, mask)
    scale = np.nanmax(np.abs(expected), initial=0.0)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    if name == "aspect":
        found, expected = np.exp(1j * found), np.exp(1j * expected)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-9 * scale + 1e-7 * (name == "aspect"))
    np.testing.assert_array_equal(heights, before)


@pytest.mark.parametrize("name", ALL)
def test_same_bits_for_threads_strides_libraries_and_kept_scratch(name):
    rng = np.random.default_rng(3)
    heights = rng.normal(0, 9, (150, 41)).astype(np.float32)
    mask, scratch = rng.random(heights.shape) < 0.99, Workspace()
    expected, masked = ALL[name](heights, 2.0), ALL[name](heights, 2.0, mask)
    try:
        for threads in (1, 2, 7):
            set_thread_count(threads)
            np.testing.assert_array_equal(ALL[name](heights, 2.0), expected)
            for _ in range(2):
                np.testing.assert_array_equal(ALL[name](heights, 2.0, mask, workspace=scratch), masked)
    finally:
        set_thread_count(None)
    strided = np.zeros((300, 82), np.float32)[::2, ::2]
    strided[:] = heights
    np.testing.assert_array_equal(ALL[name](strided, 2.0), expected)
    found = ALL[name](torch.from_numpy(heights), 2.0, torch.from_numpy(mask))
    assert isinstance(found, torch.Tensor) and found.dtype == torch.float32
    np.testing.assert_array_equal(found.numpy(), masked)


def test_the_arc_tangent_is_that_of_the_library():
    ratio = np.concatenate([10.0 ** np.linspace(-30, 30, 4001), [0.0, 1.0, math.tan(math.pi / 8), math.tan(3 * math.pi / 8)]])
    found = np.array([arc_tangent(value, 1.0) for value in ratio])
    np.testing.assert_allclose(found, np.arctan(ratio), rtol=4e-16)
    assert arc_tangent(0.0, 0.0) == 0.0


def test_refuses_what_it_does_not_know():
    heights = np.zeros((4, 4), np.float32)
    for call in (lambda: slope(heights, 1.0, "sobel"), lambda: curvature(heights, 1.0, "gaussian"), lambda: slope(heights, 0.0),
                 lambda: slope(heights, 1.0, mask=np.ones((3, 3), bool)), lambda: laplacian(heights[0], 1.0),
                 lambda: slope(heights, -1.0), lambda: slope(heights, math.nan), lambda: slope(heights.astype(int), 1.0),
                 lambda: slope(heights[:0], 1.0), lambda: slope(heights.tolist(), 1.0), lambda: aspect(heights, "1 m"),
                 lambda: slope(heights, 1.0, mask=np.ones((4, 4))), lambda: slope(heights, 1.0, device="gpu")):
        with pytest.raises(KernelInputError, match=r"\.$"):
            call()
