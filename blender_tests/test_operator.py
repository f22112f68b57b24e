"""The operator in background mode, and its modal part with stand-ins, around a backend with fake stages."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE
from blender_tests.modal_runs import modal_run, run_to_end


@pytest.fixture
def ready(scene, fake_stages, tmp_path):
    """A scene in which everything is chosen, at a low resolution."""
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(PICTURE), str(tmp_path / "out ⛰")
    ours.settings.resolution = 128
    fake_stages("STAGES")
    return ours


def names() -> set[str]:
    """Everything in the file that a terrain would add."""
    return {repr(thing) for kind in ("objects", "meshes", "cameras", "lights", "collections", "materials")
            for thing in getattr(bpy.data, kind)}


def test_background_run(ready, scene):
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    terrain = bpy.data.objects["Terrain"]
    assert len(terrain.data.vertices) == 128 * 128
    assert not [c for c in bpy.data.collections if c.name.startswith("Draft")]
    assert scene.camera.name == "Terrain Camera"


def test_heights_are_the_backends_exactly(ready, part, tmp_path):
    bpy.ops.photo_to_terrain.generate()
    stored = np.load(next((tmp_path / "out ⛰").glob("*/terrain.npy")))
    heights = np.empty(stored.size, np.float32)
    bpy.data.objects["Terrain"].data.attributes["height"].data.foreach_get("value", heights)
    assert np.array_equal(heights, stored.ravel())


def test_new_seed_adds_a_terrain(ready, part, scene):
    bpy.ops.photo_to_terrain.generate()
    ready.settings.seed = 3
    bpy.ops.photo_to_terrain.generate()
    assert len(part("scene.result_collections").results(scene)) == 2


@pytest.mark.parametrize("picture, sentence", [("", "Choose a picture"), ("/nowhere/a.jpg", "There is no file")])
def test_missing_picture_is_said(ready, part, picture, sentence):
    ready.picture = picture
    before = names()
    with pytest.raises(RuntimeError, match=sentence):    # how Blender hands an error report to a script
        bpy.ops.photo_to_terrain.generate()
    assert part("jobs").last_problem.fix == "choose_picture" and names() == before


def test_missing_environment_is_said(ready, part, monkeypatch, tmp_path):
    monkeypatch.setattr(part("environment"), "ROOT", tmp_path)
    monkeypatch.setattr(part("environment").find_python, "__defaults__", (tmp_path,))
    monkeypatch.delenv("PHOTO_TO_TERRAIN_PYTHON")
    with pytest.raises(RuntimeError, match="not set up yet"):
        bpy.ops.photo_to_terrain.generate()
    assert part("jobs").last_problem.fix == "open_preferences"


def test_no_mountains_leaves_the_scene_alone(ready, fake_stages, part):
    fake_stages("BARREN")
    before = names()
    with pytest.raises(RuntimeError, match="No mountains found"):
        bpy.ops.photo_to_terrain.generate()
    assert names() == before


def test_choosing_a_picture_warms_the_backend_up_in_a_window_only(ready, part, monkeypatch):
    jobs, launching = part("jobs"), part("operators.launching")
    ready.picture = str(PICTURE)
    assert jobs.backend() is None    # background mode: nothing starts before it is asked for
    app = SimpleNamespace(background=False, timers=SimpleNamespace(is_registered=lambda f: True))
    monkeypatch.setattr(launching, "bpy", SimpleNamespace(app=app, types=bpy.types))
    ready.picture = str(PICTURE)
    assert jobs.backend().is_alive()


def test_every_fix_has_a_button_or_none(part):
    import importlib

    for place in part("operators.remedies").REMEDIES.values():
        group, name = place.split(".")
        assert getattr(getattr(bpy.ops, group), name).get_rna_type()
    errors = importlib.import_module(part("jobs").TerrainError.__module__)
    fixes = {kind.fix for kind in errors.error_classes().values()} - {None}
    unknown = fixes - set(part("operators.remedies").REMEDIES)
    assert unknown <= {"edit_mask", "repair", "update"}    # described by their sentences


@pytest.fixture
def modal(ready, part, monkeypatch, scene):
    """The operator as a window would run it: (operator, context, manager, tick)."""
    with modal_run(part, monkeypatch, scene) as run:
        yield run


def test_modal_run_finishes_once_and_takes_its_timer_away(modal, scene):
    _operator, _, manager, tick = modal
    assert len(manager.timers) == 1
    assert tick("MOUSEMOVE") == {"PASS_THROUGH"}
    assert run_to_end(tick) == {"FINISHED"}    # with UNDO in bl_options: one undo step
    assert not manager.timers and scene.camera.name == "Terrain Camera"


def test_esc_cancels_and_nothing_stays(ready, fake_stages, scene, request):
    fake_stages("PATIENT")
    before = names()
    _operator, _, manager, tick = request.getfixturevalue("modal")
    import time

    while not bpy.data.collections.get("Draft"):    # the draft is shown while Blender stays usable
        assert tick() == {"PASS_THROUGH"}
        time.sleep(0.05)
    assert scene.camera.name == "Draft Camera"
    assert tick("ESC", "PRESS") == {"RUNNING_MODAL"}
    began = time.monotonic()
    assert run_to_end(tick) == {"CANCELLED"}
    assert time.monotonic() - began < 1.0
    assert not manager.timers and names() == before and scene.camera is None


def test_cancel_brings_the_earlier_terrain_back(ready, fake_stages, part, scene, request):
    import time

    bpy.ops.photo_to_terrain.generate()
    part("jobs").stop_all()
    places = part("scene.result_collections")
    earlier, camera = places.shown_result(scene), scene.camera
    ready.settings.seed = 5
    fake_stages("PATIENT")
    _operator, _, _, tick = request.getfixturevalue("modal")
    while not bpy.data.collections.get("Draft"):
        assert tick() == {"PASS_THROUGH"}
        time.sleep(0.05)
    assert places.is_hidden(scene, earlier)
    tick("ESC", "PRESS")
    assert run_to_end(tick) == {"CANCELLED"}
    assert places.shown_result(scene) == earlier and scene.camera == camera


def test_undo_in_the_middle_is_survived(ready, fake_stages, scene, request):
    """Undo replaces or removes every object: the draft is looked up by name and made again."""
    import time

    operator, _, _, tick = request.getfixturevalue("modal")
    while not operator.job.is_over and not bpy.data.collections.get("Draft"):
        tick()
        time.sleep(0.01)
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    if not operator.job.is_over:
        assert run_to_end(tick) == {"FINISHED"}, operator.said
    assert "Terrain" in bpy.data.objects


def test_another_file_in_the_middle(ready, fake_stages, part, request):
    fake_stages("PATIENT")
    operator, _, manager, _ = request.getfixturevalue("modal")
    operator.cancel(None)    # what Blender calls
    assert part("jobs").current() is None and not manager.timers
    assert part("operators.generate").PHOTO_TO_TERRAIN_OT_generate.poll(bpy.context)


def test_a_draft_saved_by_accident_is_tidied_away(ready, fake_stages, request, part, tmp_path):
    import time

    fake_stages("PATIENT")
    _, _, _, tick = request.getfixturevalue("modal")
    while not bpy.data.collections.get("Draft"):
        tick()
        time.sleep(0.05)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "in the middle.blend"))
    part("jobs").abandon()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "in the middle.blend"))
    assert not bpy.data.collections.get("Draft") and not bpy.data.objects and bpy.context.scene.camera is None
