"""Cost of a cell against the size of the terrain, for terrains by tiles on disk.

    python -m benchmarks.out_of_core [--sizes 2048 4096 8192] [--tile 2048] [--folder DIR] [--compare 4096] [--other-tile 3000]

Ridges of value noise are made tile by tile from global coordinates, so any size works and every tile size gives the same
terrain. Each size runs in a process of its own, so that its peak memory is its own; up to --compare cells a side the results
are compared with the kernels in memory, bit for bit. Larger ones can be run again with other tiles and compared with
themselves. The memory is all that the process ever held: Python and the compiled kernels (some 180 MB), and parts of files that
were mapped. On disk a cell takes 17 bytes, 30 with other tiles; files are removed afterwards.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from kernels import tiles
from kernels.breach import breach
from kernels.cpu import threads
from kernels.fill import fill
from kernels.flow import flow_accumulation, flow_receivers

SEED = 7
STAGES = ("survey", "fill", "directions", "accumulation", "breach")


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the kernels for terrains larger than memory.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096, 8192])
    parser.add_argument("--tile", type=int, default=2048)
    parser.add_argument("--folder", type=Path, help="where the files go (default: the folder for temporary files)")
    parser.add_argument("--compare", type=int, default=4096, help="largest side that is compared with the kernels in memory")
    parser.add_argument("--other-tile", type=int, help="run what is not compared with memory again with these tiles")
    arguments = parser.parse_args()
    print(f"{threads.thread_count()} threads, tiles of {arguments.tile}^2, nanoseconds a cell")
    print(f"{'size':>8}{'pits':>10}" + "".join(f"{stage:>14}" for stage in STAGES) + f"{'seconds':>10}{'peak MB':>9}  result")
    for size in arguments.sizes:
        folder = Path(tempfile.mkdtemp(prefix="out of core ", dir=arguments.folder))
        try:
            in_own_process(make_terrain, folder / "heights.npy", size)
            pits, seconds, peak = in_own_process(run, folder, folder / "results", arguments.tile)
            same = "not compared"
            if size <= arguments.compare:
                same = in_own_process(compare, folder)
            elif arguments.other_tile:
                in_own_process(run, folder, folder / "again", arguments.other_tile)
                same = compare_runs(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        costs = "".join(f"{seconds[stage] / size**2 * 1e9:14.1f}" for stage in STAGES)
        print(f"{size:>6}^2{pits:>10}{costs}{sum(seconds.values()):>10.1f}{peak:>9.0f}  {same}", flush=True)
    return 0


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """So that memory is given back and its peak is that of the function alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def run(folder: Path, results: Path, tile: int) -> tuple[int, dict[str, float], float]:
    """Pits, seconds of each stage and the peak memory in MB of this process."""
    results.mkdir()
    warm_up(results)
    seconds: dict[str, float] = {}
    heights = folder / "heights.npy"
    drainage = timed(seconds, "survey", lambda: tiles.survey(heights, tile=tile))
    timed(seconds, "fill", lambda: tiles.fill_tiles(drainage, results / "fill.npy"))
    timed(seconds, "directions", lambda: tiles.flow_directions_tiles(drainage, results / "directions.npy"))
    timed(seconds, "accumulation", lambda: tiles.accumulate_tiles(drainage, results / "accumulation.npy"))
    timed(seconds, "breach", lambda: tiles.breach_tiles(drainage, results / "breach.npy"))
    return drainage.basins, seconds, peak_mb()


def warm_up(folder: Path) -> None:
    """Load or compile what will be timed."""
    heights = np.zeros((8, 8), np.float32)
    np.save(folder / "warm.npy", heights)
    drainage = tiles.survey(folder / "warm.npy", tile=4)
    tiles.fill_tiles(drainage, folder / "warm up.npy")
    tiles.flow_directions_tiles(drainage, folder / "warm up.npy")
    tiles.accumulate_tiles(drainage, folder / "warm up.npy")
    tiles.breach_tiles(drainage, folder / "warm up.npy")


def timed(seconds: dict[str, float], stage: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    seconds[stage] = time.perf_counter() - start
    return result


def peak_mb() -> float:
    """Most memory that this process ever held, with the parts of files that were mapped."""
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def compare(folder: Path) -> str:
    """What differs from the kernels in memory."""
    results = folder / "results"
    heights = np.load(folder / "heights.npy")
    ways = flow_receivers(heights)
    codes = np.load(results / "directions.npy").astype(np.int32)
    steps = (codes // 3 - 1) * heights.shape[1] + codes % 3 - 1
    same = {
        "fill": same_bits(np.load(results / "fill.npy"), fill(heights)),
        "directions": np.array_equal(ways, np.arange(heights.size, dtype=np.int32).reshape(heights.shape) + steps),
        "accumulation": same_bits(np.load(results / "accumulation.npy"), flow_accumulation(heights)),
        "breach": same_bits(np.load(results / "breach.npy"), breach(heights)),
    }
    wrong = [name for name, equal in same.items() if not equal]
    return f"DIFFERENT: {', '.join(wrong)}" if wrong else "as in memory, bit for bit"


def compare_runs(folder: Path, band: int = 512) -> str:
    """What differs between two ways to cut the terrain."""
    wrong = set()
    for path in (folder / "results").glob("*.npy"):
        one, other = np.load(path, mmap_mode="r"), np.load(folder / "again" / path.name, mmap_mode="r")
        for first in range(0, one.shape[0], band):
            if one[first : first + band].tobytes() != other[first : first + band].tobytes():
                wrong.add(path.stem)
    return f"DIFFERENT: {', '.join(sorted(wrong))}" if wrong else "by other tiles the same, bit for bit"


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.array_equal(a.view(np.int32), b.view(np.int32)))


def make_terrain(path: Path, size: int, band: int = 512) -> None:
    """float32 (size, size) heights in meters as .npy: nine octaves of ridges, the coarsest 600 cells wide, 0 to about 3000 m."""
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(size, size))
    for first in range(0, size, band):
        last = min(first + band, size)
        np.load(path, mmap_mode="r+")[first:last] = ridges(first, last, size, SEED)


@numba.njit(cache=True, nogil=True)
def _lattice(i, j, octave, seed):
    """A number in [0, 1) for a point of a lattice."""
    h = (
        np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
        ^ np.uint64(j) * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ np.uint64(octave * 1009 + seed) * np.uint64(0x165667B19E3779F9)
    )
    h = (h ^ (h >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.float64((h ^ (h >> np.uint64(32))) >> np.uint64(11)) / 2.0**53


@numba.njit(cache=True, nogil=True)
def ridges(first, last, cols, seed):
    """float32 (last - first, cols): rows of the terrain."""
    out = np.zeros((last - first, cols), np.float32)
    for octave in range(9):
        width = 600.0 / 2.0**octave
        high = 1500.0 / 2.0**octave
        for r in range(first, last):
            y = r / width
            i = int(y)
            v = (y - i) * (y - i) * (3.0 - 2.0 * (y - i))
            at = -1
            left = right = 0.0
            for c in range(cols):
                x = c / width
                j = int(x)
                if j != at:
                    at = j
                    left = _lattice(i, j, octave, seed) * (1 - v) + _lattice(i + 1, j, octave, seed) * v
                    right = _lattice(i, j + 1, octave, seed) * (1 - v) + _lattice(i + 1, j + 1, octave, seed) * v
                u = (x - j) * (x - j) * (3.0 - 2.0 * (x - j))
                out[r - first, c] += high * (1.0 - abs(2.0 * (left * (1 - u) + right * u) - 1.0))
    return out


if __name__ == "__main__":
    sys.exit(main())
