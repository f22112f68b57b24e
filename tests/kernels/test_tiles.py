"""Results by tiles are those in memory, bit for bit, whatever the tiles; nothing half-written stays; memory stays small."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kernels import tiles
from kernels.breach import breach
from kernels.cpu import threads
from kernels.errors import KernelInputError
from kernels.fill import fill
from kernels.flow import flow_accumulation, flow_receivers

few = settings(max_examples=15, deadline=None)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=19)
rough = arrays(np.float32, shapes, elements=st.floats(-500, 3000, width=32))
terraced = arrays(np.int8, shapes, elements=st.integers(-2, 3)).map(lambda z: z.astype(np.float32))
sides = st.tuples(st.integers(1, 8), st.integers(1, 8))


def filled(z, **options):
    target = np.empty(z.shape, np.float32)
    tiles.fill_tiles(z, target, **options)
    return target


def receivers(z, **options):
    target = np.empty(z.shape, np.int32)
    tiles.flow_directions_tiles(z, target, kind=np.int32, **options)
    return target


def accumulated(z, **options):
    target = np.empty(z.shape, np.float32)
    tiles.accumulate_tiles(z, target, **options)
    return target


def breached(z, **options):
    target = np.empty(z.shape, np.float32)
    return target, tiles.breach_tiles(z, target, **options)


def same_bits(a, b):
    return a.dtype == b.dtype and np.array_equal(a.view(np.int32), b.view(np.int32))


def all_as_in_memory(z, tile, outlets=None, nodata=None, **breaching):
    options = {"tile": tile, "outlets": "border" if outlets is None else outlets, "nodata": nodata}
    assert same_bits(receivers(z, **options), flow_receivers(z, outlets=outlets, nodata=nodata))
    assert same_bits(accumulated(z, **options), flow_accumulation(z, outlets=outlets, nodata=nodata))
    assert same_bits(filled(z, **options), fill(z, outlets, nodata=nodata))
    carved, report = breached(z, **options, **breaching)
    expected, numbers = breach(z, outlets=outlets, nodata=nodata, return_report=True, **breaching)
    assert same_bits(carved, expected)
    assert (report.changed, report.max_cut_m, report.border_cut_max_m) == pytest.approx(
        (numbers.changed, numbers.max_cut_m, numbers.border_cut_max_m), rel=0
    )
    assert (report.epsilon_m, report.fixed_violations) == (numbers.epsilon_m, numbers.fixed_violations)
    assert report.undrained == numbers.undrained
    assert (report.volume_m, report.mean_cut_m) == pytest.approx((numbers.volume_m, numbers.mean_cut_m))


def ridged(rows, cols, seed=0):
    """Ridges and hollows over many tiles, with depressions of all sizes."""
    rng = np.random.default_rng(seed)
    r, c = np.mgrid[:rows, :cols]
    z = np.zeros((rows, cols))
    for k in range(6):
        a, b, phase = rng.normal(size=3) * 2.0 ** (k - 4)
        z += (1 - np.abs(np.sin(a * r + b * c + 10 * phase))) * 300 / 2**k
    return (z + rng.normal(size=z.shape)).astype(np.float32)


def spiral(size):
    """A channel that falls inwards between high walls: its basin winds through all tiles, and so does the way out."""
    z = np.full((size, size), 900, np.float32)
    r, c, dr, dc, level = 1, 1, 0, 1, 500.0
    z[r, c] = level
    for _ in range(size * size):
        i, j = r + 2 * dr, c + 2 * dc
        if not (0 < r + dr < size - 1 and 0 < c + dc < size - 1) or (0 <= i < size and 0 <= j < size and z[i, j] < 900):
            dr, dc = dc, -dr
            i, j = r + 2 * dr, c + 2 * dc
            if z[r + dr, c + dc] < 900 or (0 <= i < size and 0 <= j < size and z[i, j] < 900):
                break
        r, c, level = r + dr, c + dc, level - 1
        z[r, c] = level
    return z


@few
@given(rough | terraced, sides)
def test_all_as_in_memory_with_any_tiles(z, tile):
    before = z.copy()
    all_as_in_memory(z, tile)
    assert np.array_equal(z, before)


@few
@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(9, 25), st.integers(9, 25)), st.sampled_from([1.0, 300.0]))
def test_basins_within_tiles_join_those_at_rims(seed, tile, step):
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(0, 600, (53, 61)) / step) * step + 2 * ridged(53, 61, seed % 7)
    gaps = rng.random(z.shape) < 0.05
    all_as_in_memory(z.astype(np.float32), tile)
    outlets = rng.random(z.shape) < 0.01
    outlets[0, 0], gaps[0, 0] = True, False
    all_as_in_memory(z.astype(np.float32), tile, outlets, gaps)


@few
@given(terraced, sides, st.data())
def test_all_as_in_memory_with_given_outlets(z, tile, data):
    outlets = data.draw(arrays(np.bool_, z.shape))
    outlets.flat[data.draw(st.integers(0, z.size - 1))] = True
    all_as_in_memory(z, tile, outlets)


@pytest.mark.parametrize("tile", [(5, 7), (16, 16), (1, 50), 33])
def test_ridges_hollows_and_plateaus(tile):
    z = ridged(71, 64)
    all_as_in_memory(z, tile)
    all_as_in_memory(np.round(z / 40).astype(np.float32), tile)
    all_as_in_memory(np.zeros((40, 31), np.float32), tile)


@pytest.mark.parametrize("tile", [3, (4, 9)])
def test_a_spiral_through_all_tiles(tile):
    z = spiral(31)
    assert (fill(z) > z).sum() > 300  # one long lake
    all_as_in_memory(z, tile)
    all_as_in_memory(z[:, ::-1].copy(), tile)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (2, 64)])
def test_one_row_and_the_like(shape):
    z = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    outlets = np.zeros(shape, bool)
    outlets.flat[-1] = True
    all_as_in_memory(z, 7)
    all_as_in_memory(z, 7, outlets)


def test_float64_and_other_steps_through_memory():
    z = np.random.default_rng(5).normal(size=(40, 50))
    assert same_bits(filled(z[::2, ::-1], tile=8), fill(z[::2, ::-1]))


@few
@given(rough | terraced, sides, st.data())
def test_breaching_around_fixed_cells(z, tile, data):
    fixed = data.draw(arrays(np.bool_, z.shape))
    all_as_in_memory(z, tile, fixed=fixed, epsilon_m=0.25)


@few
@given(rough | terraced, sides, st.booleans(), st.booleans(), st.data())
def test_all_as_in_memory_without_data_in_places(z, tile, with_outlets, with_fixed, data):
    gaps = data.draw(arrays(np.bool_, z.shape))
    keep = data.draw(st.integers(0, z.size - 1))
    gaps.flat[keep] = False
    outlets = None
    if with_outlets:  # many regions are then without one
        outlets = data.draw(arrays(np.bool_, z.shape, elements=st.sampled_from([False, False, False, True])))
        outlets.flat[keep] = True
    breaching = {"fixed": data.draw(arrays(np.bool_, z.shape)), "epsilon_m": 0.25} if with_fixed else {}
    all_as_in_memory(z, tile, outlets, gaps, **breaching)
    z[gaps] = np.nan
    assert same_bits(filled(z, tile=tile, nodata=float("nan")), fill(z, nodata=gaps))
    z[gaps] = -9999
    assert same_bits(filled(z, tile=tile, nodata=-9999), fill(z, nodata=gaps))


def test_ground_enclosed_by_no_data_without_outlet_is_left_alone():
    z = ridged(30, 30)
    gaps = np.zeros(z.shape, bool)
    gaps[5:15, 5:15] = True
    gaps[7:13, 7:13] = False
    outlets = np.zeros(z.shape, bool)
    outlets[0] = True
    result = filled(z, tile=4, nodata=gaps, outlets=outlets)
    assert same_bits(result[7:13, 7:13], z[7:13, 7:13])
    assert (result >= z).all()
    assert (result > z).any()
    carved, report = breached(z, tile=4, nodata=gaps, outlets=outlets)
    assert same_bits(carved[7:13, 7:13], z[7:13, 7:13])
    assert report.undrained == 36
    all_as_in_memory(z, 4, outlets, gaps)


@pytest.mark.parametrize("count", [1, 3])
def test_threads_change_nothing(count):
    threads.set_thread_count(count)
    try:
        all_as_in_memory(ridged(61, 64), (9, 14))
    finally:
        threads.set_thread_count(None)


def test_directions_in_bytes_say_the_same():
    z = ridged(40, 50)
    codes = np.empty(z.shape, np.uint8)
    tiles.flow_directions_tiles(z, codes, tile=(9, 11))
    r, c = np.indices(z.shape)
    flat = (r + codes // 3 - 1) * 50 + c + codes % 3 - 1
    assert np.array_equal(flat, flow_receivers(z))


def test_one_survey_serves_several_results():
    z = ridged(40, 50)
    drainage = tiles.survey(z, tile=16)
    target = np.empty(z.shape, np.float32)
    tiles.fill_tiles(drainage, target)
    assert same_bits(target, fill(z))
    tiles.accumulate_tiles(drainage, target)
    assert same_bits(target, flow_accumulation(z))
    assert drainage.basins > 0
    assert drainage.top_m == np.abs(z).max()
    assert drainage.cells == z.size


def test_files_in_a_folder_with_spaces_and_accents(tmp_path):
    folder = tmp_path / "Höhen der Sierra ñ"
    folder.mkdir()
    z = ridged(60, 47)
    np.save(folder / "relief é.npy", z)
    tiles.fill_tiles(folder / "relief é.npy", folder / "filled ü.npy", tile=13)
    assert same_bits(np.load(folder / "filled ü.npy"), fill(z))
    mapped = np.load(folder / "relief é.npy", mmap_mode="r")
    tiles.accumulate_tiles(mapped, str(folder / "area.npy"), tile=13)
    assert same_bits(np.load(folder / "area.npy"), flow_accumulation(z))
    assert sorted(path.name for path in folder.iterdir()) == ["area.npy", "filled ü.npy", "relief é.npy"]


class Raster:
    """Slices like an array and is none, as an adapter over a raster file."""

    def __init__(self, z):
        self.shape, self.dtype, self._z = z.shape, z.dtype, z

    def __getitem__(self, key):
        return self._z[key]


def test_anything_that_slices_is_a_source():
    z = ridged(30, 30)
    assert same_bits(filled_from(Raster(z)), fill(z))


def filled_from(source):
    target = np.empty(source.shape, np.float32)
    tiles.fill_tiles(source, target, tile=8)
    return target


@pytest.mark.parametrize("function", [tiles.fill_tiles, tiles.flow_directions_tiles, tiles.accumulate_tiles, tiles.breach_tiles])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_cancel_leaves_nothing(tmp_path, function, share):
    z = ridged(40, 40)
    done = [0.0]
    old = tmp_path / "out.npy"
    old.write_bytes(b"what was there before")
    with pytest.raises(tiles.TilesCancelled):
        function(z, old, tile=5, progress=lambda part: done.__setitem__(0, part), cancel=lambda: done[0] >= share)
    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]
    assert old.read_bytes() == b"what was there before"
    assert done[0] < 1


def test_an_array_that_was_begun_is_marked():
    z = ridged(40, 40)
    target = np.full(z.shape, -7, np.float32)
    done = [0.0]
    with pytest.raises(tiles.TilesCancelled):
        tiles.fill_tiles(z, target, tile=5, progress=lambda part: done.__setitem__(0, part), cancel=lambda: done[0] > 0.8)
    assert np.isnan(target).any()
    assert (target[~np.isnan(target)] == -7).all()


def test_progress_rises_to_one():
    shares = []
    filled(ridged(40, 40), tile=8, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_memory_is_that_of_tiles(tmp_path):
    side, tile = 1024, 128
    z = np.lib.format.open_memmap(tmp_path / "z.npy", mode="w+", dtype=np.float32, shape=(side, side))
    for r in range(0, side, 64):
        z[r : r + 64] = ridged(64, side, seed=r)
    z.flush()
    tiles.accumulate_tiles(tmp_path / "z.npy", tmp_path / "warm.npy", tile=tile)  # what compiles is not counted
    tracemalloc.start()
    try:
        drainage = tiles.survey(tmp_path / "z.npy", tile=tile)
        tiles.fill_tiles(drainage, tmp_path / "filled.npy")
        tiles.accumulate_tiles(drainage, tmp_path / "area.npy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    rims = 4 * side * side // tile
    assert peak < 40 * tile**2 * threads.thread_count() + 90 * rims + 25 * drainage.basins
    assert same_bits(np.load(tmp_path / "area.npy"), flow_accumulation(np.asarray(z)))


def test_drops_that_leave_the_range_of_heights():
    with pytest.raises(KernelInputError, match="too large"):
        breached(ridged(20, 20), epsilon_m=1e6)
    with pytest.raises(KernelInputError, match="leaves the range"):
        breached(spiral(31), epsilon_m=2000.0, tile=6)
    with pytest.raises(KernelInputError, match="must be positive"):
        breached(ridged(20, 20), epsilon_m=0.0)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (np.full((9, 9), np.nan), {}, "NaN"),
        (np.full((9, 9), np.inf), {}, "beyond"),
        (np.zeros((9, 9), np.int16), {}, "float32 or float64"),
        (np.zeros(9), {}, "rows and columns"),
        ("no such file.npy", {}, "cannot be read"),
        ([[1.0]], {}, "array"),
        (np.zeros((9, 9)), {"tile": 0}, "Tiles of"),
        (np.zeros((9, 9)), {"tile": "large"}, "number of cells"),
        (np.zeros((9, 9)), {"outlets": np.zeros((9, 9), bool)}, "has no cell"),
        (np.zeros((9, 9)), {"outlets": np.ones((9, 8), bool)}, "has shape"),
        (np.zeros((9, 9)), {"nodata": np.ones((9, 9))}, "must be bool"),
        (np.zeros((9, 9)), {"nodata": 0}, "no terrain"),
    ],
)
def test_what_does_not_fit_is_named(source, options, words, tmp_path):
    with pytest.raises(KernelInputError, match=words):
        tiles.fill_tiles(source, tmp_path / "out.npy", **options)
    assert not list(tmp_path.iterdir())


def test_targets_that_do_not_fit(tmp_path):
    z = np.zeros((9, 9), np.float32)
    with pytest.raises(KernelInputError, match="shape"):
        tiles.fill_tiles(z, np.zeros((9, 8), np.float32))
    with pytest.raises(KernelInputError, match="type float32"):
        tiles.fill_tiles(z, np.zeros((9, 9)))
    with pytest.raises(KernelInputError, match="must not be"):
        tiles.fill_tiles(z, z)
    with pytest.raises(KernelInputError, match="cannot be written"):
        tiles.fill_tiles(z, tmp_path / "no folder" / "out.npy")
    np.save(tmp_path / "z.npy", z)
    with pytest.raises(KernelInputError, match="must not be"):
        tiles.fill_tiles(tmp_path / "z.npy", tmp_path / "z.npy")
    with pytest.raises(KernelInputError, match="kind"):
        tiles.flow_directions_tiles(z, np.zeros((9, 9)), kind=float)
