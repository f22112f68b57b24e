"""A row of a table: `python -m blender_tests.measure_memory SIZE WIDTH HEIGHT` with Blender as a module.

Run by benchmarks/terrain_memory.py. Physical memory of this process (Linux): after a finished terrain of SIZE x SIZE points was put
into the scene, and at the peak of a Cycles render of it, plainly and with adaptive subdivision.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np

from addon.scene.render_detail import set_fine
from addon.scene.result import put_result
from addon.scene.result_folder import read_result
from backend.memory import resident_gb
from blender_tests.results import write_picture, write_result
from blender_tests.surfaces import write_surface


def finished_folder(folder: Path, size: int) -> Path:
    """A made up terrain, seen from a hill in front of it, with all files that the mesh takes attributes from."""
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(512 / size)
    heights = (200 * np.sin(rows / 40) * np.cos(cols / 55) + 40 * np.sin(rows / 7) + 0.8 * (512 - rows)).astype(np.float32)
    write_result(folder, write_picture(folder.parent / "a.png"), heights, dx_m=4096 / size)
    write_surface(folder, (cols < 100).astype(np.float32), rock=np.ones_like(heights))
    np.save(folder / "analysis.npy", np.stack([heights, heights]))
    return folder


def render_peak_gb(path: Path, width: int, height: int) -> float:
    """GB at the peak of a render, and no more than now before it."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 1, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.filepath = str(path)
    Path("/proc/self/clear_refs").write_text("5")    # the peak counts from here on
    bpy.ops.render.render(write_still=True)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024 / 1e9


def main() -> None:
    """Print the row."""
    size, *pixels = (int(v) for v in sys.argv[1:])
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="cycles")
    with tempfile.TemporaryDirectory() as place:
        finished = read_result(finished_folder(Path(place) / "job", size))
        before = resident_gb()
        terrain = put_result(bpy.context.scene, finished)
        del finished
        mesh = resident_gb()
        plain = render_peak_gb(Path(place) / "a.png", *pixels)
        set_fine(terrain, True)
        fine = render_peak_gb(Path(place) / "b.png", *pixels)
    print(f"| {bpy.app.version_string} | {size}^2 | {1000 * (mesh - before):.0f} | {1000 * (plain - mesh):.0f} "
          f"| {1000 * (fine - mesh):.0f} |", flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)    # Blender as a module may crash when Python ends
