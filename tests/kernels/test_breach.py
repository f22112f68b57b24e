"""After breaching every cell drains; nothing is raised, and what needs no cut keeps its bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from terrains import border, carved_along, crater, rough, steepest_step, terraced

from kernels.breach import breach
from kernels.errors import KernelInputError
from kernels.fill import fill
from kernels.flow import flow_receivers

few = settings(max_examples=25, deadline=None)
EPSILON = 1e-3


def assert_drains(carved, outlets, epsilon=EPSILON):
    inner = ~outlets
    # Each step falls, so a path cannot loop; it can only end at an outlet.
    assert (steepest_step(carved)[inner] >= epsilon).all()


@few
@given(rough | terraced)
def test_every_cell_drains_and_none_is_raised(z):
    before = z.copy()
    carved = breach(z)
    assert np.array_equal(z, before)
    assert carved.dtype == np.float32
    assert (carved <= z).all()
    assert_drains(carved, border(z.shape))
    assert np.array_equal(fill(carved), carved)


@few
@given(rough | terraced)
def test_only_cells_below_others_on_their_way_are_touched(z):
    (carved, report), receivers = breach(z, return_report=True), flow_receivers(z)
    expected = carved_along(z, receivers, 2.0**-14, report.epsilon_m)
    assert np.array_equal(carved, expected)
    assert report.changed >= np.count_nonzero(expected != z)


@few
@given(terraced, st.data())
def test_given_outlets_are_the_only_ends(z, data):
    outlets = data.draw(arrays(np.bool_, z.shape))
    outlets.flat[data.draw(st.integers(0, z.size - 1))] = True
    carved = breach(z, outlets=outlets)
    assert (carved <= z).all()
    assert_drains(carved, outlets)
    assert np.array_equal(fill(carved, outlets), carved)


@few
@given(rough | terraced, st.data())
def test_fixed_cells_keep_their_bits_and_what_cannot_drain_is_counted(z, data):
    fixed = data.draw(arrays(np.bool_, z.shape))
    penalty = data.draw(st.sampled_from([0.0, 2.5, 1e4]))
    carved, report = breach(z, fixed=fixed, fixed_penalty_m=penalty, return_report=True)
    assert np.array_equal(carved[fixed], z[fixed])
    assert (carved <= z).all()
    if report.fixed_violations == 0:
        assert_drains(carved, border(z.shape))
    stuck = (steepest_step(carved) < EPSILON) & ~border(z.shape)
    assert stuck.sum() <= report.fixed_violations


@pytest.mark.parametrize("lift", [0.0, -400.0, 3000.0, 8500.0])
@pytest.mark.parametrize("kind", ["crater", "plateau", "flat row", "wall"])
def test_shapes_at_any_height(kind, lift):
    z = {
        "crater": crater(31),
        "plateau": np.full((24, 33), 50.0, np.float32),
        "flat row": np.zeros((1, 40), np.float32),
        "wall": np.where(border((20, 20)), 90, 10).astype(np.float32),
    }[kind] + np.float32(lift)
    carved = breach(z)
    assert_drains(carved, border(z.shape))
    assert np.array_equal(fill(carved), carved)
    away = border(z.shape) & (carved != z)
    assert away.sum() <= {"crater": 1, "plateau": 33 * 2 + 24 * 2, "flat row": 0, "wall": 1}[kind]


def test_the_border_does_not_sink():
    """Roots that gave again each round would sink the border by meters, with no depression left to tell."""
    z = np.random.default_rng(0).normal(1500, 30, (64, 64)).astype(np.float32)
    carved, report = breach(z, return_report=True)
    edge = border(z.shape)
    assert carved[edge].min() >= z.min() - 64 * 64 * report.epsilon_m
    assert report.border_cut_max_m == (z - carved)[edge].max()
    assert (carved[edge] == z[edge]).mean() > 0.5


def test_a_long_flat_channel_keeps_its_drop_exactly():
    z = np.full((3, 4001), 1600.0, np.float32)
    z[[0, 2]] = 1700.0
    outlets = np.zeros(z.shape, bool)
    outlets[1, 0] = True
    carved, report = breach(z, outlets=outlets, return_report=True)
    assert float(z[1, 4000] - carved[1, 0]) == 4000 * report.epsilon_m
    assert report.epsilon_m >= EPSILON
    assert_drains(carved, outlets)


def test_breaching_twice_changes_nothing():
    carved = breach(np.random.default_rng(5).normal(300, 50, (40, 40)))
    again, report = breach(carved, return_report=True)
    assert np.array_equal(again, carved)
    assert (report.changed, report.max_cut_m, report.mean_cut_m) == (0, 0.0, 0.0)


def test_a_penalty_sends_the_water_around_fixed_ground():
    z = np.full((9, 9), 100.0, np.float32)
    z[4, 4] = 10
    z[4, 5:8] = 60  # the lowest way out, over fixed ground
    z[4, 1:4] = 70
    z[4, 0] = z[4, 8] = 0
    fixed = np.zeros(z.shape, bool)
    fixed[4, 6] = True
    _, through = breach(z, fixed=fixed, return_report=True)
    around, report = breach(z, fixed=fixed, fixed_penalty_m=30.0, return_report=True)
    assert through.fixed_violations > 0
    assert report.fixed_violations == 0
    assert around[4, 1] < 10
    assert_drains(around, border(z.shape))


def test_water_may_come_down_onto_fixed_ground_for_nothing():
    z = np.full((9, 9), 100.0, np.float32)
    z[4, 4] = 50
    z[4, 5] = 60
    z[4, 6:] = [30, 20, 10]
    z[4, 1:4] = 61
    z[4, 0] = 0
    fixed = np.zeros(z.shape, bool)
    fixed[4, 6:] = True
    carved, report = breach(z, fixed=fixed, fixed_penalty_m=30.0, return_report=True)
    assert report.fixed_violations == 0
    assert carved[4, 5] < 50
    assert carved[4, 1] > 60


def test_a_penalty_leaves_less_stuck_among_drained_ground():
    rng = np.random.default_rng(2)
    rough_ground = np.cumsum(rng.normal(size=(64, 64)), axis=0) + np.cumsum(rng.normal(size=(64, 64)), axis=1)
    fixed = np.hypot(*np.indices((64, 64)) - 32.0) < 20
    z = np.where(fixed, breach(rough_ground), rough_ground)
    _, free = breach(z, fixed=fixed, return_report=True)
    _, kept = breach(z, fixed=fixed, fixed_penalty_m=20.0, return_report=True)
    assert kept.fixed_violations <= free.fixed_violations


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"epsilon_m": 0.0}, "epsilon_m must be positive"),
        ({"epsilon_m": -1.0}, "epsilon_m must be positive"),
        ({"epsilon_m": float("nan")}, "epsilon_m must be finite"),
        ({"epsilon_m": 1e6}, "too large"),
        ({"fixed": np.zeros((3, 3))}, "`fixed` must be a bool"),
        ({"fixed": np.zeros((3, 4), bool)}, "`fixed` has shape"),
        ({"fixed_penalty_m": -1.0}, "must not be negative"),
        ({"outlets": np.zeros((3, 3), bool)}, "has no cell"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings_, said):
    with pytest.raises(KernelInputError, match=said):
        breach(np.zeros((3, 3), np.float32), **settings_)


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        (np.full((3, 3), np.nan, np.float32), "NaN"),
        (np.full((3, 3), -np.inf), "infinity"),
        (np.zeros((3, 3), np.int16), "int16"),
        (np.zeros((0, 3)), "at least 1 x 1 cells"),
        (np.zeros((2, 2, 2)), "rows and columns"),
        (np.full((3, 3), 2e9), "beyond"),
    ],
)
def test_heights_that_cannot_be_carved_are_refused(heights, said):
    with pytest.raises(KernelInputError, match=said):
        breach(heights)
