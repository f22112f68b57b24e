"""Further seeds one after the other, and runs that are done again from a stage on, around a backend with fake stages."""

from __future__ import annotations

import importlib
import json
import shutil
import time
from pathlib import Path

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


@pytest.fixture(scope="module")
def project(log, tmp_path_factory) -> Path:
    """A folder with photo.jpg, a.blend with one terrain of seed 0, and the backend's files."""
    folder = tmp_path_factory.mktemp("project ⛰")
    shutil.copy(PICTURE, folder / "photo.jpg")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
    ours = bpy.context.scene.photo_to_terrain
    ours.picture, ours.folder = "//photo.jpg", "//terrains"
    ours.settings.resolution = 128
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    bpy.ops.wm.save_mainfile()
    return folder


@pytest.fixture
def first(project, log, part):
    """The project opened anew. Gives its scene's properties."""
    bpy.ops.wm.open_mainfile(filepath=str(project / "a.blend"))
    log.unlink(missing_ok=True)
    yield bpy.context.scene.photo_to_terrain
    part("jobs").fail(None)


@pytest.fixture
def places(part):
    """The module that knows the collections."""
    return part("scene.result_collections")


@pytest.fixture
def asked(part, monkeypatch):
    """Jobs are not started; a function that runs an operator and gives the settings and further fields it asked for."""
    more, asks = part("operators.more_variations"), []

    def launch(context, picture, folder, settings, title="", **extra):
        asks.append((settings, extra))
        raise OSError("no job in this test")

    def ask(operator, **values):
        monkeypatch.setattr(more, "launch", launch)
        with pytest.raises(RuntimeError, match="no job in this test"):
            operator(**values)
        return asks.pop()

    return ask


def seeds(places) -> list[int]:
    """Of all terrains, oldest first."""
    return [places.report_of(c)["seed"] for c in places.results(bpy.context.scene)]


def heights_of(collection: bpy.types.Collection, places) -> np.ndarray:
    """The attribute `height`."""
    layer = places.terrain_in(collection).data.attributes["height"]
    values = np.empty(len(layer.data), np.float32)
    layer.data.foreach_get("value", values)
    return values


def change_report(collection: bpy.types.Collection, places, **values: object) -> None:
    """Write into the report of a terrain."""
    collection[places.REPORT_MARK] = json.dumps({**places.report_of(collection), **values})


def test_further_seeds_repeat_only_the_late_stages_and_are_undo_steps(first, places, log):
    first.settings.seed = 40    # what the panel is set to now does not matter
    bpy.ops.ed.undo_push(message="one terrain")
    assert bpy.ops.photo_to_terrain.more_variations(count=2) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="More Variations")    # what Blender does after an operator that an artist started
    every = places.results(bpy.context.scene)
    assert seeds(places) == [0, 1, 2] and log.read_text().split() == 2 * LATE
    heights = [heights_of(c, places) for c in every]
    assert not any(np.array_equal(a, b) for a, b in ((heights[0], heights[1]), (heights[0], heights[2]), (heights[1], heights[2])))
    assert [places.is_hidden(bpy.context.scene, c) for c in every] == [True, True, False]
    assert all(c.preview.is_image_custom for c in every)
    for left in ([0, 1], [0]):
        bpy.ops.ed.undo()
        shown = places.shown_result(bpy.context.scene)
        assert seeds(places) == left and places.report_of(shown)["seed"] == left[-1]
        assert bpy.context.scene.camera == places.camera_in(shown)
    bpy.ops.ed.redo()
    assert seeds(places) == [0, 1]


def test_cancel_keeps_the_finished_ones(first, part, monkeypatch, places):
    scene = bpy.context.scene
    kind = part("operators.more_variations").PHOTO_TO_TERRAIN_OT_more_variations
    with modal_run(part, monkeypatch, scene, kind, count=4) as (operator, _, manager, tick):
        assert operator.job.title == "1 of 4, seed 1"
        end = time.monotonic() + 180
        while operator.placed < 1:
            assert time.monotonic() < end and tick() == {"PASS_THROUGH"}
            time.sleep(0.01)
        assert part("jobs").current() is not None and operator.job.title == "2 of 4, seed 2"
        tick("ESC", "PRESS")
        assert run_to_end(tick) == {"CANCELLED"} and not manager.timers
        assert operator.said[-1][1] == "Cancelled, the finished terrains stay"
    assert seeds(places) == [0, 1] and not bpy.data.collections.get("Draft")
    last = places.results(scene)[1]
    assert places.shown_result(scene) == last and scene.camera == places.camera_in(last)


def test_a_failure_keeps_the_finished_ones(first, part, places, monkeypatch):
    more = part("operators.more_variations")
    kind, launch = more.PHOTO_TO_TERRAIN_OT_more_variations, more.launch

    def full_disk(context, picture, folder, settings, *rest, **more):
        if settings.seed == 2:
            raise OSError("the disk is full")
        return launch(context, picture, folder, settings, *rest, **more)

    monkeypatch.setattr(more, "launch", full_disk)
    with modal_run(part, monkeypatch, bpy.context.scene, kind, count=3) as (_, _, manager, tick):
        assert run_to_end(tick, patience_s=180.0) == {"CANCELLED"} and not manager.timers
    assert seeds(places) == [0, 1] and "the disk is full" in part("jobs").last_problem.text


