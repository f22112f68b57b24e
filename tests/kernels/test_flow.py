"""Recipients end at outlets, follow the steepest drop, leave lakes through the lowest pass; accumulation counts cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from terrains import TERRAINS, ends, rough, spiral, terraced

import kernels
from kernels.cpu import drainage
from kernels.errors import KernelInputError
from kernels.fill import fill
from kernels.flow import flow_accumulation, flow_receivers

few = settings(max_examples=25, deadline=None)


@few
@given(rough | terraced)
def test_all_water_arrives_at_the_border_in_steps_to_neighbors(z):
    before = z.copy()
    receivers = flow_receivers(z)
    rows, cols = z.shape
    r, c = np.divmod(ends(receivers), cols)
    assert ((r == 0) | (r == rows - 1) | (c == 0) | (c == cols - 1)).all()
    here, there = np.indices(z.shape).reshape(2, -1), np.array(np.divmod(receivers.ravel(), cols))
    assert np.abs(here - there).max() <= 1
    assert np.array_equal(z, before)


@few
@given(rough | terraced)
def test_a_path_never_climbs_over_more_than_the_lowest_pass(z):
    receivers, level = flow_receivers(z).ravel(), fill(z).ravel()
    at, top = np.arange(z.size), z.ravel().copy()
    for _ in range(z.size):
        at = receivers[at]
        top = np.maximum(top, z.ravel()[at])
    assert np.array_equal(top, level)


@few
@given(rough | terraced)
def test_counts_at_the_outlets_sum_to_the_cells(z):
    count, receivers = flow_accumulation(z), flow_receivers(z)
    assert count.dtype == np.float32
    assert count.min() >= 1
    outlet = receivers.ravel() == np.arange(z.size)
    assert count.ravel()[outlet].sum() == z.size
    inflow = np.bincount(receivers.ravel()[~outlet], count.ravel()[~outlet], z.size)
    assert np.array_equal(count.ravel(), 1 + inflow)


@pytest.mark.parametrize("cells", [1, 700, 65536])
@pytest.mark.parametrize("name", TERRAINS)
def test_counts_do_not_depend_on_the_rows_that_are_worked_on_at_once(name, cells, monkeypatch):
    z = TERRAINS[name]
    monkeypatch.setattr(drainage, "_CELLS_AT_ONCE", cells)
    count, receivers = flow_accumulation(z).ravel(), flow_receivers(z).ravel()
    expected, into = np.ones(z.size), np.bincount(receivers[receivers != np.arange(z.size)], minlength=z.size)
    waiting = np.flatnonzero(into == 0).tolist()
    while waiting:
        cell = waiting.pop()
        to = receivers[cell]
        if to != cell:
            expected[to] += expected[cell]
            into[to] -= 1
            if into[to] == 0:
                waiting.append(to)
    assert np.array_equal(count, expected)


@pytest.mark.parametrize("name", TERRAINS)
def test_receivers_that_are_known_give_the_same_counts(name):
    z = TERRAINS[name]
    receivers = flow_receivers(z)
    assert np.array_equal(flow_accumulation(z, receivers=receivers), flow_accumulation(z))
    masked = z > np.median(z) + 5
    if not masked.all():
        receivers = flow_receivers(z, nodata=masked)
        assert np.array_equal(flow_accumulation(z, receivers=receivers), flow_accumulation(z, nodata=masked))


@pytest.mark.parametrize("receivers", ["far", "outside", "negative", "circle", "float", "shape", "list"])
def test_receivers_that_no_terrain_gives_are_refused(receivers):
    z = np.random.default_rng(0).random((6, 7))
    given = flow_receivers(z)
    if receivers in ("far", "outside", "negative"):
        given[2, 3] = {"far": 6 * 7 - 1, "outside": 6 * 7, "negative": -2}[receivers]
    elif receivers == "circle":
        given[2, 3], given[2, 4] = 2 * 7 + 4, 2 * 7 + 3
    else:
        given = {"float": given.astype(float), "shape": given[:3], "list": given.tolist()}[receivers]
    with pytest.raises(KernelInputError, match="receivers"):
        flow_accumulation(z, receivers=given)


def test_diagonals_count_as_longer():
    z = np.full((5, 5), 9.0)
    z[1, 1], z[2, 1] = 5.0, 6.0  # drops of 4 over sqrt 2 and of 3 over 1
    assert flow_receivers(z)[2, 2] == 2 * 5 + 1


def test_a_lake_leaves_through_its_lowest_pass():
    z = np.full((7, 9), 50.0)
    z[3, 2:7] = [30, 20, 10, 20, 30]
    z[3, 7] = 40
    z[3, 8] = 0
    receivers = flow_receivers(z)
    assert receivers[3, 2:8].tolist() == [3 * 9 + 3, 3 * 9 + 4, 3 * 9 + 5, 3 * 9 + 6, 3 * 9 + 7, 3 * 9 + 8]


def test_a_spiral_and_a_plateau_drain():
    for z in (spiral(21), np.zeros((15, 11), np.float32)):
        end_r, end_c = np.divmod(ends(flow_receivers(z)), z.shape[1])
        assert (np.isin(end_r, (0, z.shape[0] - 1)) | np.isin(end_c, (0, z.shape[1] - 1))).all()


def test_outlets_are_where_they_are_said_to_be():
    z = np.random.default_rng(3).normal(size=(12, 17))
    outlets = np.zeros(z.shape, bool)
    outlets[5, 8] = outlets[0, 0] = True
    assert set(ends(flow_receivers(z, outlets=outlets))) == {0, 5 * 17 + 8}


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        (np.zeros((3, 3), np.int32), "float32 or float64, not int32"),
        (np.zeros(5), "rows and columns"),
        (np.zeros((0, 4)), "at least 1 x 1 cells"),
        (np.full((2, 2), np.inf), "infinity"),
        (np.full((2, 2), 1e300), "infinity"),
        ([[1.0]], "not list"),
    ],
)
def test_heights_that_cannot_be_routed_are_refused(heights, said):
    with pytest.raises(KernelInputError, match=said):
        flow_receivers(heights)


@pytest.mark.parametrize("dx", [0, -1.0, float("nan"), float("inf"), "wide", None])
def test_a_spacing_must_be_a_number_above_zero(dx):
    with pytest.raises(KernelInputError, match="dx_m"):
        flow_accumulation(np.zeros((3, 3)), dx)


def test_package_attributes_are_modules_whatever_was_imported():
    assert kernels.flow.flow_receivers is flow_receivers
    assert kernels.fill.fill is fill
    assert kernels.KernelInputError is KernelInputError
    assert "breach" in dir(kernels)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = kernels.nothing_like_it
