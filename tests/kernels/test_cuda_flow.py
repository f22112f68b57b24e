"""Flow, breaching, filling and accumulation as CUDA kernels, in Numba's simulator, beside the CPU's: bit for bit.

In most tests tiles are smaller than on a GPU, so that small grids have many (the kernels read their size from the modules), and
three blocks work at once, so that those of cooperative kernels really wait for each other.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from cuda_simulator import SIMULATED, check_in_simulator, simulated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import cuda

from kernels.breach import breach
from kernels.depressions import resolve_depressions
from kernels.errors import KernelInputError
from kernels.fill import fill, mean_depression_depth, water_depth
from kernels.flow import flow_accumulation, flow_receivers

if SIMULATED:
    from concurrent_blocks import blocks_at_once

    from kernels.cuda import accumulation, carving, flow, launch, layout, orientation, receivers, work
    from kernels.cuda.memory import DeviceWorkspace

    sys.setswitchinterval(1e-4)  # threads of a block take turns often, as they may on a GPU


@pytest.mark.skipif(SIMULATED, reason="starts the simulator")
def test_in_the_simulator(request):
    check_in_simulator(request)


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 8 x 8, and three blocks of four threads at once."""
    sizes = {"TILE": 8, "SIDE": 10, "CELLS": 64, "HALO_CELLS": 100, "SLOTS": 28}
    for module in (accumulation, carving, layout, orientation, receivers, work):
        for name, size in sizes.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, size)
    with blocks_at_once(launch, 3, 4):
        yield


def rough(rows, cols, seed=0):
    return (np.random.default_rng(seed).normal(size=(rows, cols)) * 30).astype(np.float32)


def hills(rows, cols, seed=0):
    r, c = np.indices((rows, cols))
    phase = np.random.default_rng(seed).uniform(0, 6, 4)
    z = 300 * np.sin(r / 5 + phase[0]) * np.cos(c / 6 + phase[1]) + 90 * np.sin((r + c) / 2.3 + phase[2])
    return (z + rough(rows, cols, seed) / 10).astype(np.float32)


def crater(rows, cols):
    r, c = np.indices((rows, cols))
    away = np.hypot(r - rows / 2, c - cols / 2)
    return (100 - np.abs(away - rows / 3) * 10).astype(np.float32)


def spiral(size):
    """A channel that falls inward between high walls: one basin with a very long way out."""
    z = np.full((size, size), 900.0)
    r, c, dr, dc, level = 1, 1, 0, 1, 500.0
    z[r, c] = level
    while True:
        turned = 0
        while turned < 2:
            i, j = r + dr, c + dc
            beyond = z[1:-1, 1:-1][max(i + dr - 1, 0) : max(i + dr, 0), max(j + dc - 1, 0) : max(j + dc, 0)]
            if 0 < i < size - 1 and 0 < j < size - 1 and z[i, j] > 800 and not (beyond < 800).any():
                break
            dr, dc, turned = dc, -dr, turned + 1
        if turned == 2:
            return z.astype(np.float32)
        r, c, level = r + dr, c + dc, level - 1
        z[r, c] = level


def assert_same(z, **arguments):
    """All results of one call on the simulated GPU against those of the CPU."""
    before = z.copy()
    ours = flow.resolve(z, **arguments)
    cpu = resolve_depressions(z, device="cpu", **arguments)
    for name in ("receivers", "breached", "filled", "water_depth"):
        mine, theirs = getattr(ours, name).copy_to_host(), getattr(cpu, name)
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs, err_msg=name)
    assert ours.mean_depth_m == pytest.approx(cpu.mean_depth_m, rel=1e-12)
    exact = ("changed", "max_cut_m", "border_cut_max_m", "epsilon_m", "fixed_violations", "undrained")
    mine, theirs = dataclasses.asdict(ours.report), dataclasses.asdict(cpu.report)
    assert {name: mine[name] for name in exact} == {name: theirs[name] for name in exact}
    assert mine["volume_m"] == pytest.approx(theirs["volume_m"], rel=1e-9)
    assert mine["mean_cut_m"] == pytest.approx(theirs["mean_cut_m"], rel=1e-9)
    counts = flow.accumulate(z, receivers=cpu.receivers).copy_to_host()
    np.testing.assert_array_equal(counts, flow_accumulation(z, receivers=cpu.receivers, device="cpu"))
    np.testing.assert_array_equal(z, before)
    return ours


@simulated
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 2), (3, 3), (5, 7), (9, 8), (17, 12)])
def test_small_grids(small_tiles, shape):
    assert_same(rough(*shape, seed=sum(shape)))


@simulated
@pytest.mark.parametrize(
    "z",
    [
        pytest.param(hills(33, 40), id="hills"),
        pytest.param(np.round(rough(21, 26) / 20), id="terraces"),
        pytest.param(np.zeros((16, 20), np.float32), id="flat"),
        pytest.param(np.where(np.hypot(*np.indices((15, 15)) - 7) < 5, 50, 10).astype(np.float32), id="plateau"),
        pytest.param(crater(19, 23), id="crater"),
        pytest.param(rough(12, 16) * 1e6, id="huge range"),
        pytest.param(rough(11, 13) * 1e-4, id="nearly flat"),
        pytest.param(-hills(16, 16), id="power of two"),
    ],
)
def test_terrains_of_many_tiles(small_tiles, z):
    assert_same(z.astype(np.float32))


