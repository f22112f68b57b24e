"""The shadow mask: the kernel's bits in the material, one sentence when there is no backend, the lamp and the panel linked."""

from __future__ import annotations

import math
import subprocess
import time

import bpy
import numpy as np
import pytest

from blender_tests.conftest import ROOT
from blender_tests.results import write_picture, write_result
from blender_tests.surfaces import Look, pixels_of, render_from_above

SIZE = 64
DX = 10.0

KERNEL = ("import sys, math, numpy as np; from kernels.shadow import cast_shadow; a = sys.argv; "
          "np.save(a[2], cast_shadow(np.load(a[1]), float(a[3]), math.radians(float(a[4])), math.radians(float(a[5]))))")


@pytest.fixture
def heights() -> np.ndarray:
    """float32 (64, 64): a tower, a ridge and bumps, with nothing symmetric."""
    rows, cols = np.mgrid[0:SIZE, 0:SIZE]
    heights = 8 * np.sin(cols / 4.0) + 6 * np.cos(rows / 6.0) + 0.4 * rows
    heights[14:18, 40:44] += 160
    heights[36:39, 8:40] += 70
    return heights.astype(np.float32)


@pytest.fixture
def terrain(scene, part, fake_stages, tmp_path, heights) -> bpy.types.Object:
    """A terrain, and a backend that can be started."""
    fake_stages("STAGES")
    part("shadow_watch").forget()
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), heights, DX)
    yield part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
    part("shadow_watch").forget()


