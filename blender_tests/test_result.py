"""A finished terrain in the scene, in a saved file, and in terrain.blend."""

from __future__ import annotations

import subprocess
import sys

import bpy
import numpy as np
import pytest

from blender_tests.conftest import MODULE, ROOT
from blender_tests.results import write_picture, write_result


@pytest.fixture
def put(scene, part, tmp_path, rough_heights):
    """A function that puts a result into the scene."""
    picture = write_picture(tmp_path / "Picos ⛰ é.png")

    def put(seed: int = 0, lift: float = 0.0) -> bpy.types.Object:
        folder = write_result(tmp_path / f"job {seed}", picture, rough_heights + np.float32(lift), seed=seed)
        return part("scene.result").put_result(bpy.context.scene, part("scene.result_folder").read_result(folder))

    return put


def test_everything_is_there(put, scene):
    terrain = put()
    collection = terrain.users_collection[0]
    assert {o.type for o in collection.objects} == {"MESH", "CAMERA", "LIGHT"}
    assert scene.camera in list(collection.objects)
    assert scene.world is not None
    assert terrain.matrix_world.is_identity    # 1 unit = 1 m, in the terrain frame
    assert terrain.data.materials[0].node_tree is not None
    image = scene.camera.data.background_images[0].image
    assert image.packed_file


def test_views_reach_the_far_side(put, part, scene):
    put()
    views = list(part("scene.viewport").all_views())
    assert all(space.clip_end >= 1500 for space in views)


def test_same_seed_replaces_another_seed_is_kept_hidden(put, part, scene):
    put(seed=0)
    first = put(seed=0, lift=10.0)
    places = part("scene.result_collections")
    assert len(places.results(scene)) == 1 and len(bpy.data.meshes) == 1 and len(bpy.data.materials) == 1
    kept = first.users_collection[0].name
    second = put(seed=1)
    assert [places.is_hidden(scene, c) for c in places.results(scene)] == [True, False]
    assert places.shown_result(scene) == second.users_collection[0]
    assert bpy.data.collections[kept].objects    # hidden, not gone
    assert list(bpy.context.view_layer.objects) == list(second.users_collection[0].objects)


def test_the_artists_world_is_kept(put, scene):
    mine = bpy.data.worlds.new("Mine")
    mine.color = (0.9, 0.1, 0.1)
    scene.world = mine
    put()
    assert scene.world == mine


def test_saved_moved_reopened_without_the_addon(put, part, tmp_path, rough_heights):
    put()
    saved = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    (tmp_path / "Picos ⛰ é.png").unlink()
    moved = tmp_path / "elsewhere" / "moved.blend"
    moved.parent.mkdir()
    saved.rename(moved)
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(moved))
        terrain = bpy.data.objects["Terrain"]
        heights = np.empty(len(terrain.data.vertices), np.float32)
        terrain.data.attributes["height"].data.foreach_get("value", heights)
        assert np.array_equal(heights, rough_heights.ravel())
        image = bpy.context.scene.camera.data.background_images[0].image
        assert image.has_data or image.pixels[0] >= 0
        assert tuple(image.size) == (320, 240)
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)


def test_damaged_results_are_refused_in_one_sentence(part, scene, tmp_path, rough_heights):
    results = part("scene.result_folder")
    picture = write_picture(tmp_path / "a.png")
    with pytest.raises(results.DamagedResult):
        results.read_result(tmp_path / "nowhere")
    folder = write_result(tmp_path / "job", picture, rough_heights)
    np.save(folder / "evidence.npy", np.zeros((3, 3), np.uint8))
    with pytest.raises(results.DamagedResult):
        results.read_result(folder)
    folder = write_result(tmp_path / "job", picture, rough_heights)
    np.save(folder / "terrain.npy", np.full_like(rough_heights, np.nan))
    with pytest.raises(results.DamagedResult):
        results.read_result(folder)
    (folder / "terrain.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(results.DamagedResult):
        results.read_result(folder)


def test_write_blend_needs_no_addon(scene, tmp_path, rough_heights):
    """As build.py demo calls it: from the checkout, in a process of its own."""
    folder = write_result(tmp_path / "jób ⛰", write_picture(tmp_path / "photo.png"), rough_heights)
    done = subprocess.run([sys.executable, "-m", "addon.write_blend", str(folder)], cwd=ROOT, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in folder.iterdir()} == {"terrain.npy", "evidence.npy", "report.json", "terrain.blend"}
    bpy.ops.wm.open_mainfile(filepath=str(folder / "terrain.blend"))
    terrain = bpy.data.objects["Terrain"]
    assert len(terrain.data.vertices) == rough_heights.size
    assert bpy.context.scene.camera is not None and bpy.context.view_layer.objects.active == terrain
    images = [i for i in bpy.data.images if i.source == "FILE"]
    assert images and all(i.packed_file and i.filepath == "//photo.png" and i.size[0] == 320 for i in images)
    wrong = subprocess.run([sys.executable, "-m", "addon.write_blend", str(tmp_path)], cwd=ROOT, capture_output=True,
                           text=True, timeout=120, check=False)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
