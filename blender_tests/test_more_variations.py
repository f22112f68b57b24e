"""Further seeds one after the other, and runs that are done again from a stage on, around a backend with fake stages."""

from __future__ import annotations

import importlib
import json
import shutil
import time

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE, ROOT
from blender_tests.modal_runs import modal_run, run_to_end

LATE = ["picture", "start", "completed", "polished"]
"""Stages that another seed repeats; the picture is never cached."""


@pytest.fixture(scope="module")
def log(addon, python, tmp_path_factory):
    """Fake stages and the file in which they note what has run: one backend for all tests of this module."""
    jobs, environment = (importlib.import_module(f"{addon.__name__}.addon.{name}") for name in ("jobs", "environment"))
    path, real = tmp_path_factory.mktemp("fakes") / "log", jobs.BackendProcess
    jobs.stop_all()
    with pytest.MonkeyPatch.context() as module:
        module.setenv("FAKE_STAGES_LOG", str(path))
        module.setattr(environment, "ROOT", ROOT)    # the installed package has no tests
        module.setattr(jobs, "BackendProcess", lambda python, root, log, _: real(
            python, root, log, ("--stages", "tests.backend.fake_stages:STAGES")))
        yield path
        jobs.stop_all()


@pytest.fixture
def first(scene, log, part, tmp_path):
    """A scene with one terrain, seed 0. Gives the scene's properties."""
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(PICTURE), str(tmp_path / "out ⛰")
    ours.settings.resolution = 128
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    log.unlink()
    yield ours
    part("jobs").fail(None)


@pytest.fixture
def places(part):
    """The module that knows the collections."""
    return part("scene.result_collections")


@pytest.fixture
def ran(log):
    """A function: the stages that have run since the first terrain."""
    return lambda: log.read_text().split() if log.exists() else []


def seeds(places) -> list[int]:
    """Of all terrains, oldest first."""
    return [places.report_of(c)["seed"] for c in places.results(bpy.context.scene)]


def heights_of(collection: bpy.types.Collection, places) -> np.ndarray:
    """The attribute `height`."""
    layer = places.terrain_in(collection).data.attributes["height"]
    values = np.empty(len(layer.data), np.float32)
    layer.data.foreach_get("value", values)
    return values


def test_further_seeds_repeat_only_the_late_stages(first, places, scene, ran):
    first.settings.seed = 40    # what the panel is set to now does not matter
    assert bpy.ops.photo_to_terrain.more_variations(count=3) == {"FINISHED"}
    assert seeds(places) == [0, 1, 2, 3] and ran() == 3 * LATE
    every = [heights_of(c, places) for c in places.results(scene)]
    assert all(not np.array_equal(every[0], other) for other in every[1:])
    assert [places.is_hidden(scene, c) for c in places.results(scene)] == [True, True, True, False]
    assert all(c.preview.is_image_custom for c in places.results(scene))
    bpy.ops.photo_to_terrain.show_variation(name=places.results(scene)[1].name)
    bpy.ops.photo_to_terrain.more_variations(count=1)
    assert seeds(places) == [0, 1, 2, 3, 4]    # the next free one


def test_settings_are_those_of_the_shown_terrain(first, places, scene):
    first.settings.polish_rounds, first.settings.resolution = 7, 256
    bpy.ops.photo_to_terrain.more_variations(count=1)
    settings = places.report_of(places.results(scene)[1])["settings"]
    assert settings["polish_rounds"] == 3 and settings["resolution"] == 128 and settings["seed"] == 1


def test_cancel_keeps_the_finished_ones(first, part, monkeypatch, scene, places):
    kind = part("operators.more_variations").PHOTO_TO_TERRAIN_OT_more_variations
    with modal_run(part, monkeypatch, scene, kind, count=4) as (operator, _, manager, tick):
        assert operator.job.title == "1 of 4, seed 1"
        end = time.monotonic() + 60
        while operator.placed < 2:
            assert time.monotonic() < end and tick() == {"PASS_THROUGH"}
            time.sleep(0.01)
        assert part("jobs").current() is not None    # the third one is on its way
        tick("ESC", "PRESS")
        assert run_to_end(tick) == {"CANCELLED"} and not manager.timers
        assert operator.said[-1][1] == "Cancelled, the finished terrains stay"
    assert seeds(places) == [0, 1, 2] and not bpy.data.collections.get("Draft")
    last = places.results(scene)[2]
    assert places.shown_result(scene) == last and scene.camera == places.camera_in(last)


def test_each_further_one_is_an_undo_step(first, places):
    bpy.ops.ed.undo_push(message="one terrain")
    bpy.ops.photo_to_terrain.more_variations(count=3)
    bpy.ops.ed.undo_push(message="More Variations")    # what Blender does after an operator that an artist started
    for left in ([0, 1, 2], [0, 1], [0]):
        bpy.ops.ed.undo()
        assert seeds(places) == left
        shown = places.shown_result(bpy.context.scene)
        assert places.report_of(shown)["seed"] == left[-1] and bpy.context.scene.camera == places.camera_in(shown)
    bpy.ops.ed.redo()
    assert seeds(places) == [0, 1]


def test_a_failure_keeps_the_finished_ones(first, part, places, monkeypatch, scene):
    more = part("operators.more_variations")
    kind, launch = more.PHOTO_TO_TERRAIN_OT_more_variations, more.launch

    def full_disk(context, picture, folder, settings, *rest, **more):
        if settings.seed == 2:
            raise OSError("the disk is full")
        return launch(context, picture, folder, settings, *rest, **more)

    monkeypatch.setattr(more, "launch", full_disk)
    with modal_run(part, monkeypatch, scene, kind, count=3) as (_, _, manager, tick):
        assert run_to_end(tick) == {"CANCELLED"} and not manager.timers
    assert seeds(places) == [0, 1] and "the disk is full" in part("jobs").last_problem.text


