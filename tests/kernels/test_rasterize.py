"""Surfaces on grids against a triangle-by-triangle reference in exact fractions; watertight; upper envelope."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.errors import KernelInputError
from kernels.rasterize import rasterize_surface


def exact(points, valid, rows, cols, dx, origin):
    """Every cell center against every triangle, in fractions, so that borders are decided without rounding."""
    heights = np.full((rows, cols), np.nan)
    for i, j in np.argwhere(valid):
        a, b, c, d = points[i, j], points[i, j + 1], points[i + 1, j], points[i + 1, j + 1]
        for corners in ((a, b, c), (b, d, c)):
            if not np.isfinite(corners).all():
                continue
            p = [[Fraction(float(value)) for value in corner] for corner in corners]
            for row in range(rows):
                for col in range(cols):
                    x = Fraction(float(origin[0])) + col * Fraction(dx)
                    y = Fraction(float(origin[1])) - row * Fraction(dx)
                    w = [(p[k - 2][0] - x) * (p[k - 1][1] - y) - (p[k - 2][1] - y) * (p[k - 1][0] - x) for k in range(3)]
                    total = sum(w)
                    if total != 0 and (min(w) >= 0 or max(w) <= 0):
                        z = float(sum(w[k] * p[k][2] for k in range(3)) / total)
                        heights[row, col] = np.fmax(heights[row, col], z)
    return heights


@settings(max_examples=15, deadline=None)
@given(arrays(np.int32, (4, 5, 3), elements=st.integers(-6, 6)), arrays(bool, (3, 4)))
def test_agrees_with_exact_triangles(points, valid):
    # whole numbers put many vertices and edges exactly on cell centers
    points = points.astype(np.float32)
    heights, covered = rasterize_surface(points, valid, 7, 9, 1.0, (-4.0, 3.0))
    expected = exact(points, valid, 7, 9, 1, (-4.0, 3.0))
    np.testing.assert_array_equal(covered, ~np.isnan(expected))
    np.testing.assert_allclose(heights, expected, atol=1e-5)
    assert heights.dtype == np.float32 and covered.dtype == bool


def test_jittered_sheet_has_no_gaps_and_follows_a_plane():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:60:1.0, 0:60:1.0]
    x += rng.uniform(-0.4, 0.4, x.shape)
    y += rng.uniform(-0.4, 0.4, y.shape)
    points = np.stack([x, y, 100 + 0.3 * x - 0.7 * y], axis=-1).astype(np.float32)
    heights, covered = rasterize_surface(points, np.ones((59, 59), bool), 230, 230, 0.25, (1.0, 58.25))
    assert covered.all()
    cols, rows = np.meshgrid(1.0 + 0.25 * np.arange(230), 58.25 - 0.25 * np.arange(230))
    np.testing.assert_allclose(heights, 100 + 0.3 * cols - 0.7 * rows, atol=1e-4)


def test_the_upper_of_two_sheets_stays():
    y, x = np.mgrid[5:-1:-1.0, 0:6]
    low = np.stack([x, y, np.full_like(x, 1.0)], axis=-1)
    high = np.stack([x, y, np.full_like(x, 2.0)], axis=-1)
    points = np.concatenate([high[:3], low]).astype(np.float32)
    valid = np.ones((8, 5), bool)
    valid[2] = False
    heights, covered = rasterize_surface(points, valid, 6, 6, 1.0, (0.0, 5.0))
    assert covered.all()
    np.testing.assert_array_equal(heights[:3], 2.0)
    np.testing.assert_array_equal(heights[3:], 1.0)


def test_unknown_corners_leave_out_their_triangles_only():
    points = np.array([[[0, 2, 5], [2, 2, 5]], [[0, 0, 5], [np.nan, 0, 5]]], np.float32)
    heights, covered = rasterize_surface(points, np.ones((1, 1), bool), 3, 3, 1.0, (0.0, 2.0))
    np.testing.assert_array_equal(covered, [[1, 1, 1], [1, 1, 0], [1, 0, 0]])
    assert (heights[covered] == 5).all() and np.isnan(heights[~covered]).all()


def test_far_corners_and_edge_on_triangles_are_harmless():
    points = np.array([[[-3e38, 0, 1], [3e38, 0, 1]], [[0, 0, 1], [7, 0, 1]]], np.float32)
    assert not rasterize_surface(points, np.ones((1, 1), bool), 3, 3, 1.0, (0.0, 2.0))[1].any()
    points[0, :, 1] = 3e38
    heights, covered = rasterize_surface(points, np.ones((1, 1), bool), 3, 3, 1.0, (0.0, 2.0))
    assert covered.any() and np.nanmax(np.abs(heights - 1)) < 1e-5


def test_same_bits_every_time_and_inputs_stay():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 30, (20, 20, 3)).astype(np.float32)
    valid = rng.random((19, 19)) < 0.9
    before, mask = points.copy(), valid.copy()
    first = rasterize_surface(points, valid, 31, 31, 1.0, (0.0, 30.0))
    second = rasterize_surface(points, valid, 31, 31, 1.0, (0.0, 30.0))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(valid, mask)


@pytest.mark.parametrize("points, valid, rows, dx, origin", [
    ((4, 4), (3, 3), 5, 1.0, (0, 0)), ((4, 4, 2), (3, 3), 5, 1.0, (0, 0)), ((1, 4, 3), (0, 3), 5, 1.0, (0, 0)),
    ((4, 4, 3), (4, 4), 5, 1.0, (0, 0)), ((4, 4, 3), (3, 3), 0, 1.0, (0, 0)), ((4, 4, 3), (3, 3), 5, 0.0, (0, 0)),
    ((4, 4, 3), (3, 3), 5, np.nan, (0, 0)), ((4, 4, 3), (3, 3), 5, 1.0, (np.inf, 0)),
])
def test_refuses_what_does_not_fit(points, valid, rows, dx, origin):
    with pytest.raises(KernelInputError):
        rasterize_surface(np.zeros(points, np.float32), np.ones(valid, bool), rows, 5, dx, origin)
