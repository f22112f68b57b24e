"""Seconds to make the terrain's mesh in this Blender: `python -m blender_tests.measure_mesh` with Blender as a module.

Prints the best of three for each size: the whole final mesh (points, quads, edges, UV map, four attributes), its draft
of at most 512 points along a side, and moving that draft.
"""

from __future__ import annotations

import time

import bpy
import numpy as np

from addon.scene.draft import MOST_POINTS
from addon.scene.grid_mesh import draft_mesh, move_draft, terrain_mesh
from addon.scene.result_folder import HeightGrid


def best_of_three(action) -> float:
    """Seconds of the quickest of three calls."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print the table."""
    print(f"Blender {bpy.app.version_string}")
    for size in (512, 1024, 2048):
        heights = np.random.default_rng(0).normal(500, 100, (size, size)).astype(np.float32)
        grid, evidence = HeightGrid(heights, 4.0, (0.0, 0.0)), np.zeros((size, size), np.uint8)
        coarse = grid.coarse(MOST_POINTS)
        draft = draft_mesh("Draft", coarse)

        def make(grid=grid, evidence=evidence):
            bpy.data.meshes.remove(terrain_mesh("Terrain", grid, evidence))

        final_s = best_of_three(make)
        draft_s = best_of_three(lambda coarse=coarse: draft_mesh("Draft", coarse))
        moved_s = best_of_three(lambda draft=draft, coarse=coarse: move_draft(draft, coarse))
        print(f"{size:5d}^2: final {final_s:6.3f} s, draft {draft_s:6.3f} s, draft moved {moved_s:6.3f} s")


if __name__ == "__main__":
    main()
