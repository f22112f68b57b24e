"""View bound in CUDA's simulator against the CPU's and a walk that a reader can follow; what faces of the view share."""

import importlib
import math

import numpy as np
import pytest
from cuda_simulator import SIMULATED, check_in_simulator, simulated

from kernels.errors import KernelInputError
from kernels.rays import exit_direction, ray

if SIMULATED:
    from numba import cuda

    from kernels.cuda import grids, scan, view_walk
    from kernels.cuda import view_bound as on_gpu
    from kernels.cuda.horizon import horizon_angle as horizon_on_gpu
    from kernels.cuda.memory import DeviceWorkspace
    from kernels.cuda.shadow import cast_shadow as shadow_on_gpu
    from kernels.horizon import horizon_angle
    from kernels.shadow import cast_shadow
    from kernels.view_bound import view_bound
    from kernels.workspace import Workspace


@pytest.mark.skipif(SIMULATED, reason="starts that process")
def test_in_the_simulator(request):
    check_in_simulator(request)


@pytest.mark.skipif(SIMULATED, reason="the simulator compiles nothing")
@pytest.mark.parametrize("name", ["grids", "horizon", "lines", "shadow", "view_bound", "view_walk"])
def test_compiles_for_a_gpu_without_spills_and_products_are_not_contracted(name):
    resources = pytest.importorskip("benchmarks.cuda_resources")
    ptxas = resources.prepare_toolkit()
    if ptxas is None:
        pytest.skip("no libNVVM and ptxas of a CUDA toolkit")
    for kernel, function, types in importlib.import_module(f"kernels.cuda.{name}").KERNELS:
        ptx = resources.to_ptx(function, types, "sm_90")
        need = resources.read_resources(ptx, "sm_90", ptxas)
        assert need.spill_bytes == 0 and need.registers <= 96, kernel
        if kernel in ("darken", "shade", "tangents", "bounds"):  # whose bits are those of the CPU
            assert "fma.rn" not in ptx, kernel


def rough(rows, cols, seed=0):
    rng = np.random.default_rng(seed)
    return (8 * rng.normal(size=(rows, cols)).cumsum(0) + 8 * rng.normal(size=(rows, cols)).cumsum(1)).astype(np.float32)


NO_SKY = np.empty(0), np.empty(0)


def walked(heights, seen, camera, window, sky=NO_SKY):
    """The rule, ray by ray and cell by cell, for dx = 1 and row 0 at y = 0: tangents in float32 as everywhere."""
    rows, cols = heights.shape
    x, y, z = camera[0], -camera[1], camera[2]
    row, col = np.mgrid[0:rows, 0:cols]
    away = np.sqrt((col - x) ** 2.0 + (row - y) ** 2.0)
    with np.errstate(all="ignore"):
        tangents = ((heights.astype(float) - z) / (away * 1.0)).astype(np.float32)
    known = (seen if seen is not None else np.ones_like(heights, bool)) & (away >= 0.5)
    middle, half = 0.5 * (window[0] + window[1]), 0.5 * (window[1] - window[0])

    def off(azimuth):
        return abs((azimuth - middle + math.pi) % (2 * math.pi) - math.pi)

    rays = [(math.atan2(ux, -uy), ux, uy) for ux, uy in (exit_direction(k, rows, cols, x, y) for k in range(4 * (rows + cols)))]
    rays = [one for one in rays if one[1:] != (0.0, 0.0) and off(one[0]) <= half + 1e-9]
    rays += [(azimuth, math.sin(azimuth), -math.cos(azimuth)) for azimuth in window if half < math.pi]
    lowest = np.full(rows * cols, np.inf, np.float32)
    for azimuth, ux, uy in rays:
        cells = cells_of(x, y, ux, uy, rows, cols)
        for i, cell in enumerate(cells):
            if seen is not None and known.reshape(-1)[cell]:
                continue
            before = [tangents.reshape(-1)[other] for other in cells[:i] if known.reshape(-1)[other]]
            behind = [tangents.reshape(-1)[other] for other in cells[i + 1 :] if known.reshape(-1)[other]]
            horizon = max(before, default=-math.inf)
            ahead = min([*behind, np.float32(sky_at(azimuth, *sky))])
            limit = max(horizon, ahead)
            if seen is None or (sky[0].size == 0 and math.isinf(ahead) and horizon > -math.inf):
                limit = horizon
            lowest[cell] = min(lowest[cell], limit)
    lowest = lowest.reshape(rows, cols).astype(float)
    inside = off(np.arctan2(col - x, y - row)) <= half + 1e-9
    hidden = (lowest < np.inf) & inside & (True if seen is None else ~seen)
    bound = np.where(hidden, z + away * np.where(np.isfinite(lowest), lowest, 0.0), np.inf)
    return np.where(hidden & (lowest == -np.inf), -np.inf, bound).astype(np.float32)


def cells_of(x, y, ux, uy, rows, cols):
    steps, base, along, across, width, start, position, slope = ray(x, y, ux, uy, rows, cols)
    cells = []
    for k in range(steps):
        here, after = max(position + k * slope, start) >> 32, (position + (k + 1) * slope - 1) >> 32
        cells += [base + k * along + i * across for i in ([here, after] if after > here else [here]) if 0 <= i < width]
    return cells


