"""Seconds of the terrain kernels on fractal hills, beside richdem2 where it is installed.

    python -m benchmarks.kernels [--sizes 512 1024 2048] [--runs 5]

The best of the runs after one that is not counted (it compiles). Ratios to richdem2, measured in the same run, say more
than seconds: a machine's clock moves. richdem2 is given a fresh copy each time and leaves flats without a way down.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import time
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
from numba import get_num_threads

from kernels.breach import breach
from kernels.derivatives import laplacian, slope
from kernels.fill import fill, mean_depression_depth
from kernels.flow import flow_accumulation
from kernels.shadow import cast_shadow

SPACING_M = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the terrain kernels.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, {get_num_threads()} threads, best of {arguments.runs} runs, seconds")
    peers = richdem_functions()
    if not peers:
        print("richdem2 is not installed: pip install richdem2")
    print(f"{'':24}" + "".join(f"{size:>9}^2" for size in arguments.sizes))
    grids = [fractal_hills(size) for size in arguments.sizes]
    seconds: dict[str, list[float]] = {}
    for name, function in {**our_functions(), **peers}.items():
        seconds[name] = [best_of(function, grid, arguments.runs) for grid in grids]
        print(f"{name:24}" + "".join(f"{value:11.4f}" for value in seconds[name]), flush=True)
    for ours, peer in (("breach", "richdem2 breach"), ("fill", "richdem2 fill")):
        if peer in seconds:
            ratios = [theirs / mine for mine, theirs in zip(seconds[ours], seconds[peer], strict=True)]
            print(f"{peer + ' / ours':24}" + "".join(f"{ratio:11.2f}" for ratio in ratios))
    return 0


def our_functions() -> dict[str, Callable[[np.ndarray], object]]:
    """Our kernels by name, each a function of float32 heights (rows, cols) in meters."""
    return {
        "breach": breach,
        "fill": fill,
        "mean depression depth": mean_depression_depth,
        "flow accumulation": lambda heights: flow_accumulation(heights, SPACING_M),
        "slope": lambda heights: slope(heights, SPACING_M),
        "laplacian": lambda heights: laplacian(heights, SPACING_M),
        "cast shadow": lambda heights: cast_shadow(heights, SPACING_M, np.radians(300.0), np.radians(20.0)),
    }


def richdem_functions() -> dict[str, Callable[[np.ndarray], object]]:
    """The same of richdem2 (its module is called richdem); empty where it is not installed."""
    try:
        richdem: ModuleType = importlib.import_module("richdem")
    except ImportError:
        return {}

    def wrap(name: str) -> Callable[[np.ndarray], object]:
        def call(heights: np.ndarray) -> object:
            grid = richdem.rdarray(heights.copy(), no_data=-9999)
            grid.geotransform = (0.0, SPACING_M, 0.0, 0.0, 0.0, -SPACING_M)
            with quiet():
                return getattr(richdem, name)(grid, in_place=True)

        return call

    return {"richdem2 breach": wrap("BreachDepressions"), "richdem2 fill": wrap("FillDepressions")}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars that C++ writes to file descriptor 2 out of the table."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def fractal_hills(size: int, seed: int = 0) -> np.ndarray:
    """float32 (size, size), 1000 m of relief, spectrum falling with the 2nd power of the frequency: many depressions."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij"))
    frequency[0, 0] = 1.0
    heights = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) / frequency**2, s=(size, size))
    return ((heights - heights.min()) / np.ptp(heights) * 1000.0 + 500.0).astype(np.float32)


def best_of(function: Callable[[np.ndarray], object], heights: np.ndarray, runs: int) -> float:
    """Least seconds of `runs` calls, after one that is not counted."""
    function(heights)
    least = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        function(heights)
        least = min(least, time.perf_counter() - start)
    return least


if __name__ == "__main__":
    raise SystemExit(main())
