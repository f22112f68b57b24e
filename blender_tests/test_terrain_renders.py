"""Renders of the terrain object: the same on a farm without the add-on, finer where that was asked for."""

from __future__ import annotations

import subprocess
import sys

import bpy
import numpy as np
import pytest

from blender_tests.surfaces import pixels_of
from blender_tests.terrain_objects import COLS, PREFIX, ROWS, collection_of, in_viewport, put_terrain, sculpt, small_render


@pytest.fixture
def terrain(scene, part, tmp_path) -> bpy.types.Object:
    """A finished terrain."""
    return put_terrain(scene, part, tmp_path)


FARM = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[-2])
assert not any("photo_to_terrain" in name for name in bpy.context.preferences.addons.keys())
assert not hasattr(bpy.types.Scene, "photo_to_terrain") and not bpy.app.handlers.depsgraph_update_post
bpy.context.scene.render.filepath = sys.argv[-1]
bpy.ops.render.render(write_still=True)
sys.stdout.flush()
import os
os._exit(0)
"""


@pytest.mark.parametrize("choices", [{}, {"detail": "4", "edits": 0.5}, {"fine": True, "fine_px": 4.0}])
def test_a_farm_without_the_add_on_renders_the_same_pixels(terrain, scene, tmp_path, choices):
    sculpt(terrain, dict.fromkeys(range(600, 640), 25.0))
    for name, value in choices.items():
        setattr(collection_of(terrain), PREFIX + name, value)
    here = small_render(scene, tmp_path / "here.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "farm.blend"))
    (tmp_path / "a.png").unlink()    # nothing but the file goes to the farm
    environment = {"BLENDER_USER_RESOURCES": str(tmp_path / "nobody"), "PATH": "/usr/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", FARM, str(tmp_path / "farm.blend"), str(tmp_path / "there.png")],
                          env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    there = pixels_of(bpy.data.images.load(str(tmp_path / "there.png")))
    assert here[..., :3].std() > 0.02    # there is something to see
    assert np.array_equal(here, there)


def test_the_viewports_detail_never_reaches_a_render(terrain, scene, tmp_path):
    whole = small_render(scene, tmp_path / "whole.png")
    setattr(collection_of(terrain), PREFIX + "detail", "8")
    assert len(in_viewport(terrain).vertices) < 100
    assert np.array_equal(small_render(scene, tmp_path / "again.png"), whole)


def test_finer_ground_is_raised_where_it_is_painted_and_can_be_taken_back(terrain, scene, tmp_path):
    collection = collection_of(terrain)
    plain = small_render(scene, tmp_path / "plain.png")
    setattr(collection, PREFIX + "fine", True)
    setattr(collection, PREFIX + "fine_px", 1.0)
    assert getattr(collection, PREFIX + "fine") and terrain.modifiers[-1].type == "SUBSURF"
    assert len(in_viewport(terrain).vertices) == ROWS * COLS
    fine = small_render(scene, tmp_path / "fine.png")
    assert np.abs(fine - plain).max() > 0.05
    setattr(collection, PREFIX + "fine", False)
    assert not getattr(collection, PREFIX + "fine") and "Render Detail" not in terrain.modifiers
    assert np.array_equal(small_render(scene, tmp_path / "back.png"), plain)


def test_the_evidence_look_shows_edited_ground(terrain, scene, tmp_path, part):
    scene.photo_to_terrain_look = "EVIDENCE"
    before = small_render(scene, tmp_path / "before.png")
    values = np.ones(ROWS * COLS, np.float32)
    terrain.data.attributes["edited"].data.foreach_set("value", values)
    terrain.data.update()
    after = small_render(scene, tmp_path / "after.png")
    ground = np.abs(after - before).max(-1) > 0.02
    assert ground.mean() > 0.2
    red, green, blue = np.median(after[ground], axis=0)[:3]
    assert blue > red > green    # violet