def test_redo_keeps_what_comes_before_and_replaces(first, places, log):
    before = heights_of(places.results(bpy.context.scene)[0], places)
    assert bpy.ops.photo_to_terrain.redo(stage="camera") == {"FINISHED"}
    (only,) = places.results(bpy.context.scene)
    assert log.read_text().split() == ["picture", "camera", "visible", "bound", *LATE[1:]]
    assert np.array_equal(heights_of(only, places), before)    # nothing else was changed


def test_redo_of_details_is_another_terrain_of_the_same_sketch(first, places, log, part):
    bpy.ops.photo_to_terrain.redo(stage="completed")
    assert log.read_text().split() == ["picture", "completed", "polished"]
    first_one, second = places.results(bpy.context.scene)
    assert part("scene.variations").short_name(second) == "Seed 0, details 1" and places.is_hidden(bpy.context.scene, first_one)


def test_saved_and_moved_it_goes_on_from_the_finished_stages(first, project, places, part, log, tmp_path):
    """Picture, .blend and folder in one place, all moved to another one."""
    (there := tmp_path / "moved").mkdir()
    shutil.copytree(project, there, dirs_exist_ok=True)
    (here := project.with_name("gone")).mkdir()
    project.rename(here / "project")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(there / "a.blend"))
        collection = places.results(bpy.context.scene)[0]
        report = places.report_of(collection)
        # fake stages do not read it
        report["picture"]["sha256"] = part("scene.result_folder").content_hash(there / "photo.jpg")
        change_report(collection, places, **report)
        (job,) = (there / "terrains").iterdir()
        (job / "report.json").write_text(json.dumps(report), encoding="utf-8")
        assert bpy.ops.photo_to_terrain.redo(stage="start") == {"FINISHED"}
    finally:
        (here / "project").rename(project)
    assert seeds(places) == [0, 1] and log.read_text().split() == LATE
    assert len(list((there / "terrains").iterdir())) == 1


def test_settings_are_those_of_the_shown_terrain(first, asked):
    first.settings.polish_rounds, first.settings.resolution = 7, 256
    settings, extra = asked(bpy.ops.photo_to_terrain.more_variations, count=1)
    assert (settings.polish_rounds, settings.resolution, settings.seed) == (3, 128, 1) and not extra


def test_seeds_that_are_there_are_left_out(first, places, asked):
    twin = bpy.data.collections.new("twin")
    places.root_of(bpy.context.scene).children.link(twin)
    twin[places.KEY_MARK], twin[places.REPORT_MARK] = "x", json.dumps(
        {**places.report_of(places.results(bpy.context.scene)[0]), "seed": 1})
    assert asked(bpy.ops.photo_to_terrain.more_variations, count=1)[0].seed == 2
    assert asked(bpy.ops.photo_to_terrain.redo, stage="start")[0].seed == 2


def test_redo_takes_the_panels_settings_from_that_stage_on(first, asked):
    first.settings.elevation_range_m, first.settings.resolution, first.settings.polish_rounds = 700.0, 256, 1
    settings, extra = asked(bpy.ops.photo_to_terrain.redo, stage="camera")
    assert settings.elevation_range_m == 0.0    # earlier: as it was
    assert settings.resolution == 256 and settings.polish_rounds == 1 and extra == {"redo_from": "camera"}
    assert asked(bpy.ops.photo_to_terrain.redo, stage="prior")[0].elevation_range_m == 700.0


def test_redo_keeps_seeds_where_nothing_is_invented(first, places, asked):
    collection = places.results(bpy.context.scene)[0]
    report = places.report_of(collection)
    change_report(collection, places, settings={**report["settings"], "detail_seed": 2})
    pairs = {stage: asked(bpy.ops.photo_to_terrain.redo, stage=stage)[0]
             for stage in ("pointmap", "start", "completed", "polished")}
    assert {stage: (s.seed, s.detail_seed) for stage, s in pairs.items()} == {
        "pointmap": (0, 2), "start": (1, 0), "completed": (0, 3), "polished": (0, 2)}


def test_a_terrain_with_a_painted_region_is_not_redone(first, places, asked):
    collection = places.results(bpy.context.scene)[0]
    report = places.report_of(collection)
    change_report(collection, places, regions=[{"id": "1-ab"}], settings={
        **report["settings"], "base_path": "/a/terrain.npy", "region_path": "/a/region.npy", "region_seed": 1})
    assert not bpy.ops.photo_to_terrain.redo.poll()
    settings, _ = asked(bpy.ops.photo_to_terrain.more_variations, count=1)    # whole ground of another seed
    assert not settings.base_path and not settings.region_path


def test_a_lost_picture_is_said_and_found_where_it_is_chosen(first, places, project, part, asked):
    collection = places.results(bpy.context.scene)[0]
    lost = {**places.report_of(collection)["picture"], "path": str(project / "gone.jpg")}
    change_report(collection, places, picture=lost)
    with pytest.raises(RuntimeError, match=r"not at .*gone\.jpg any more"):    # fake stages: of another picture than the chosen one
        bpy.ops.photo_to_terrain.more_variations(count=1)
    content = part("scene.result_folder").content_hash(project / "photo.jpg")
    change_report(collection, places, picture={**lost, "sha256": content})
    assert asked(bpy.ops.photo_to_terrain.more_variations, count=1)[0].seed == 1


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
