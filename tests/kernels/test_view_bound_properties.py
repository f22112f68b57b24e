"""The view bound on grids of any shape: against a walk ray by ray in plain Python, turned scenes, threads, kinds of arrays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.threads import set_thread_count
from kernels.errors import KernelInputError
from kernels.rays import exit_direction, ray
from kernels.view_bound import view_bound
from kernels.workspace import Workspace

AROUND = -math.pi, math.pi


def ray_by_ray(heights, visible, x, y, z, window, sky, dx):
    """The least limit of all rays that cross a cell, with the rays' cells from `kernels.rays` and nothing else of the kernel."""
    rows, cols = heights.shape
    middle, half = 0.5 * (window[0] + window[1]), 0.5 * (window[1] - window[0])
    row, col = np.mgrid[0:rows, 0:cols]
    away = np.sqrt((col - x) ** 2 + (row - y) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        tangents = ((heights - z) / (away * dx)).astype(np.float32)
    opaque = visible is None
    known = (np.ones_like(away, bool) if opaque else visible) & (away >= 0.5)
    lowest = np.full(heights.size, np.float32(np.inf))
    turned = lambda azimuth: abs((azimuth - middle + math.pi) % (2 * math.pi) - math.pi)  # noqa: E731
    directions = [exit_direction(k, rows, cols, x, y) for k in range(4 * (rows + cols))]
    directions = [d for d in directions if d != (0.0, 0.0) and turned(math.atan2(d[0], -d[1])) <= half + 1e-9]
    if half < math.pi:
        directions += [(math.sin(azimuth), -math.cos(azimuth)) for azimuth in (middle + half, middle - half)]
    for ux, uy in directions:
        steps, base, along, across, width, start, position, slope = ray(x, y, ux, uy, rows, cols)
        cells = []
        for k in range(steps):
            p = position + k * slope
            one, other = max(p, start) >> 32, (p + slope - 1) >> 32
            cells += [base + k * along + i * across for i in ([one, other] if other > one else [one]) if 0 <= i < width]
        ahead = np.float32(np.inf)
        if sky is not None and sky[0][0] <= (azimuth := math.atan2(ux, -uy)) <= sky[0][-1]:
            between = np.interp(azimuth, *sky)
            ahead = np.float32(np.inf if math.isnan(between) else between)
        passed = [tangents.flat[c] if known.flat[c] else None for c in cells]
        for i, c in enumerate(cells):
            before = max([t for t in passed[:i] if t is not None], default=-np.float32(np.inf))
            behind = min([t for t in passed[i + 1 :] if t is not None] + [ahead])
            limit = before if opaque or (behind == np.inf and sky is None and before > -np.inf) else max(before, behind)
            lowest[c] = min(lowest[c], limit)
    limits = lowest.reshape(heights.shape).astype(float)
    with np.errstate(invalid="ignore"):
        bound = np.where(np.isfinite(limits), z + away * dx * limits, limits)
    inside = np.array([[turned(math.atan2(c - x, y - r)) <= half + 1e-9 for c in range(cols)] for r in range(rows)])
    free = inside if opaque else inside & ~visible
    return np.where(free, bound, np.inf).astype(np.float32)


@st.composite
def scenes(draw):
    rows, cols = draw(st.sampled_from([(1, 1), (1, 9), (8, 1), (5, 5), (16, 16), (7, 12), (32, 3), (17, 33)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from(["random", "flat", "plateau", "huge"]))
    heights = {"random": lambda: rng.normal(size=(rows, cols)) * 30, "flat": lambda: np.full((rows, cols), 7.0),
               "plateau": lambda: np.round(rng.normal(size=(rows, cols)) * 3), "huge": lambda: rng.normal(size=(rows, cols)) * 3e7}
    visible = rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.15, 0.5, 1.0]))
    quarter = st.integers(-6, 6).map(lambda k: k / 4)
    x = draw(st.sampled_from([-7.5, -0.5, 0.0, (cols - 1) / 2, cols - 0.5, cols + 4.0])) + draw(quarter)
    y = draw(st.sampled_from([-7.5, -0.5, 0.0, (rows - 1) / 2, rows - 0.5, rows + 4.0])) + draw(quarter)
    return heights[kind]().astype(np.float32), visible, x, y, draw(st.sampled_from([-20.0, 0.0, 60.0]))


def bound_of(heights, visible, x, y, z, window=AROUND, sky=(None, None), **more):
    """Spacing 2 m and an origin that leave the camera's column and row exact."""
    return view_bound(heights, visible, 2.0, (0.0, 0.0), (2.0 * x, -2.0 * y, z), *window, *sky, **more)


