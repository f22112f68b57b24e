"""Surfaces on grids against a triangle-by-triangle reference in exact fractions; watertight; upper envelope."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.cpu.threads import set_thread_count
from kernels.errors import KernelInputError
from kernels.rasterize import rasterize_surface
from kernels.workspace import Workspace


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


def bits(result):
    return result[0].view(np.int32).tobytes() + result[1].tobytes()


COORDINATES = st.one_of(st.floats(-4, 9, width=32), st.integers(-4, 9),
                        st.sampled_from([np.nan, np.inf, -3e38, 3e38, 1e-30, 1e5]))


def float_rule(points, valid, rows, cols, dx, origin):
    """Every center against every triangle in float64, with the signs of the same three edge functions for both sides."""
    heights = np.full((rows, cols), -np.inf, np.float32)
    with np.errstate(all="ignore"):
        p = points.astype(np.float64)
        p = np.stack([(p[..., 0] - origin[0]) / dx, (origin[1] - p[..., 1]) / dx, p[..., 2]], axis=-1)
        row, col = np.mgrid[0:rows, 0:cols].astype(float)
        for i, j in np.argwhere(valid):
            a, b, c, d = p[i, j], p[i, j + 1], p[i + 1, j], p[i + 1, j + 1]
            for corners in ((a, b, c), (b, d, c)):
                if np.isfinite(corners).all():
                    x, y = [q[0] - col for q in corners], [q[1] - row for q in corners]
                    w = [x[k - 2] * y[k - 1] - y[k - 2] * x[k - 1] for k in range(3)]
                    total = w[0] + w[1] + w[2]
                    inside = (np.minimum.reduce(w) >= 0) | (np.maximum.reduce(w) <= 0)
                    z = ((w[0] * corners[0][2] + w[1] * corners[1][2] + w[2] * corners[2][2]) / total).astype(np.float32)
                    heights = np.where(inside & (total != 0) & (z > heights), z, heights)
    return np.where(heights > -np.inf, heights, np.float32(np.nan))


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(2, 5), st.integers(2, 5), st.just(3)), elements=COORDINATES),
       st.sampled_from([0.05, 0.7, 1.0, 4.0]), st.integers(1, 14), st.integers(1, 14), st.floats(-4, 4))
def test_small_and_large_triangles_follow_the_rule_bit_for_bit(points, dx, rows, cols, x):
    valid = np.ones((points.shape[0] - 1, points.shape[1] - 1), bool)
    heights, covered = rasterize_surface(points, valid, rows, cols, dx, (x, 3.0))
    expected = float_rule(points, valid, rows, cols, dx, (x, 3.0))
    np.testing.assert_array_equal(heights, expected)
    np.testing.assert_array_equal(covered, ~np.isnan(expected))


@pytest.mark.parametrize("dx", [0.06, 0.9, 5.0])
def test_same_bits_for_any_number_of_threads_and_with_kept_scratch(dx):
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:40, 0:30].astype(float)
    points = np.stack([x, -y, rng.normal(0, 5, x.shape)], axis=-1) + rng.normal(0, 0.7, (40, 30, 3))
    points[rng.random(x.shape) < 0.03] = np.nan
    points = points.astype(np.float32)
    arguments = points, rng.random((39, 29)) < 0.95, 60, 50, dx, (0.1, 0.2)
    expected, scratch = bits(rasterize_surface(*arguments)), Workspace()
    np.testing.assert_array_equal(rasterize_surface(*arguments)[0], float_rule(*arguments))
    try:
        for threads in (1, 2, 7):
            set_thread_count(threads)
            assert bits(rasterize_surface(*arguments)) == expected
            assert bits(rasterize_surface(*arguments, workspace=scratch)) == expected
            rasterize_surface(points[:5, :5], arguments[1][:4, :4], 80, 3, dx, (0.1, 0.2), workspace=scratch)
    finally:
        set_thread_count(None)


@settings(max_examples=20, deadline=None)
@given(arrays(np.int32, (4, 4, 3), elements=st.integers(-5, 5)), arrays(bool, (3, 3)))
def test_flips_and_transposes_give_flipped_and_transposed_grids(points, valid):
    points = points.astype(np.float32)

    def covered(points, valid):
        return rasterize_surface(points, valid, 11, 11, 1.0, (-5.0, 5.0))[1]

    # the diagonal b-c of a quad stays the same when the picture is transposed
    expected = covered(points, valid)
    np.testing.assert_array_equal(covered(points.transpose(1, 0, 2), valid.T), expected)
    np.testing.assert_array_equal(covered(points * np.float32([-1, 1, 1]), valid), expected[:, ::-1])
    np.testing.assert_array_equal(covered(points * np.float32([1, -1, 1]), valid), expected[::-1])
    np.testing.assert_array_equal(covered(points[..., [1, 0, 2]] * np.float32([-1, -1, 1]), valid), expected.T)


def test_envelope_lies_above_every_part():
    rng = np.random.default_rng(6)
    points = rng.uniform(0, 12, (6, 6, 3)).astype(np.float32)
    frame = 13, 13, 1.0, (0.0, 12.0)
    every = np.zeros((25, 5, 5), bool)
    every.reshape(25, 25)[np.arange(25), np.arange(25)] = True
    parts = [rasterize_surface(points, one, *frame)[0] for one in every]
    np.testing.assert_array_equal(rasterize_surface(points, every.any(axis=0), *frame)[0], np.fmax.reduce(parts))


def test_other_arrays_are_taken_and_come_back_as_they_are():
    rng = np.random.default_rng(7)
    points, valid = rng.uniform(0, 12, (6, 6, 3)).astype(np.float32), np.ones((5, 5), bool)
    frame = 13, 13, 1.0, (0.0, 12.0)
    expected = bits(rasterize_surface(points, valid, *frame))
    strided = np.zeros((12, 6, 6), np.float32)[::2, :, ::2]
    strided[:] = points
    assert bits(rasterize_surface(strided, valid, *frame)) == expected
    assert bits(rasterize_surface(points.astype(np.float64), valid, *frame)) == expected
    found = rasterize_surface(torch.from_numpy(points), torch.from_numpy(valid), *frame)
    assert isinstance(found[0], torch.Tensor) and found[1].dtype == torch.bool
    assert bits((found[0].numpy(), found[1].numpy())) == expected


@pytest.mark.parametrize("points, valid, rows, dx, origin", [
    ((4, 4), (3, 3), 5, 1.0, (0, 0)), ((4, 4, 2), (3, 3), 5, 1.0, (0, 0)), ((1, 4, 3), (0, 3), 5, 1.0, (0, 0)),
    ((4, 4, 3), (4, 4), 5, 1.0, (0, 0)), ((4, 4, 3), (3, 3), 0, 1.0, (0, 0)), ((4, 4, 3), (3, 3), 5, -1.0, (0, 0)),
    ((4, 4, 3), (3, 3), 5, np.nan, (0, 0)), ((4, 4, 3), (3, 3), 5, 1.0, (np.inf, 0)),
])
def test_refuses_what_does_not_fit(points, valid, rows, dx, origin):
    with pytest.raises(KernelInputError, match=r"\.$"):
        rasterize_surface(np.zeros(points, np.float32), np.ones(valid, bool), rows, 5, dx, origin)


def test_refuses_other_types():
    points, valid = np.zeros((4, 4, 3), np.float32), np.ones((3, 3), bool)
    for wrong in ((points.astype(int), valid), (points, valid.astype(np.uint8)), (points.tolist(), valid), (points, None)):
        with pytest.raises(KernelInputError, match=r"\.$"):
            rasterize_surface(*wrong, 5, 5, 1.0, (0, 0))
