"""Cast shadows against a bilinear march toward the sun, and against what a wall must do."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from kernels.errors import KernelInputError
from kernels.shadow import cast_shadow


def rough(n, seed=0):
    rng = np.random.default_rng(seed)
    return sum(gaussian_filter(rng.normal(size=(n, n)), s) * s * a for s, a in ((16, 60), (5, 30), (2, 15))).astype(np.float32)


def marched(heights, dx, azimuth, elevation, step=0.5):
    """Shadow by walking from each cell toward the sun over the bilinear surface, in half cells."""
    rows, cols = heights.shape
    row, col = np.mgrid[0:rows, 0:cols].astype(float)
    shadow = np.zeros(heights.shape, bool)
    for k in range(1, int(1.5 * max(rows, cols) / step)):
        away = k * step
        r, c = row - away * math.cos(azimuth), col + away * math.sin(azimuth)
        inside = (r >= 0) & (r <= rows - 1) & (c >= 0) & (c <= cols - 1)
        surface = map_coordinates(heights.astype(float), [r, c], order=1, mode="nearest")
        shadow |= inside & (surface > heights + away * dx * math.tan(elevation))
    return shadow


@pytest.mark.parametrize("azimuth", [0.0, 0.4, 1.2, math.pi / 2, 2.0, 2.9, math.pi, 3.7, 4.4, 5.24, -0.7])
def test_agrees_with_a_march(azimuth):
    heights = rough(96)
    shadow, expected = cast_shadow(heights, 10.0, azimuth, 0.2), marched(heights, 10.0, azimuth, 0.2)
    assert 0.05 < expected.mean() < 0.8
    assert (shadow != expected).mean() < 0.02  # a cell at the shadow's border may fall either way


@pytest.mark.parametrize("azimuth, cell", [(0.0, (1, 0)), (math.pi / 2, (0, -1)), (math.pi, (-1, 0)), (-math.pi / 2, (0, 1))])
def test_length_of_a_towers_shadow(azimuth, cell):
    heights = np.zeros((41, 41), np.float32)
    heights[20, 20] = 35.0
    shadow = cast_shadow(heights, 10.0, azimuth, math.pi / 4)
    expected = np.zeros_like(shadow)
    for k in range(1, 4):  # 35 m high at 45 degrees: 3 cells of 10 m
        expected[20 + k * cell[0], 20 + k * cell[1]] = True
    np.testing.assert_array_equal(shadow, expected)


def test_level_ground_is_lit_and_slopes_too_steep_for_the_sun_are_not():
    assert not cast_shadow(np.full((9, 7), 812.5, np.float32), 3.0, 1.1, 0.01).any()
    falling = np.repeat(np.arange(20, dtype=np.float32)[::-1, None], 20, axis=1)  # falls toward -y, 45 degrees
    assert not cast_shadow(falling, 1.0, 0.0, math.radians(46)).any()
    assert cast_shadow(falling, 1.0, 0.0, math.radians(44))[1:].all()
    assert not cast_shadow(falling, 1.0, math.pi, 0.01).any()


def test_turning_the_grid_turns_the_shadow():
    heights = rough(65, seed=4)
    shadow = cast_shadow(heights, 10.0, 0.3, 0.3)
    np.testing.assert_array_equal(np.rot90(shadow, -1), cast_shadow(np.rot90(heights, -1), 10.0, 0.3 + math.pi / 2, 0.3))
    np.testing.assert_array_equal(shadow[:, ::-1], cast_shadow(heights[:, ::-1], 10.0, -0.3, 0.3))


def test_sun_overhead_one_row_and_inputs_stay():
    heights = rough(32)
    before = heights.copy()
    assert not cast_shadow(heights, 10.0, 0.0, math.pi / 2).any()
    np.testing.assert_array_equal(cast_shadow(np.array([[9.0, 0.0, 0.0]], np.float32), 1.0, -math.pi / 2, 0.2), [[0, 1, 1]])
    assert cast_shadow(heights[:1, :1], 1.0, 2.0, 0.1).shape == (1, 1)
    np.testing.assert_array_equal(heights, before)


@pytest.mark.parametrize("elevation", [0.0, -0.2, math.nan, 2.0])
def test_no_light_without_a_sun(elevation):
    with pytest.raises(KernelInputError, match="sun"):
        cast_shadow(rough(8), 1.0, 0.0, elevation)


def test_refuses_what_is_no_terrain():
    with pytest.raises(KernelInputError):
        cast_shadow(np.full((3, 3), np.nan, np.float32), 1.0, 0.0, 0.5)
    with pytest.raises(KernelInputError):
        cast_shadow(np.zeros(3, np.float32), 1.0, 0.0, 0.5)
    with pytest.raises(KernelInputError):
        cast_shadow(np.zeros((3, 3), np.float32), -1.0, 0.0, 0.5)