def sky_at(azimuth, azimuths, tangents):
    if azimuths.size == 0:
        return math.inf
    azimuth = azimuths[0] + (azimuth - azimuths[0]) % (2 * math.pi)
    if azimuth > azimuths[-1]:
        return math.inf
    if azimuth in azimuths:
        value = tangents[list(azimuths).index(azimuth)]
    else:
        after = int(np.searchsorted(azimuths, azimuth))
        share = (azimuth - azimuths[after - 1]) / (azimuths[after] - azimuths[after - 1])
        value = (1.0 - share) * tangents[after - 1] + share * tangents[after]
    return math.inf if math.isnan(value) else value


SKY = np.array([-0.6, -0.2, 0.1, 0.3, 0.5]), np.array([0.4, 0.1, 0.2, np.nan, 3.0])
VIEWS = {  # camera (x right, y away from row 0's y = 0), window, sky
    "before": ((5.2, -14.0, 20.0), (-0.6, 0.5), NO_SKY),
    "before, sky with foreground": ((5.2, -14.0, 20.0), (-0.6, 0.5), SKY),
    "inside, all around": ((4.0, -6.0, 15.0), (-math.pi, math.pi), NO_SKY),
    "inside, across the back": ((6.7, -3.1, 9.0), (2.5, 4.0), SKY),
    "at the border, a diagonal window": ((-0.5, -11.0, 5.0), (0.0, math.pi / 4), NO_SKY),
    "beside, far": ((-40.0, -5.0, 60.0), (1.0, 2.0), NO_SKY),
}


@simulated
@pytest.mark.parametrize("name", VIEWS)
def test_view_bound_is_the_rule_and_the_cpu(name):
    camera, window, sky = VIEWS[name]
    heights = rough(9, 11, seed=len(name))
    seen = np.random.default_rng(1).random(heights.shape) < 0.4
    given = np.where(seen, heights, np.float32(np.nan))
    expected = walked(heights, seen, camera, window, sky)
    found = on_gpu.view_bound(given, seen, 1.0, (0.0, 0.0), camera, *window, *sky).copy_to_host()
    assert np.isfinite(expected).sum() > 10
    np.testing.assert_array_equal(found, expected)
    arguments = sky if sky[0].size else (None, None)
    np.testing.assert_array_equal(view_bound(given, seen, 1.0, (0.0, 0.0), camera, *window, *arguments, device="cpu"), found)


@simulated
@pytest.mark.parametrize("name", ["before", "inside, all around"])
def test_view_bound_of_opaque_terrain(name):
    camera, window, _ = VIEWS[name]
    heights = rough(9, 12, seed=4)
    found = on_gpu.view_bound(heights, None, 1.0, (0.0, 0.0), camera, *window, *NO_SKY).copy_to_host()
    np.testing.assert_array_equal(found, walked(heights, None, camera, window))
    assert np.isneginf(found).any() and not np.isnan(found).any()
    np.testing.assert_array_equal(view_bound(heights, None, 1.0, (0.0, 0.0), camera, *window, device="cpu"), found)


@simulated
@pytest.mark.parametrize("opaque, lanes", [(False, 4), (True, 2)])
def test_scans_over_the_lanes_of_a_warp_change_nothing(monkeypatch, lanes, opaque):
    heights = rough(9, 4, seed=2)
    seen = None if opaque else np.random.default_rng(3).random(heights.shape) < 0.3
    arguments = (heights, seen, 1.0, (0.0, 0.0), (2.2, -9.3, 9.0), -0.15, 0.1, *NO_SKY)
    alone = on_gpu.view_bound(*arguments).copy_to_host()
    monkeypatch.setattr(view_walk, "LANES", lanes)
    monkeypatch.setattr(view_walk, "_POWERS", lanes.bit_length() - 1)
    np.testing.assert_array_equal(on_gpu.view_bound(*arguments).copy_to_host(), alone)
    assert np.isfinite(alone).any()


@simulated
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1)])
def test_view_bound_of_one_row_and_nothing_visible(shape):
    heights, seen = rough(*shape), np.zeros(shape, bool)
    assert np.isinf(on_gpu.view_bound(heights, seen, 1.0, (0.0, 0.0), (-1.0, -1.0, 5.0), 0.0, 3.0, *NO_SKY).copy_to_host()).all()
    seen[0, 0] = True
    found = on_gpu.view_bound(heights, seen, 1.0, (0.0, 0.0), (-2.0, 0.2, 5.0), 0.0, 3.1, *NO_SKY).copy_to_host()
    np.testing.assert_array_equal(found, walked(heights, seen, (-2.0, 0.2, 5.0), (0.0, 3.1)))


