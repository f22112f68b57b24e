"""Rows of a table: `python -m blender_tests.measure_mesh [REPEATS]` with Blender as a module (benchmarks/blender_mesh.py).

For each size: the whole final mesh (points, quads, edges, UV map, four attributes) by its steps, best of the repeats.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import wait

import bpy
import numpy as np

from addon.scene.grid_mesh import terrain_steps
from addon.scene.result_folder import HeightGrid

SIZES = (512, 1024, 2048)


def steps_of(grid: HeightGrid, evidence: np.ndarray) -> tuple[float, list[tuple[float, int]]]:
    """Seconds for all steps, and of each the seconds of this thread's processor time and its number."""
    steps, begun, taken = terrain_steps("Terrain", grid, evidence), time.perf_counter(), []
    while True:
        cpu = time.thread_time()
        try:
            waited = next(steps)
        except StopIteration as end:
            bpy.data.meshes.remove(end.value)
            return time.perf_counter() - begun, taken
        if waited is None:
            taken.append((time.thread_time() - cpu, len(taken) + 1))
        else:
            wait([waited])


def main() -> None:
    """Print the rows."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    for size in SIZES:
        heights = np.random.default_rng(0).normal(500, 100, (size, size)).astype(np.float32)
        grid, evidence = HeightGrid(heights, 4.0, (0.0, 0.0)), np.zeros((size, size), np.uint8)
        runs = [steps_of(grid, evidence) for _ in range(repeats)]
        seconds = min(s for s, _ in runs)
        best = [min(same) for same in zip(*(taken for _, taken in runs), strict=True)]
        longest, number = max(best)
        total = sum(s for s, _ in best)
        print(f"| {bpy.app.version_string} | {size}^2 | {seconds:.2f} | {1000 * total:.0f} | {1000 * longest:.0f} "
              f"| step {number} of {len(best)} |", flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)    # Blender as a module may crash when Python ends