@given(scenes(), st.sampled_from([AROUND, (-0.7, 0.9), (1.0, 3.9)]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_is_the_least_limit_of_all_rays(scene, window, whole, with_sky):
    heights, visible, x, y, z = scene
    sky = np.linspace(-1.2, 1.1, 9), np.array([2.0, 0.4, 0.1, np.nan, 1.0, 1.0, 0.3, 0.2, 0.2])
    sky = sky if with_sky and not whole else None
    bound = bound_of(heights, None if whole else visible, x, y, z, window, sky or (None, None))
    expected = ray_by_ray(heights, None if whole else visible, x, y, z, window, sky, 2.0)
    same = (bound == expected) | np.isclose(bound, expected, rtol=1e-5, atol=1e-3)
    assert same.all()
    assert not np.isnan(bound).any()


@given(scenes(), st.booleans())
@settings(max_examples=20, deadline=None)
def test_turned_scenes_give_the_turned_bound(scene, whole):
    heights, visible, x, y, z = scene
    rows, cols = heights.shape
    bound = bound_of(heights, None if whole else visible, x, y, z)
    for turn, (u, v) in ((lambda a: a[::-1], (x, rows - 1 - y)), (lambda a: a[:, ::-1], (cols - 1 - x, y)), (np.transpose, (y, x))):
        result = bound_of(turn(heights), None if whole else turn(visible), u, v, z)
        np.testing.assert_array_equal(result, turn(bound))


@given(scenes(), st.booleans())
@settings(max_examples=15, deadline=None)
def test_threads_scratch_and_layout_change_no_bit(scene, whole):
    heights, visible, x, y, z = scene
    mask = None if whole else visible
    copies, workspace = (heights.copy(), visible.copy()), Workspace()
    bound = bound_of(heights, mask, x, y, z)
    try:
        for count in (1, 2, 3, 7):
            set_thread_count(count)
            np.testing.assert_array_equal(bound_of(heights, mask, x, y, z, workspace=workspace), bound)
            bound_of(heights[:1] + 5, None, x, y, z, workspace=workspace)
    finally:
        set_thread_count(None)
    apart = np.full((2 * heights.shape[0], 3 * heights.shape[1]), np.nan)
    apart[::2, ::3] = heights
    np.testing.assert_array_equal(bound_of(apart[::2, ::3], mask, x, y, z), bound)
    np.testing.assert_array_equal(bound_of(np.asfortranarray(heights), mask, x, y, z), bound)
    np.testing.assert_array_equal(heights, copies[0])
    np.testing.assert_array_equal(visible, copies[1])
    assert bound.dtype == np.float32 and bound.flags.c_contiguous


def test_grids_wider_than_a_bundle_of_rays_and_pieces_of_many_threads():
    rng = np.random.default_rng(4)
    heights, visible = rng.normal(size=(96, 150)).astype(np.float32) * 20, rng.random((96, 150)) < 0.3
    for x, y in ((3.0, 40.0), (70.25, 95.5), (-300.0, 20.0), (1000.0, 1200.0)):
        bound = bound_of(heights, visible, x, y, 30.0)
        try:
            set_thread_count(5)
            np.testing.assert_array_equal(bound_of(heights, visible, x, y, 30.0), bound)
        finally:
            set_thread_count(None)
        np.testing.assert_allclose(bound, ray_by_ray(heights, visible, x, y, 30.0, AROUND, None, 2.0), rtol=1e-5, atol=1e-3)


def test_a_whole_terrain_is_seen_where_it_reaches_the_bound():
    heights = np.zeros((1, 6), np.float32)
    heights[0] = 0.0, 0.0, 10.0, 0.0, 25.0, 0.0
    bound = bound_of(heights, None, 0.0, 0.0, 5.0)
    # the camera's own cell and its neighbor have nothing before them; then the ground beside it, the first peak, the second
    np.testing.assert_allclose(bound[0], [-np.inf, -np.inf, -5.0, 12.5, 15.0, 30.0])
    assert bound_of(heights, np.ones((1, 6), bool), 0.0, 0.0, 5.0).tolist() == [[math.inf] * 6]


def test_other_kinds_of_arrays_and_the_device():
    torch = pytest.importorskip("torch")
    heights, visible = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32), np.eye(9, 8, dtype=bool)
    result = bound_of(torch.from_numpy(heights), torch.from_numpy(visible), 3.0, 3.0, 1.0)
    assert isinstance(result, torch.Tensor) and result.dtype == torch.float32
    np.testing.assert_array_equal(result.numpy(), bound_of(heights.astype(np.float64), visible, 3.0, 3.0, 1.0, device="cpu"))


GOOD = (np.zeros((4, 4), np.float32), np.ones((4, 4), bool), 1.0, (0.0, 0.0), (0.0, 0.0, 1.0), -0.5, 0.5)


@pytest.mark.parametrize("place, value", [
    (0, np.full((4, 4), np.nan, np.float32)), (0, np.full((4, 4), np.inf, np.float32)), (0, np.zeros((4, 4), int)),
    (0, np.zeros(4, np.float32)), (0, np.zeros((0, 4), np.float32)), (0, np.zeros((3, 4), np.float32)), (0, [[1.0]]),
    (1, np.ones((4, 4))), (1, np.ones((4, 5), bool)), (2, -1.0), (2, math.nan), (3, (0.0,)), (3, (0.0, math.inf)),
    (4, (0.0, 0.0)), (4, (1e12, 0.0, 0.0)), (4, (0.0, 0.0, math.nan)), (5, 0.6), (6, math.nan)])
def test_a_named_error_for_what_it_cannot_use(place, value):
    arguments = list(GOOD)
    arguments[place] = value
    with pytest.raises(KernelInputError):
        view_bound(*arguments)
    with pytest.raises(KernelInputError):
        view_bound(*GOOD, device="tpu")


def test_hidden_heights_may_be_anything():
    heights = np.full((4, 4), np.nan, np.float32)
    heights[0], visible = 3.0, np.zeros((4, 4), bool)
    visible[0] = True
    assert np.isfinite(bound_of(heights, visible, 1.5, 8.0, 1.0)[1:]).any()
    with pytest.raises(KernelInputError):
        bound_of(heights, None, 1.5, 8.0, 1.0)
