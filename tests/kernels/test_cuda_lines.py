"""Shadow and horizon in CUDA's simulator against the CPU's: every octant, blocks of a few steps, cells without data."""

import math

import numpy as np
import pytest
from cuda_simulator import SIMULATED, check_in_simulator, simulated

if SIMULATED:
    from numba import cuda

    from kernels.cpu.strips import strip_offsets
    from kernels.cuda import lines
    from kernels.cuda.horizon import horizon_angle as horizon_on_gpu
    from kernels.cuda.shadow import cast_shadow as shadow_on_gpu
    from kernels.horizon import horizon_angle
    from kernels.shadow import cast_shadow


@pytest.mark.skipif(SIMULATED, reason="starts that process")
def test_in_the_simulator(request):
    check_in_simulator(request)


def rough(rows, cols, seed=0):
    rng = np.random.default_rng(seed)
    return (8 * rng.normal(size=(rows, cols)).cumsum(0) + 8 * rng.normal(size=(rows, cols)).cumsum(1)).astype(np.float32)


AZIMUTHS = [k * math.pi / 4 for k in range(8)] + [0.3, 1.2, 2.0, 2.9, 3.5, 4.4, 5.1, 6.0]


@simulated
@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_shadow_is_the_cpus_bit_for_bit(azimuth):
    heights = rough(11, 8, seed=7)
    expected = cast_shadow(heights, 10.0, azimuth, 0.3, device="cpu")
    assert 0.02 < expected.mean() < 0.9
    np.testing.assert_array_equal(shadow_on_gpu(heights, 10.0, azimuth, 0.3, block=3).copy_to_host(), expected)


@simulated
@pytest.mark.parametrize("azimuth", AZIMUTHS[1::2])
def test_shadow_and_horizon_with_cells_without_data(azimuth):
    heights = rough(7, 9, seed=8)
    mask = np.random.default_rng(5).random(heights.shape) < 0.2
    heights[mask] = np.nan
    shadow = cast_shadow(heights, 10.0, azimuth, 0.3, nodata=mask, device="cpu")
    np.testing.assert_array_equal(shadow_on_gpu(heights, 10.0, azimuth, 0.3, mask, block=4).copy_to_host(), shadow)
    angle = horizon_angle(heights, 10.0, azimuth, nodata=mask, device="cpu")
    found = horizon_on_gpu(heights, 10.0, azimuth, mask, block=4).copy_to_host()
    np.testing.assert_allclose(found, angle, rtol=0, atol=2e-6)
    assert np.isnan(found[mask]).all() and np.isfinite(found[~mask]).all() and not shadow[mask].any()


@simulated
@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_horizon_is_the_cpus_and_where_the_shadow_ends(azimuth):
    heights = rough(7, 10, seed=9)
    found = horizon_on_gpu(heights, 10.0, azimuth, block=4).copy_to_host()
    np.testing.assert_allclose(found, horizon_angle(heights, 10.0, azimuth, device="cpu"), rtol=0, atol=2e-6)
    for elevation in (0.1, 0.5):
        clear = abs(found - elevation) > 1e-5
        shadow = cast_shadow(heights, 10.0, azimuth, elevation, device="cpu")
        np.testing.assert_array_equal((found > elevation)[clear], shadow[clear])


@simulated
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (8, 8)])
def test_shadow_and_horizon_of_one_row_and_powers_of_two(shape):
    heights = rough(*shape, seed=3)
    for azimuth in (0.0, 1.1, 4.0):
        np.testing.assert_array_equal(shadow_on_gpu(heights, 5.0, azimuth, 0.2).copy_to_host(),
                                      cast_shadow(heights, 5.0, azimuth, 0.2, device="cpu"))
        np.testing.assert_allclose(horizon_on_gpu(heights, 5.0, azimuth).copy_to_host(),
                                   horizon_angle(heights, 5.0, azimuth, device="cpu"), rtol=0, atol=2e-6)


@simulated
def test_lines_lie_where_the_cpus_do():
    @cuda.jit
    def kernel(shift, offsets, left, right):
        k = cuda.grid(1)
        offsets[k], left[k], right[k] = lines.line_place(k, shift, lines.farthest_whole(offsets.size, shift))

    for shift in (0.0, 1.0, -1.0, 0.5, -0.25, 0.1, -1 / 3, math.tan(0.7), -math.tan(0.3)):
        theirs = np.empty(50, np.int64), np.empty(50, np.float32), np.empty(50, np.float32)
        ours = tuple(np.empty_like(array) for array in theirs)
        strip_offsets(50, shift, *theirs)
        kernel[50, 1](shift, *ours)
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