@simulated
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_any_terrain_with_any_masks(small_tiles, seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 19, 2))
    z = rng.normal(size=shape) * 30
    if rng.random() < 0.5:
        z = np.cumsum(np.cumsum(z, axis=0), axis=1) / 10
    if rng.random() < 0.5:
        z = np.round(z / 20)
    arguments = {}
    nodata, outlets = rng.random(shape) < rng.choice([0.03, 0.3]), rng.random(shape) < 0.05
    if rng.random() < 0.5 and not nodata.all():
        arguments["nodata"] = nodata
        z = np.where(nodata, np.nan, z)
    else:
        nodata = np.zeros(shape, bool)
    if rng.random() < 0.5 and (outlets & ~nodata).any():
        arguments["outlets"] = outlets
    if rng.random() < 0.5:
        arguments["fixed"] = rng.random(shape) < rng.choice([0.05, 0.3])
    if rng.random() < 0.3:
        arguments["epsilon_m"] = float(rng.choice([1e-4, 0.05, 3.0]))
    assert_same(z.astype(np.float32), **arguments)


@simulated
def test_tiles_as_large_as_on_a_gpu():
    assert layout.TILE == 32
    assert_same(hills(33, 40, seed=3))


@simulated
@pytest.mark.parametrize("blocks", [2, 5])
def test_nothing_depends_on_how_many_blocks_there_are(blocks):
    with blocks_at_once(launch, blocks, 3):
        assert_same(hills(35, 37, seed=4))


@simulated
@pytest.mark.parametrize("short", [4, 512])
def test_long_ways_out_are_turned_by_jumps(small_tiles, monkeypatch, short):
    monkeypatch.setattr(orientation, "SHORT_PATH", short)
    ours = assert_same(spiral(17))
    assert ours.report.changed > 40


@simulated
def test_ground_without_data_is_left_out(small_tiles):
    z = hills(20, 25, seed=5)
    nodata = np.zeros(z.shape, bool)
    nodata[4:9, 6:12] = nodata[15, 3:20] = nodata[10:, 20] = True
    z[nodata] = np.nan
    ours = assert_same(z, nodata=nodata)
    assert np.isnan(ours.breached.copy_to_host()[nodata]).all()
    counts = flow.accumulate(z, nodata=nodata).copy_to_host()
    np.testing.assert_array_equal(counts, flow_accumulation(z, nodata=nodata, device="cpu"))
    assert not counts[nodata].any()


@simulated
def test_ground_that_no_outlet_drains_is_left_alone(small_tiles):
    z = rough(18, 22, seed=6)
    nodata = np.zeros(z.shape, bool)
    nodata[:, 11] = True
    outlets = np.zeros(z.shape, bool)
    outlets[5, 3] = outlets[0, 11] = True
    fixed = rough(18, 22, seed=7) > 30
    ours = assert_same(z, nodata=nodata, outlets=outlets, fixed=fixed)
    assert ours.report.undrained == 18 * 10
    np.testing.assert_array_equal(ours.breached.copy_to_host()[:, 12:], z[:, 12:])


@simulated
def test_outlets_inside_and_fixed_cells(small_tiles):
    z = hills(17, 19, seed=8)
    outlets = np.zeros(z.shape, bool)
    outlets[8, 9] = outlets[0, 0] = True
    fixed = rough(17, 19, seed=9) > 20
    ours = assert_same(z, outlets=outlets, fixed=fixed)
    assert ours.report.fixed_violations > 0
    np.testing.assert_array_equal(ours.breached.copy_to_host()[fixed], z[fixed])


@simulated
def test_a_penalty_for_fixed_cells_goes_by_the_cpu():
    z, fixed = rough(9, 11, seed=2), rough(9, 11, seed=3) > 20
    carved, report = flow.breach(z, fixed=fixed, fixed_penalty_m=50.0)
    theirs, expected = breach(z, fixed=fixed, fixed_penalty_m=50.0, return_report=True, device="cpu")
    np.testing.assert_array_equal(carved.copy_to_host(), theirs)
    assert report == expected
    found = flow.resolve(z, fixed=fixed, fixed_penalty_m=50.0)
    np.testing.assert_array_equal(found.breached.copy_to_host(), theirs)


