"""Surfaces and points on grids and derivatives in CUDA's simulator against the CPU's: the same bits."""

import numpy as np
import pytest
from cuda_simulator import SIMULATED, check_in_simulator, simulated

from kernels.derivatives import aspect, curvature, laplacian, slope
from kernels.errors import KernelInputError
from kernels.rasterize import rasterize_points, rasterize_surface
from kernels.workspace import Workspace

if SIMULATED:
    from numba import cuda

    from kernels.cuda.memory import DeviceWorkspace

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in scalar:RuntimeWarning")  # the simulator is Python

DERIVATIVES = [
    lambda z, mask, **how: slope(z, 2.5, "rotation_invariant", mask, **how),
    lambda z, mask, **how: slope(z, 2.5, "horn", mask, **how),
    lambda z, mask, **how: aspect(z, 2.5, mask, **how),
    lambda z, mask, **how: laplacian(z, 2.5, mask, **how),
    lambda z, mask, **how: curvature(z, 2.5, "mean", mask, **how),
    lambda z, mask, **how: curvature(z, 2.5, "profile", mask, **how),
    lambda z, mask, **how: curvature(z, 2.5, "plan", mask, **how),
]


@pytest.mark.skipif(SIMULATED, reason="starts that process")
def test_in_the_simulator(request):
    check_in_simulator(request)


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_array_equal(np.asarray(one).view(np.uint8), other.view(np.uint8))


def sheet(high, wide, seed, noise):
    """A folded sheet with unknown corners; x and y in cells."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:high, 0:wide].astype(float)
    points = np.stack([x, -y, rng.normal(0, 10, x.shape)], axis=-1)
    points[..., :2] += rng.normal(0, noise, (high, wide, 2))
    points[rng.random(x.shape) < 0.05] = np.nan
    return points.astype(np.float32), rng.random((high - 1, wide - 1)) < 0.9


@simulated
@pytest.mark.parametrize("high, wide, noise, dx", [(7, 9, 0.2, 0.4), (6, 5, 2.0, 0.5), (4, 3, 0.3, 0.12), (12, 12, 0.3, 3.0)])
def test_surfaces_have_the_same_bits(high, wide, noise, dx):
    points, valid = sheet(high, wide, high, noise)  # the third has quads of more centers than a thread takes
    arguments = valid, 20, 23, dx, (-0.3, 0.4)
    expected = rasterize_surface(points, *arguments, device="cpu")
    assert expected[1].any() and not expected[1].all()
    same(rasterize_surface(points, *arguments, device="cuda"), expected)
    assert isinstance(rasterize_surface(points, *arguments, device="cuda")[0], np.ndarray)


@simulated
def test_corners_on_centers_and_far_away_have_the_same_bits():
    rng = np.random.default_rng(4)
    points = rng.integers(-4, 8, (5, 6, 3)).astype(np.float32)
    points[2, 3, 0], points[0, 0, 1] = 3e38, -3e38
    arguments = np.ones((4, 5), bool), 11, 10, 1.0, (-2.0, 6.0)
    same(rasterize_surface(points, *arguments, device="cuda"), rasterize_surface(points, *arguments, device="cpu"))


@simulated
def test_points_have_the_same_bits():
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.uniform(-2, 12, (200, 3)), rng.integers(-1, 12, (100, 3)) + 0.5]).astype(np.float32)
    points[::17] = np.nan
    points[5, 2], points[6, 0], points[7, :] = np.inf, 3e38, (1, 1, -0.0)
    arguments = 9, 10, 1.0, (0.25, 9.0)
    same(rasterize_points(points, *arguments, device="cuda"), rasterize_points(points, *arguments, device="cpu"))


@simulated
@pytest.mark.parametrize("shape, kind", [((1, 1), np.float32), ((2, 5), np.float64), ((10, 35), np.float32)])
def test_derivatives_have_the_same_bits(shape, kind):
    # without contraction, as in the simulator; a GPU may differ by one unit in the last place
    rng = np.random.default_rng(6)
    heights = rng.normal(0, 10, shape).cumsum(1).astype(kind)
    heights.reshape(-1)[::41] = np.inf
    mask = rng.random(shape) < 0.95
    for derivative in DERIVATIVES:
        same([derivative(heights, mask, device="cuda")], [derivative(heights, mask, device="cpu")])
    same([slope(heights, 3.0, device="cuda")], [slope(heights, 3.0, device="cpu")])


@simulated
def test_device_arrays_stay_there_and_scratch_is_kept():
    points, valid = sheet(6, 7, 1, 0.4)
    arguments = 12, 12, 0.5, (0.0, 0.0)
    expected = rasterize_surface(points, valid, *arguments, device="cpu")
    with DeviceWorkspace() as scratch:
        there, wide = cuda.to_device(points), cuda.to_device(points.astype(np.float64))
        for source in (there, wide, there):
            found = rasterize_surface(source, cuda.to_device(valid), *arguments, workspace=scratch)
            assert not isinstance(found[0], np.ndarray)
            same([part.copy_to_host() for part in found], expected)
        np.testing.assert_array_equal(there.copy_to_host(), points)
        flat = cuda.to_device(points.reshape(-1, 3))
        same([part.copy_to_host() for part in rasterize_points(flat, *arguments, workspace=scratch)],
             rasterize_points(points.reshape(-1, 3), *arguments, device="cpu"))
        assert scratch.nbytes > 0


@simulated
def test_refuses_what_it_cannot_use():
    points, valid = sheet(4, 4, 0, 0.1)
    frame = 5, 5, 1.0, (0.0, 0.0)
    for call in (
        lambda: rasterize_surface(points.astype(np.int32), valid, *frame, device="cuda"),
        lambda: rasterize_surface(points[0], valid, *frame, device="cuda"),
        lambda: rasterize_surface(points[:1], valid[:0], *frame, device="cuda"),
        lambda: rasterize_surface(points, valid.astype(np.int8), *frame, device="cuda"),
        lambda: rasterize_surface(points, valid[1:], *frame, device="cuda"),
        lambda: rasterize_points(points, *frame, device="cuda"),
        lambda: rasterize_points(np.zeros((0, 3), np.float32), *frame, device="cuda"),
        lambda: rasterize_points(points[0], *frame, device="cuda", workspace=Workspace()),
        lambda: slope(np.zeros((4, 4), np.int32), 1.0, device="cuda"),
        lambda: slope(np.zeros(4, np.float32), 1.0, device="cuda"),
        lambda: slope(np.zeros((4, 4), np.float32), 1.0, mask=np.ones((3, 4), bool), device="cuda"),
    ):
        with pytest.raises(KernelInputError):
            call()
