"""What holds for carving, filling and routing on every terrain, with any number of threads, with and without masks."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from terrains import (
    TERRAINS,
    border,
    carved_along,
    ends,
    flood,
    huge,
    noise,
    ridged,
    rough,
    steepest_step,
    terraced,
)

from kernels.breach import breach
from kernels.cpu import basins, drainage, threads
from kernels.depressions import resolve_depressions
from kernels.errors import KernelInputError
from kernels.fill import fill, mean_depression_depth, water_depth
from kernels.fixed_point import fixed_point
from kernels.flow import flow_accumulation, flow_receivers
from kernels.workspace import Workspace

few = settings(max_examples=25, deadline=None)
on_every_terrain = pytest.mark.parametrize("name", TERRAINS)
EPSILON = 1e-3
GRIDS = ("breached", "filled", "water_depth", "receivers")


@pytest.fixture
def many_threads():
    yield threads.set_thread_count
    threads.set_thread_count(None)


def assert_same(found, expected):
    for name in GRIDS:
        assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=name != "receivers"), name
    assert found.mean_depth_m == expected.mean_depth_m
    assert asdict(found.report) == asdict(expected.report)


@on_every_terrain
def test_all_at_once_is_each_by_itself(name):
    z = TERRAINS[name]
    found = resolve_depressions(z)
    carved, report = breach(z, return_report=True)
    assert np.array_equal(found.breached, carved)
    assert found.report == report
    assert np.array_equal(found.filled, fill(z))
    assert np.array_equal(found.water_depth, water_depth(z))
    assert np.array_equal(found.receivers, flow_receivers(z))
    assert found.mean_depth_m == mean_depression_depth(z)
    assert found.mean_depth_m == pytest.approx(found.water_depth.mean(dtype=np.float64), rel=1e-5)
    assert np.array_equal(found.water_depth, found.filled - z)


@on_every_terrain
def test_every_cell_drains_by_the_whole_drop_and_none_is_raised(name):
    z = TERRAINS[name]
    before = z.copy()
    found = resolve_depressions(z)
    assert np.array_equal(z, before)
    assert (found.breached <= z).all()
    outlet = border(z.shape).ravel()
    assert outlet[ends(found.receivers)].all()
    step = found.breached.ravel().astype(np.float64) - found.breached.ravel()[found.receivers.ravel()]
    assert (step[~outlet] >= EPSILON).all()
    refilled, _ = flood(found.breached, border(z.shape))
    assert np.array_equal(refilled, found.breached)
    assert mean_depression_depth(found.breached) == 0.0


@on_every_terrain
def test_cuts_are_what_the_cells_upstream_ask_for_and_no_others(name):
    z = TERRAINS[name]
    found = resolve_depressions(z)
    unit, _ = fixed_point(float(np.abs(z).max()), EPSILON)
    expected = carved_along(z, found.receivers, unit, found.report.epsilon_m)
    assert np.array_equal(found.breached, expected)
    cuts = z.astype(np.float64) - expected
    assert found.report.changed >= np.count_nonzero(cuts)
    assert found.report.max_cut_m == cuts.max()
    assert found.report.border_cut_max_m == cuts[border(z.shape)].max()
    assert found.report.volume_m == pytest.approx(cuts.sum())
    assert found.report.mean_cut_m == pytest.approx(cuts.mean())
    assert found.report.undrained == 0


@on_every_terrain
@pytest.mark.parametrize("count", [2, 3, 7])
def test_threads_change_no_bit(name, count, many_threads):
    z = TERRAINS[name]
    many_threads(1)
    alone, area = resolve_depressions(z), flow_accumulation(z)
    many_threads(count)
    assert_same(resolve_depressions(z), alone)
    assert np.array_equal(flow_accumulation(z), area)


def test_threads_change_no_bit_with_masks(many_threads):
    z = ridged(90, 77)
    rng = np.random.default_rng(0)
    masks = {"nodata": rng.random(z.shape) < 0.1, "outlets": rng.random(z.shape) < 0.02, "fixed": rng.random(z.shape) < 0.1}
    many_threads(1)
    alone = resolve_depressions(z, **masks, fixed_penalty_m=5.0)
    for count in (2, 3, 5):
        many_threads(count)
        assert_same(resolve_depressions(z, **masks, fixed_penalty_m=5.0), alone)


def test_a_workspace_that_held_other_terrains_changes_no_bit():
    scratch = Workspace()
    for name in ("noise", "ridged, odd", "one cell", "terraces", "ridged, odd"):
        z = TERRAINS[name]
        assert_same(resolve_depressions(z, workspace=scratch), resolve_depressions(z))
        assert np.array_equal(flow_accumulation(z, workspace=scratch), flow_accumulation(z))
        masked = z > np.median(z) + 10
        if not masked.all():
            expected = resolve_depressions(z, nodata=masked)
            assert_same(resolve_depressions(z, nodata=masked, workspace=scratch), expected)


def test_results_outlive_the_workspace():
    scratch = Workspace()
    first = resolve_depressions(TERRAINS["noise"], workspace=scratch)
    kept = {name: getattr(first, name).copy() for name in GRIDS}
    resolve_depressions(TERRAINS["ridged, odd"], workspace=scratch)
    for name in GRIDS:
        assert np.array_equal(getattr(first, name), kept[name])


def test_breaching_takes_at_most_40_bytes_of_scratch_a_cell():
    for z in (ridged(500, 500), noise(400, 400)):
        scratch = Workspace()
        breach(z, workspace=scratch)
        assert scratch.nbytes <= 40 * z.size


@pytest.mark.parametrize("name", ["noise", "ridged, odd", "terraces", "plateau", "spiral", "huge range"])
def test_the_sweep_for_terrain_with_long_ways_gives_the_same_bits(name, monkeypatch):
    z = TERRAINS[name]
    rng = np.random.default_rng(1)
    nodata, fixed, outlets = (rng.random(z.shape) < share for share in (0.6, 0.1, 0.02))
    masks = {"nodata": nodata, "fixed": fixed, "outlets": outlets}
    expected, masked = resolve_depressions(z), resolve_depressions(z, **masks)
    monkeypatch.setattr(drainage, "_STEPS_PER_CELL", 0)
    assert_same(resolve_depressions(z), expected)
    assert_same(resolve_depressions(z, **masks), masked)
    assert masked.report.undrained > 0


def test_more_passes_than_expected_are_listed_all_the_same(monkeypatch):
    expected = resolve_depressions(noise(120, 120))
    monkeypatch.setattr(basins, "_EDGES_PER_BASIN", 0)
    assert_same(resolve_depressions(noise(120, 120)), expected)


@few
@given(rough | terraced | huge)
def test_small_terrains_of_any_kind(z):
    found = resolve_depressions(z)
    outlet = border(z.shape)
    assert np.array_equal(found.filled, flood(z, outlet)[0])
    assert (found.breached <= z).all()
    unit, _ = fixed_point(float(np.abs(z).max()), EPSILON)
    assert np.array_equal(found.breached, carved_along(z, found.receivers, unit, found.report.epsilon_m))
    assert (steepest_step(found.breached)[~outlet] >= EPSILON).all()


TURNS = {
    "upside down": lambda z: z[::-1],
    "left to right": lambda z: z[:, ::-1],
    "transposed": lambda z: z.T,
    "half a turn": lambda z: z[::-1, ::-1],
}


@pytest.mark.parametrize("turn", TURNS)
@on_every_terrain
def test_a_turned_terrain_fills_turned(name, turn):
    z = TERRAINS[name]
    found, turned = resolve_depressions(z), resolve_depressions(TURNS[turn](z))
    assert np.array_equal(turned.filled, TURNS[turn](found.filled))
    assert turned.mean_depth_m == pytest.approx(found.mean_depth_m)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_terrain_without_ties_is_carved_turned(turn):
    """In a channel between walls each pass is one edge. On open ground the cell of a pass has several lower neighbors: a tie."""
    rng = np.random.default_rng(3)
    z = rng.uniform(900, 1000, (5, 300)).astype(np.float32)
    z[[0, -1]] += 1000
    z[2] = rng.uniform(100, 200, 300)
    outlets = np.zeros(z.shape, bool)
    outlets[2, [0, -1]] = True
    carved = breach(z, outlets=outlets)
    assert not np.array_equal(carved, z)
    assert np.array_equal(breach(TURNS[turn](z), outlets=TURNS[turn](outlets)), TURNS[turn](carved))


def test_a_drop_below_what_float32_holds_is_rounded_up_to_it():
    z = TERRAINS["plateau"] + np.float32(5000)
    carved, report = breach(z, epsilon_m=1e-9, return_report=True)
    assert report.epsilon_m >= np.spacing(np.float32(5300))
    inner = ~border(z.shape)
    assert (steepest_step(carved)[inner] >= np.spacing(np.float32(4096))).all()


def test_a_million_kilometers_and_a_millimeter():
    z = TERRAINS["huge range"]
    carved, report = breach(z, return_report=True)
    assert report.epsilon_m >= np.spacing(np.float32(9e8)) / 2
    assert (steepest_step(carved)[~border(z.shape)] > 0).all()


def test_arrays_of_torch_and_any_layout():
    torch = pytest.importorskip("torch")
    z = ridged(40, 50)
    expected = resolve_depressions(z)
    found = resolve_depressions(torch.from_numpy(z), nodata=torch.zeros(40, 50, dtype=torch.bool))
    for name in GRIDS:
        assert isinstance(getattr(found, name), torch.Tensor)
        assert np.array_equal(getattr(found, name).numpy(), getattr(expected, name))
    assert np.array_equal(flow_accumulation(torch.from_numpy(z)).numpy(), flow_accumulation(z))
    wide = np.zeros((80, 150))
    wide[::2, ::3] = z
    for view in (wide[::2, ::3], np.asfortranarray(z)):
        assert_same(resolve_depressions(view), expected)


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"epsilon_m": 0.0}, "epsilon_m must be positive"),
        ({"epsilon_m": "much"}, "epsilon_m must be a number"),
        ({"epsilon_m": 1e6}, "too large"),
        ({"fixed_penalty_m": -1.0}, "must not be negative"),
        ({"nodata": np.zeros((3, 3))}, "`nodata` must be a bool"),
        ({"nodata": np.zeros((2, 3), bool)}, "`nodata` has shape"),
        ({"nodata": np.ones((3, 3), bool)}, "no terrain"),
        ({"outlets": np.zeros((3, 3), bool)}, "has no cell"),
        ({"outlets": np.eye(3, dtype=bool), "nodata": np.eye(3, dtype=bool)}, "has no cell"),
        ({"fixed": [[True] * 3] * 3}, "fixed must be an array"),
        ({"device": "tpu"}, "device must be"),
        ({"workspace": {}}, "workspace"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings_, said):
    with pytest.raises(KernelInputError, match=said):
        resolve_depressions(np.zeros((3, 3), np.float32), **settings_)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e9])
@pytest.mark.parametrize("function", [resolve_depressions, breach, fill, water_depth, flow_receivers, flow_accumulation])
def test_heights_that_are_no_heights_are_refused_unless_masked(function, bad):
    z = ridged(20, 70)
    z[7, 66] = bad
    said = "NaN" if np.isnan(bad) else "infinity" if np.isinf(bad) else "beyond"
    with pytest.raises(KernelInputError, match=said):
        function(z)
    function(z, nodata=z == z[7, 66] if not np.isnan(bad) else np.isnan(z))