@simulated
def test_each_function_alone_and_a_workspace_kept_between_sizes(small_tiles):
    scratch = DeviceWorkspace()
    first = None
    for z in (rough(14, 17), np.zeros((13, 15), np.float32), rough(6, 9), rough(14, 17)):
        cpu = resolve_depressions(z, device="cpu")
        ways = flow.route(z, workspace=scratch).copy_to_host()
        np.testing.assert_array_equal(ways, cpu.receivers)
        carved, _ = flow.breach(z, workspace=scratch)
        filled, depth, mean_m = flow.fill(z, workspace=scratch)
        counts = flow.accumulate(z, workspace=scratch)
        np.testing.assert_array_equal(filled.copy_to_host(), cpu.filled)
        np.testing.assert_array_equal(depth.copy_to_host(), cpu.water_depth)
        np.testing.assert_array_equal(counts.copy_to_host(), flow_accumulation(z, device="cpu"))
        np.testing.assert_array_equal(carved.copy_to_host(), cpu.breached)
        assert mean_m == pytest.approx(cpu.mean_depth_m, rel=1e-12)
        first = carved if first is None else first
    np.testing.assert_array_equal(first.copy_to_host(), carved.copy_to_host())  # results are not in the workspace
    held = scratch.nbytes
    flow.breach(rough(14, 17), workspace=scratch)
    assert scratch.nbytes == held
    scratch.clear()
    assert scratch.nbytes == 0


@simulated
def test_breaching_needs_less_than_40_bytes_a_cell():
    z = hills(40, 40)
    with blocks_at_once(launch, 3, 4), DeviceWorkspace() as scratch:
        flow.breach(z, workspace=scratch)
        assert 0 < scratch.nbytes < 40 * z.size


@simulated
def test_other_layouts_and_types(small_tiles):
    z = hills(12, 18).astype(np.float64)
    expected = flow_receivers(z, device="cpu")
    np.testing.assert_array_equal(flow.route(z).copy_to_host(), expected)
    np.testing.assert_array_equal(flow.route(np.asfortranarray(z)).copy_to_host(), expected)


@simulated
def test_public_faces_work_where_the_array_lies(small_tiles):
    z = hills(13, 18, seed=11)
    there = cuda.to_device(z)
    cpu = resolve_depressions(z, device="cpu")
    for found, expected in (
        (flow_receivers(there), cpu.receivers),
        (flow_accumulation(there), flow_accumulation(z)),
        (breach(there), cpu.breached),
        (fill(there), cpu.filled),
        (resolve_depressions(there).water_depth, cpu.water_depth),
    ):
        assert isinstance(found, type(there))  # and not NumPy's
        np.testing.assert_array_equal(found.copy_to_host(), expected)
    for found, expected in (
        (flow_receivers(z, device="cuda"), cpu.receivers),
        (breach(z, device="cuda"), cpu.breached),
        (water_depth(z, device="cuda"), cpu.water_depth),
        (resolve_depressions(z, device="cuda").filled, cpu.filled),
    ):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected)
    assert mean_depression_depth(there) == pytest.approx(cpu.mean_depth_m, rel=1e-12)
    np.testing.assert_array_equal(there.copy_to_host(), z)


@simulated
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(
    ("heights", "arguments", "said"),
    [
        (np.full((3, 3), np.nan, np.float32), {}, "NaN"),
        (np.full((3, 3), -np.inf, np.float32), {}, "infinity"),
        (np.full((3, 3), 2e9, np.float32), {}, "values beyond"),
        (np.zeros((3, 3), np.int32), {}, "float32 or float64"),
        (np.zeros(5, np.float32), {}, "rows and columns"),
        (np.zeros((0, 4), np.float32), {}, "at least 1 x 1"),
        (np.zeros((3, 3), np.float32), {"outlets": np.zeros((3, 3), bool)}, "nowhere to go"),
        (np.zeros((3, 3), np.float32), {"outlets": np.ones((3, 4), bool)}, "shape"),
        (np.zeros((3, 3), np.float32), {"nodata": np.ones((3, 3), bool)}, "no terrain"),
        (np.zeros((3, 3), np.float32), {"nodata": np.ones((3, 3))}, "bool array"),
        (np.zeros((3, 3), np.float32), {"workspace": object()}, "DeviceWorkspace"),
    ],
)
def test_what_cannot_be_routed_is_refused(heights, arguments, said):
    with pytest.raises(KernelInputError, match=said):
        flow.route(heights, **arguments)


@simulated
def test_a_drop_that_is_too_large_is_refused(small_tiles):
    for epsilon_m, said in ((1e6, "too large"), (9e3, "leaves the range")):
        with pytest.raises(KernelInputError, match=said):
            flow.breach(np.zeros((40, 40), np.float32), epsilon_m=epsilon_m)


@simulated
@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ([[0, 0, 0], [5, 4, 5]], "no neighbors"),
        ([[1, 0, 2], [3, 4, 5]], "circle"),
        ([[0, -5, 2], [3, 4, 5]], "no neighbors"),
    ],
)
def test_receivers_that_lead_nowhere_are_refused(ways, said):
    with pytest.raises(KernelInputError, match=said):
        flow.accumulate(np.zeros((2, 3), np.float32), receivers=np.array(ways, np.int32))


@simulated
def test_a_circle_through_several_tiles_is_found(small_tiles):
    ways = np.arange(12 * 12, dtype=np.int32).reshape(12, 12)
    ways[7, 7], ways[7, 8], ways[8, 8], ways[8, 7] = 7 * 12 + 8, 8 * 12 + 8, 8 * 12 + 7, 7 * 12 + 7
    with pytest.raises(KernelInputError, match="circle"):
        flow.accumulate(np.zeros((12, 12), np.float32), receivers=ways)
