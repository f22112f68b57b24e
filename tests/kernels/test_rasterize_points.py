"""Points in cells against a loop over points: exact occupancy and counts, highest on top, any order, any number of threads."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.cpu.points import STRIP_BITS
from kernels.cpu.threads import set_thread_count
from kernels.errors import KernelInputError
from kernels.rasterize import rasterize_points
from kernels.workspace import Workspace


def one_by_one(points, rows, cols, dx, origin):
    heights, counts = np.full((rows, cols), np.nan, np.float32), np.zeros((rows, cols), np.int32)
    for x, y, z in points.tolist():
        if np.isfinite([x, y, z]).all():
            col, row = np.floor((x - origin[0]) / dx + 0.5), np.floor((origin[1] - y) / dx + 0.5)
            if 0 <= row < rows and 0 <= col < cols:
                counts[int(row), int(col)] += 1
                heights[int(row), int(col)] = np.fmax(heights[int(row), int(col)], np.float32(z))
    return heights, counts


def same(found, expected):
    assert found[0].dtype == np.float32 and found[1].dtype == np.int32
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])


COORDINATES = st.one_of(st.floats(-3, 12, width=32), st.integers(-3, 12).map(lambda whole: whole + 0.5),
                        st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -0.0]))


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=COORDINATES), st.integers(1, 9), st.integers(1, 9),
       st.sampled_from([0.3, 1.0, 2.5, 1e-3, 1e6]), st.floats(-5, 5), st.floats(-5, 5))
def test_agrees_with_a_loop_over_points(points, rows, cols, dx, x, y):
    before = points.copy()
    same(rasterize_points(points, rows, cols, dx, (x, y)), one_by_one(points, rows, cols, dx, (x, y)))
    np.testing.assert_array_equal(points, before)


def test_many_points_in_any_order_for_any_number_of_threads():
    assert 1 << STRIP_BITS < 290 * 280
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 300, (20_000, 3)).astype(np.float32)
    expected = one_by_one(points, 290, 280, 1.0, (0.0, 290.0))
    scratch = Workspace()
    try:
        for threads in (1, 2, 5):
            set_thread_count(threads)
            same(rasterize_points(points, 290, 280, 1.0, (0.0, 290.0), workspace=scratch), expected)
            points = points[rng.permutation(len(points))]
    finally:
        set_thread_count(None)


def test_borders_of_cells_belong_to_the_left_and_far_ones_and_zeros_are_one():
    points = np.array([[0.5, 0, 1], [-0.5, 0, 2], [1.5, 0, 3], [0, -0.5, 4], [0, 0.5, 5], [1, 1, -0.0], [1, 1, 0.0]], np.float32)
    heights, counts = rasterize_points(points, 2, 2, 1.0, (0.0, 1.0))
    np.testing.assert_array_equal(counts, [[0, 2], [2, 1]])
    np.testing.assert_array_equal(heights, [[np.nan, 0], [5, 1]])
    assert not np.signbit(heights[0, 1])


def test_flips_give_flipped_grids():
    points = np.random.default_rng(2).uniform(-4, 4, (300, 3)).astype(np.float32)
    heights, counts = rasterize_points(points, 9, 9, 1.0, (-4.0, 4.0))
    for signs, turned in ([-1, 1, 1], lambda g: g[:, ::-1]), ([1, -1, 1], lambda g: g[::-1]):
        same(rasterize_points(points * np.float32(signs), 9, 9, 1.0, (-4.0, 4.0)), (turned(heights), turned(counts)))
    swapped = points[:, [1, 0, 2]] * np.float32([-1, -1, 1])
    same(rasterize_points(swapped, 9, 9, 1.0, (-4.0, 4.0)), (heights.T, counts.T))


def test_other_arrays_are_taken_and_come_back_as_they_are():
    points = np.random.default_rng(3).uniform(0, 9, (100, 3)).astype(np.float32)
    expected = rasterize_points(points, 9, 9, 1.0, (0.0, 9.0))
    strided = np.zeros((200, 6), np.float32)[::2, ::2]
    strided[:] = points
    same(rasterize_points(strided, 9, 9, 1.0, (0.0, 9.0)), expected)
    same(rasterize_points(points.astype(np.float64), 9, 9, 1.0, (0.0, 9.0)), expected)
    heights, counts = rasterize_points(torch.from_numpy(points), 9, 9, 1.0, (0.0, 9.0))
    assert isinstance(heights, torch.Tensor) and counts.dtype == torch.int32
    same((heights.numpy(), counts.numpy()), expected)


GOOD = np.zeros((4, 3), np.float32)


@pytest.mark.parametrize("points, rows, cols, dx, origin", [
    (GOOD.astype(np.int32), 5, 5, 1.0, (0, 0)), (GOOD[:, :2], 5, 5, 1.0, (0, 0)), (GOOD[0], 5, 5, 1.0, (0, 0)),
    (GOOD[:0], 5, 5, 1.0, (0, 0)), (GOOD.tolist(), 5, 5, 1.0, (0, 0)), (GOOD, 0, 5, 1.0, (0, 0)), (GOOD, 5, -1, 1.0, (0, 0)),
    (GOOD, 2.5, 5, 1.0, (0, 0)), (GOOD, 5, 5, -1.0, (0, 0)), (GOOD, 5, 5, np.inf, (0, 0)), (GOOD, 5, 5, 1.0, (np.nan, 0)),
    (GOOD, 5, 5, 1.0, (0, 0, 0)), (GOOD, 2**15, 2**15, 1.0, (0, 0)), (GOOD, 5, 5, "wide", (0, 0)),
])
def test_refuses_what_does_not_fit(points, rows, cols, dx, origin):
    with pytest.raises(KernelInputError, match=r"\.$"):
        rasterize_points(points, rows, cols, dx, origin)
