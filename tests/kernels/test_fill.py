"""Filling against a slow priority flood, and the water it holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from terrains import border, flood, rough, terraced

from kernels.errors import KernelInputError
from kernels.fill import fill, mean_depression_depth, water_depth

few = settings(max_examples=25, deadline=None)


@few
@given(rough | terraced)
def test_fill_is_a_priority_flood(z):
    before = z.copy()
    assert np.array_equal(fill(z), flood(z, border(z.shape))[0])
    assert np.array_equal(z, before)


@few
@given(terraced, st.data())
def test_fill_ends_at_the_given_outlets(z, data):
    outlets = data.draw(arrays(np.bool_, z.shape))
    outlets.flat[data.draw(st.integers(0, z.size - 1))] = True
    assert np.array_equal(fill(z, outlets), flood(z, outlets)[0])


def test_fill_of_larger_noise():
    z = np.random.default_rng(1).normal(800, 200, (70, 45)).astype(np.float32)
    assert np.array_equal(fill(z), flood(z, border(z.shape))[0])


def test_mirrored_heights_fill_mirrored():
    z = np.random.default_rng(4).normal(size=(20, 30))
    assert np.array_equal(fill(z[:, ::-1])[:, ::-1], fill(z))
    assert np.array_equal(fill(z.T).T, fill(z))


def test_a_crater_holds_its_volume():
    z = np.full((7, 7), 10.0)
    z[2:5, 2:5] = 4
    assert water_depth(z).sum() == 54
    assert mean_depression_depth(z) == pytest.approx(54 / 49)
    z[3, 6] = z[3, 5] = 6  # a notch in the rim
    assert water_depth(z).sum() == 18
    assert fill(z).dtype == np.float32


def test_lakes_within_lakes():
    z = np.array([9, 8, 1, 5, 0, 7, 2, 6, 9, 3], np.float32)
    z = np.stack([np.full(10, 20.0), z, np.full(10, 20.0)]).astype(np.float32)
    z[1, 0] = 9
    assert fill(z)[1].tolist() == [9, 9, 9, 9, 9, 9, 9, 9, 9, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_a_grid_that_is_all_border_holds_no_water(shape):
    z = np.random.default_rng(0).random(shape)
    assert np.array_equal(fill(z), z.astype(np.float32))
    assert mean_depression_depth(z) == 0.0


@pytest.mark.parametrize("name", ["fill", "water_depth", "mean_depression_depth"])
def test_heights_that_are_not_finite_are_refused(name):
    function = {"fill": fill, "water_depth": water_depth, "mean_depression_depth": mean_depression_depth}[name]
    with pytest.raises(KernelInputError, match="NaN"):
        function(np.array([[1, 2, 3], [4, np.nan, 6], [7, 8, 9]], np.float32))


def test_outlets_need_a_cell_and_the_shape():
    with pytest.raises(KernelInputError, match="has no cell"):
        fill(np.zeros((3, 3)), np.zeros((3, 3), bool))
    with pytest.raises(KernelInputError, match="shape"):
        fill(np.zeros((3, 3)), np.ones((3, 4), bool))
    with pytest.raises(KernelInputError, match="bool"):
        fill(np.zeros((3, 3)), np.ones((3, 3)))