@simulated
def test_ordered_integers_are_ordered_and_come_back():
    values = np.array([-np.inf, -3e38, -1.5, -1e-45, -0.0, 0.0, 1e-45, 2.0, 3e38, np.inf], np.float32)
    keys, back = np.zeros(values.size, np.int32), np.zeros_like(values)

    @cuda.jit
    def kernel(values, keys, back):
        i = cuda.grid(1)
        keys[i] = scan.ordered(values[i])
        back[i] = scan.unordered(keys[i])

    kernel[values.size, 1](values, keys, back)
    np.testing.assert_array_equal(back, values)
    assert (np.diff(keys.astype(np.int64)) >= 0).all() and keys[4] == keys[5]
    assert keys[0] == scan.LEAST > scan.NOTHING and keys[-1] == scan.INFINITE


@simulated
def test_faces_take_the_device_and_give_the_callers_kind():
    heights = rough(4, 6)
    seen = np.random.default_rng(0).random(heights.shape) < 0.4
    view = (1.0, (0.0, 0.0), (3.0, -8.0, 9.0), -0.5, 0.5)
    calls = [lambda h, s, **where: view_bound(h, s, *view, **where), lambda h, s, **where: cast_shadow(h, 1.0, 0.4, 0.3, **where),
             lambda h, s, **where: horizon_angle(h, 1.0, 0.4, **where)]
    for call in calls:
        plain = call(heights, seen, device="cpu")
        found = call(heights, seen, device="cuda")
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, plain, rtol=1e-6)
        there = call(cuda.to_device(heights), cuda.to_device(seen))
        assert type(there).__name__ == "FakeCUDAArray"
        np.testing.assert_allclose(there.copy_to_host(), plain, rtol=1e-6)
        np.testing.assert_allclose(call(heights.astype(np.float64)[:, ::-1][:, ::-1], seen, device="cuda"), plain, rtol=1e-6)


@simulated
def test_kept_memory_is_not_the_result_and_inputs_stay():
    heights, mask = rough(6, 5), np.zeros((6, 5), bool)
    before, scratch = heights.copy(), DeviceWorkspace()
    for call in (lambda: shadow_on_gpu(heights, 1.0, 1.2, 0.2, mask, scratch),
                 lambda: horizon_on_gpu(heights, 1.0, 0.2, mask, scratch),
                 lambda: on_gpu.view_bound(heights, ~mask, 1.0, (0.0, 0.0), (1.0, 1.0, 9.0), 0.0, 3.0, *NO_SKY, scratch)):
        first = call()
        kept, held = first.copy_to_host(), scratch.nbytes
        np.testing.assert_array_equal(call().copy_to_host(), kept)
        np.testing.assert_array_equal(first.copy_to_host(), kept)
        assert scratch.nbytes == held > 0
    np.testing.assert_array_equal(heights, before)
    assert not mask.any()


@simulated
@pytest.mark.filterwarnings("ignore:invalid value")  # of infinite heights, before they are refused
def test_named_errors_of_arrays_on_the_device():
    flat, mask = np.zeros((4, 5), np.float32), np.zeros((4, 5), bool)
    hole = flat.copy()
    hole[1, 2] = np.nan
    view = (1.0, (0.0, 0.0), (3.0, -8.0, 9.0), -0.5, 0.5, *NO_SKY)
    for call in (lambda: shadow_on_gpu(hole, 1.0, 0.0, 0.3), lambda: horizon_on_gpu(np.full_like(flat, np.inf), 1.0, 0.0),
                 lambda: shadow_on_gpu(flat, 1.0, 0.0, 0.3, mask[:3]), lambda: shadow_on_gpu(flat, 1.0, 0.0, 0.3, flat),
                 lambda: shadow_on_gpu(flat[0], 1.0, 0.0, 0.3), lambda: shadow_on_gpu(flat.astype(int), 1.0, 0.0, 0.3),
                 lambda: horizon_on_gpu(flat[:0], 1.0, 0.0), lambda: on_gpu.view_bound(hole, ~mask, *view),
                 lambda: on_gpu.view_bound(hole, None, *view),
                 lambda: on_gpu.view_bound(np.full_like(flat, 2e9), None, *view),
                 lambda: shadow_on_gpu(flat, 1.0, 0.0, 0.3, None, Workspace()),
                 lambda: on_gpu.view_bound(flat, mask[:2], *view)):
        with pytest.raises(KernelInputError):
            call()
    scratch = DeviceWorkspace()
    for heights in (hole, np.full_like(flat, 2e9)):
        for azimuth in (0.1, 1.5):
            with pytest.raises(KernelInputError, match="NaN, infinity"):
                shadow_on_gpu(heights, 1.0, azimuth, 0.3, None, scratch)
            assert not shadow_on_gpu(flat, 1.0, azimuth, 0.3, None, scratch).copy_to_host().any()  # the error is over
    mask[1, 2] = True
    with pytest.raises(KernelInputError):
        shadow_on_gpu(np.where(mask, hole, np.float32(np.inf)), 1.0, 0.0, 0.3, mask)
    assert not shadow_on_gpu(hole, 1.0, 0.0, 0.3, mask).copy_to_host().any()
    assert on_gpu.view_bound(hole, ~mask, *view).copy_to_host().shape == (4, 5)
    assert grids.blocks_for(1) == 1
