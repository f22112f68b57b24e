"""Milliseconds until the ridge overlay is ready to draw: `python -m benchmarks.ridge_overlay` with Blender as a module.

Median (and worst) of ROUNDS for each size of the grid and each thing that can change: the view (pitch, roll, focal length,
size: known ridge points are projected again), the eye (height above ground: ridges are looked for anew), the heights
(sculpted: read from the mesh as well). Drawing itself is not in it; it needs a window.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from addon.scene import pose, ridge_overlay
from addon.scene import result_collections as places
from addon.scene.grid_mesh import terrain_mesh
from addon.scene.matched_camera import make_camera
from addon.scene.photo_ridges import MARK
from addon.scene.result_folder import HeightGrid
from backend.camera import Camera
from benchmarks.terrains import make

ROUNDS = 9
WIDTH, HEIGHT = 1000, 750


def terrain(size: int) -> bpy.types.Collection:
    """A range of mountains with a camera in front of it, above the ground, and a picture of 1000 columns with two ridges."""
    heights, dx_m = make("ridged", size), 8192.0 / size
    grid = HeightGrid(heights, dx_m, (-0.5 * dx_m * (size - 1), dx_m * (size + 3)))
    camera = Camera(WIDTH, HEIGHT, 1.0, -0.05, 0.0, (0.0, 0.0, float(heights.max())))
    columns = np.arange(WIDTH)
    lines = {"format": 1, "width": WIDTH, "height": HEIGHT, "columns": columns.tolist(), "jump": 0.08,
             "skyline": (250 + 40 * np.sin(columns / 60)).tolist(),
             "ridge_columns": columns.tolist() * 2, "ridge_rows": [400] * WIDTH + [520] * WIDTH}
    view = {"fov_x_deg": math.degrees(camera.fov_x_rad), "position_m": list(camera.position_m), "width": WIDTH,
            "height": HEIGHT, "blender_euler_rad": list(camera.blender_euler_rad())}
    collection: Any = bpy.data.collections.new(f"{size}")
    collection[places.REPORT_MARK] = json.dumps({
        "camera": view, "terrain": {"rows": size, "cols": size, "dx_m": dx_m, "origin_m": grid.origin_m}})
    collection[MARK] = json.dumps(lines)
    mesh = terrain_mesh("Terrain", grid, np.zeros(heights.shape, np.uint8))
    collection.objects.link(bpy.data.objects.new("Terrain", mesh))
    collection.objects.link(make_camera("Camera", view, dx_m * math.hypot(size, size)))
    return collection


def milliseconds(collection: bpy.types.Collection, change: Callable[[], None]) -> list[float]:
    """Of each of ROUNDS answers after a change."""
    taken = []
    for _ in range(ROUNDS):
        change()
        began = time.perf_counter()
        answer = ridge_overlay.measured(collection)
        assert not isinstance(answer, str), answer
        ridge_overlay.pictured(*answer, 5.0)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def main() -> None:
    """Print the table."""
    print(f"Blender {bpy.app.version_string}, milliseconds: median (worst) of {ROUNDS}")
    print(f"{'grid':>7} {'view':>16} {'eye':>16} {'heights':>16}   ridge points")
    for size in (512, 1024, 2048):
        collection = terrain(size)
        camera: Any = places.camera_in(collection)

        def turn(camera=camera):
            heading, pitch, roll = pose.angles(camera)
            pose.turn(camera, heading, pitch + 0.001, roll)

        def rise(camera=camera):
            camera.location.z += 1.0

        def sculpt():
            ridge_overlay.heights_were_changed()

        cells = [milliseconds(collection, change) for change in (turn, rise, sculpt)]
        row = " ".join(f"{statistics.median(cell):8.1f} ({max(cell):5.1f})" for cell in cells)
        answer: Any = ridge_overlay.measured(collection)
        print(f"{size:5d}^2 {row}   {len(answer[0].u)}")
        places.remove(collection)


if __name__ == "__main__":
    main()