@pytest.mark.parametrize("stage, again", [
    ("segmentation", ["picture", "segmentation", "pointmap", "cleaning", "prior", "camera", "visible", "bound", *LATE[1:]]),
    ("camera", ["picture", "camera", "visible", "bound", *LATE[1:]]), ("polished", ["picture", "polished"]),
])
def test_redo_keeps_what_comes_before_and_replaces(first, places, scene, ran, stage, again):
    before = heights_of(places.results(scene)[0], places)
    assert bpy.ops.photo_to_terrain.redo(stage=stage) == {"FINISHED"}
    (only,) = places.results(scene)
    assert ran() == again and np.array_equal(heights_of(only, places), before)


def test_redo_takes_the_panels_settings_from_that_stage_on(first, places, scene):
    first.settings.elevation_range_m, first.settings.resolution, first.settings.polish_rounds = 700.0, 256, 1
    bpy.ops.photo_to_terrain.redo(stage="camera")
    settings = places.report_of(places.results(scene)[0])["settings"]
    assert settings["elevation_range_m"] == 0.0    # earlier: as it was
    assert settings["resolution"] == 256 and settings["polish_rounds"] == 1
    bpy.ops.photo_to_terrain.redo(stage="prior")
    assert places.report_of(places.results(scene)[0])["settings"]["elevation_range_m"] == 700.0


def test_redo_of_hidden_ground_is_another_terrain(first, places, scene, ran):
    bpy.ops.photo_to_terrain.redo(stage="start")
    assert seeds(places) == [0, 1] and ran() == LATE


def test_redo_of_details_keeps_the_sketch(first, places, scene, ran, part):
    bpy.ops.photo_to_terrain.redo(stage="completed")
    bpy.ops.photo_to_terrain.redo(stage="completed")
    reports = [places.report_of(c) for c in places.results(scene)]
    assert [(r["seed"], r["settings"]["detail_seed"]) for r in reports] == [(0, 0), (0, 1), (0, 2)]
    assert "start" not in ran() and part("scene.variations").short_name(places.results(scene)[2]) == "Seed 0, details 2"
    bpy.ops.photo_to_terrain.redo(stage="polished")    # details stay
    assert places.report_of(places.shown_result(scene))["settings"]["detail_seed"] == 2 and len(places.results(scene)) == 3


def test_a_locked_terrain_stays_when_it_is_redone(first, places, scene):
    bpy.ops.photo_to_terrain.lock_variation(name=places.results(scene)[0].name)
    bpy.ops.photo_to_terrain.redo(stage="polished")
    assert seeds(places) == [0, 0] and places.shown_result(scene) == places.results(scene)[1]


def test_a_terrain_with_a_painted_region_is_not_redone(first, places, scene):
    collection = places.results(scene)[0]
    collection[places.REPORT_MARK] = json.dumps({**places.report_of(collection), "regions": [{"id": "1-ab"}]})
    assert not bpy.ops.photo_to_terrain.redo.poll()
    assert bpy.ops.photo_to_terrain.more_variations.poll()


def test_saved_and_moved_it_goes_on_from_the_finished_stages(first, places, ran, tmp_path):
    """Picture, .blend and folder in one place, all moved to another one."""
    here, there = tmp_path / "project", tmp_path / "moved"
    here.mkdir()
    shutil.copy(PICTURE, here / "photo.jpg")
    bpy.ops.wm.save_as_mainfile(filepath=str(here / "a.blend"))
    first = bpy.context.scene.photo_to_terrain
    first.picture, first.folder = "//photo.jpg", "//terrains"
    bpy.ops.photo_to_terrain.remove_variation(name=places.results(bpy.context.scene)[0].name)
    bpy.ops.photo_to_terrain.generate()
    bpy.ops.wm.save_mainfile()
    known = len(ran())
    here.rename(there)
    bpy.ops.wm.open_mainfile(filepath=str(there / "a.blend"))
    assert bpy.ops.photo_to_terrain.more_variations(count=1) == {"FINISHED"}
    assert seeds(places) == [0, 1] and ran()[known:] == LATE
    assert not here.exists() and len(list((there / "terrains").iterdir())) == 1


def test_a_lost_picture_is_said(first, places, scene, tmp_path):
    collection = places.results(scene)[0]
    report = places.report_of(collection)
    report["picture"]["path"] = str(tmp_path / "gone.jpg")
    collection[places.REPORT_MARK] = json.dumps(report)
    with pytest.raises(RuntimeError, match=r"not at .*gone\.jpg any more"):    # the chosen one is another picture
        bpy.ops.photo_to_terrain.more_variations(count=1)


def test_expected_seconds(part):
    expected = part("stage_times").expected_seconds
    done = {"settings": {"resolution": 128}, "stages": [
        {"name": "start", "seconds": 2.0, "cached": False}, {"name": "completed", "seconds": 10.0, "cached": False},
        {"name": "polished", "seconds": 8.0, "cached": False}, {"name": "camera", "seconds": 0.0, "cached": True}]}
    share = {s.name: s.share for s in part("stage_times").STAGES}
    whole = 20.0 / (share["start"] + share["completed"] + share["polished"])
    assert expected([done], 128, "start") == pytest.approx(20.0 + whole * share["files"])
    assert expected([done], 128, "completed") == pytest.approx(18.0 + whole * share["files"])
    assert expected([done], 256, "start") is None and expected([], 128, "start") is None