@pytest.fixture
def kernel(python, tmp_path):
    """A function: what the kernel says of these heights, bool (rows, cols), asked in the backend's own Python."""
    def kernel(heights: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
        source, target = tmp_path / "kernel in.npy", tmp_path / "kernel out.npy"
        np.save(source, heights)
        subprocess.run([python, "-c", KERNEL, source, target, str(DX), str(azimuth), str(elevation)], cwd=ROOT, check=True,
                       timeout=120)
        return np.load(target)

    return kernel


def shown(terrain) -> np.ndarray:
    """The mask in the material's image, bool (rows, cols)."""
    return pixels_of(terrain.active_material.node_tree.nodes["Shadow Mask"].image)[..., 0] > 0.5


def turn(scene, azimuth: float, elevation: float):
    look = Look(scene)
    look.sun_azimuth, look.sun_elevation = math.radians(azimuth), math.radians(elevation)
    return look


def test_the_mask_is_the_kernels_and_blender_shows_it(terrain, scene, heights, kernel, tmp_path, part):
    turn(scene, -60.0, 22.0)
    assert bpy.ops.photo_to_terrain.cast_shadows() == {"FINISHED"}
    wanted = kernel(heights, -60.0, 22.0)
    assert 0.1 < wanted.mean() < 0.9
    assert np.array_equal(shown(terrain), wanted)
    assert Look(scene).look == "SHADOW"
    seen = render_from_above(terrain, 4 * (SIZE - 1), tmp_path / "mask.png", 1)[..., 0]
    at = 4 * np.arange(1, SIZE - 1)    # the middle of a cell's pixel: point k lies at pixel 4 k of the picture's edge
    assert np.array_equal(seen[np.ix_(at, at)] < 0.65, wanted[1:-1, 1:-1])


def test_sculpted_ground_casts_its_own_shadow(terrain, scene, heights, kernel):
    turn(scene, 100.0, 30.0)
    bpy.ops.photo_to_terrain.cast_shadows()
    changed = heights.copy()
    changed[50, 20] += 200
    for vertex, z in zip(terrain.data.vertices, changed.ravel(), strict=True):
        vertex.co.z = z
    bpy.ops.photo_to_terrain.cast_shadows()
    assert np.array_equal(shown(terrain), kernel(changed, 100.0, 30.0))


def test_sliders_and_lamp_are_linked_both_ways(terrain, scene):
    sun = bpy.data.objects["Terrain Sun"]
    look = turn(scene, 130.0, 15.0)
    bpy.context.view_layer.update()
    ray = sun.matrix_world.to_3x3().col[2]
    flat = math.cos(math.radians(15))
    assert tuple(ray) == pytest.approx((math.sin(math.radians(130)) * flat, math.cos(math.radians(130)) * flat,
                                        math.sin(math.radians(15))), abs=1e-5)
    for mode in ("QUATERNION", "ZYX", "AXIS_ANGLE"):
        sun.rotation_mode = mode
        turn(scene, -20.0, 40.0)
        assert (look.sun_azimuth, look.sun_elevation) == pytest.approx((math.radians(-20), math.radians(40)), abs=1e-4)
    sun.rotation_mode = "XYZ"
    sun.rotation_euler = (math.radians(30), 0.0, math.radians(180 - 75))
    assert (look.sun_azimuth, look.sun_elevation) == pytest.approx((math.radians(75), math.radians(60)), abs=1e-4)


def test_while_the_slider_moves_nothing_waits_and_the_newest_wins(terrain, scene, heights, kernel, part, monkeypatch):
    watch = part("shadow_watch")
    Look(scene).look = "SHADOW"
    asked = []
    real = watch.messages.shadow
    monkeypatch.setattr(watch.messages, "shadow", lambda *a: asked.append(a) or real(*a))
    for step in range(30):    # thirty moves of the slider while the backend still starts
        turn(scene, step * 10.0, 25.0)
        assert watch.tick() is not None
    assert len(asked) < 30
    until_settled(watch)
    assert np.array_equal(shown(terrain), kernel(heights, 290.0, 25.0))
    Look(scene).look = "PHOTO"
    assert watch.tick() is None    # the timer ends


def until_settled(watch) -> None:
    """Tick until the newest wish is answered."""
    limit = time.monotonic() + 60
    while True:
        watch.tick()
        if watch.state.asked is None and watch.wish_of(bpy.context.scene) == watch.state.shown:
            return
        assert time.monotonic() < limit and not watch.state.problem, watch.state.problem
        time.sleep(0.02)


def test_without_a_backend_there_is_one_sentence(terrain, scene, part, monkeypatch, tmp_path):
    part("jobs").stop_all()
    monkeypatch.setattr(part("environment"), "find_python", lambda chosen: tmp_path / "no python here")
    with pytest.raises(RuntimeError, match="The shadow mask needs the backend, which cannot be started"):
        bpy.ops.photo_to_terrain.cast_shadows()
    watch = part("shadow_watch")
    watch.forget()
    watch.tick()
    assert "cannot be started" in watch.state.problem and watch.state.problem.count("\n") == 0
    said = watch.state.problem
    assert watch.tick() is not None and watch.state.problem == said    # it is not tried again and again


def test_a_backend_that_dies_is_said_and_the_next_try_works(terrain, scene, part):
    watch = part("shadow_watch")
    Look(scene).look = "SHADOW"
    watch.tick()
    part("jobs").backend().kill()
    limit = time.monotonic() + 20
    while not watch.state.problem and watch.state.asked:
        watch.tick()
        assert time.monotonic() < limit
        time.sleep(0.02)
    assert "stopped" in watch.state.problem
    assert bpy.ops.photo_to_terrain.cast_shadows() == {"FINISHED"}
    assert shown(terrain).any()


def test_a_changed_grid_is_refused_in_one_sentence(terrain, scene):
    mesh = bpy.data.meshes.new("other")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    mesh.materials.append(terrain.active_material)
    terrain.data = mesh
    with pytest.raises(RuntimeError, match="no longer the grid"):
        bpy.ops.photo_to_terrain.cast_shadows()


def test_the_mask_is_saved_with_the_file(terrain, scene, tmp_path):
    for azimuth in (10.0, 120.0):    # what is saved twice is packed twice
        turn(scene, azimuth, 20.0)
        bpy.ops.photo_to_terrain.cast_shadows()
        before = shown(terrain)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mask.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "mask.blend"))
    assert np.array_equal(shown(bpy.data.objects["Terrain"]), before)


def test_a_sun_below_the_horizon_leaves_everything_dark(terrain, scene):
    bpy.data.objects["Terrain Sun"].rotation_euler = (math.radians(120), 0.0, 0.0)
    bpy.ops.photo_to_terrain.cast_shadows()
    assert shown(terrain).all()
