"""What goes wrong in a real backend process, as Blender sees it: a sentence, a way on, the scene as it was, and a next run."""

from __future__ import annotations

import os
import shutil
import sys
import time

import bpy
import pytest

from blender_tests.conftest import PICTURE
from blender_tests.modal_runs import modal_run, run_to_end
from blender_tests.results import write_picture
from blender_tests.test_operator import names

BREAKING = "tests.backend.breaking_stages:"

IS_LINUX = sys.platform == "linux"


@pytest.fixture
def ours(scene, fake_stages, tmp_path):
    """The scene's properties, all chosen, at a low resolution."""
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(PICTURE), str(tmp_path / "out")
    ours.settings.resolution = 128
    return ours


def refused(part) -> tuple[str, str | None]:
    """Run and fail. Gives sentence and remedy; the scene is as it was."""
    before = names()
    with pytest.raises(RuntimeError):    # how Blender hands an error report to a script
        bpy.ops.photo_to_terrain.generate()
    problem = part("jobs").last_problem
    assert names() == before and part("jobs").current() is None
    assert "Traceback" not in problem.text and "\n" not in problem.text
    return problem.text, problem.fix


def until(condition, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="ends itself with SIGABRT")
def test_a_library_that_ends_the_backend_for_want_of_memory(ours, fake_stages, part):
    fake_stages(f"{BREAKING}LAST_WORDS")
    sentence, fix = refused(part)
    assert "Memory ran out" in sentence and "resolution" in sentence and fix == "lower_resolution"
    ours.settings.resolution = 256
    assert bpy.ops.photo_to_terrain.lower_resolution() == {"FINISHED"} and ours.settings.resolution == 128
    part("jobs").stop_all()
    fake_stages("STAGES")
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}


@pytest.mark.skipif(not IS_LINUX, reason="the kernel's count is Linux's")
@pytest.mark.parametrize("is_counted", [True, False])
def test_killed_by_the_kernel_for_want_of_memory(ours, fake_stages, part, monkeypatch, scene, is_counted):
    """The kernel ends processes by SIGKILL and counts that; without its count nobody knows who it was."""
    process = part("process")
    count = [process.kills_for_memory()]
    monkeypatch.setattr(process, "kills_for_memory", lambda: count[0])
    fake_stages("PATIENT")
    with modal_run(part, monkeypatch, scene) as (operator, _, _, tick):
        until(lambda: tick() and operator.job.stage == "completed")
        count[0] += is_counted
        operator.job.backend._child.kill()
        assert run_to_end(tick) == {"CANCELLED"}
    problem = part("jobs").last_problem
    assert problem.fix == "lower_resolution" and "finished stages are kept" in problem.text
    assert ("Memory ran out" in problem.text) is is_counted and ("perhaps" in problem.text) is not is_counted


def test_an_end_without_a_name_is_answered(ours, fake_stages, part):
    fake_stages(f"{BREAKING}UNSENDABLE")
    sentence, _ = refused(part)
    assert "SystemExit" in sentence
    assert part("jobs").backend().is_alive()


@pytest.mark.skipif(not IS_LINUX, reason="limits another process")
def test_a_full_disk_in_the_middle(ours, fake_stages, part, monkeypatch, scene, tmp_path):
    """Files of the backend may not grow any more: then nothing half-written is left, and with room again it goes on."""
    import resource

    monkeypatch.setenv("BREAKING_STAGES_FOLDER", str(tmp_path))
    fake_stages(f"{BREAKING}HUNGRY")
    with pytest.MonkeyPatch.context() as window, modal_run(part, window, scene) as (operator, _, _, tick):
        until(lambda: tick() and operator.job.stage == "completed")
        pid = operator.job.backend.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (20_000, hard))
        (tmp_path / "eat").touch()
        assert run_to_end(tick) == {"CANCELLED"}
    problem = part("jobs").last_problem
    assert "is full" in problem.text and problem.fix == "choose_folder"
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {".cache"} and not list((folder / ".cache").glob("*.part*"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    assert part("jobs").backend().pid == pid


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_the_folder_is_removed_in_the_middle(ours, fake_stages, part, monkeypatch, scene, tmp_path):
    monkeypatch.setenv("BREAKING_STAGES_FOLDER", str(tmp_path))
    fake_stages(f"{BREAKING}HUNGRY")
    with modal_run(part, monkeypatch, scene) as (operator, _, _, tick):
        until(lambda: tick() and operator.job.stage == "completed")
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "eat").touch()
        assert run_to_end(tick, patience_s=120.0) == {"FINISHED"}, operator.said
    assert len(bpy.data.objects["Terrain"].data.vertices) == 128 * 128
    assert list((tmp_path / "out").glob("*/report.json"))


def test_bad_pictures_with_the_real_backend(scene, python, part, tmp_path):
    """One process, one bad picture after the other."""
    part("jobs").stop_all()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut off.jpg").write_bytes(PICTURE.read_bytes()[:20_000])
    write_picture(tmp_path / "tiny.png", 40, 30)
    write_picture(tmp_path / "strip.png", 2000, 100)
    (tmp_path / "folder.jpg").mkdir()
    ours = scene.photo_to_terrain
    ours.folder, ours.settings.resolution = str(tmp_path / "out"), 128
    try:
        said = {}
        for name in ("text.jpg", "cut off.jpg", "tiny.png", "strip.png", "folder.jpg"):
            ours.picture = str(tmp_path / name)
            said[name] = refused(part)
        assert {fix for _, fix in said.values()} == {"choose_picture"}, said
        assert all(name in sentence for name, (sentence, _) in said.items()), said
        assert not list((tmp_path / "out").glob("*/*"))
    finally:
        part("jobs").stop_all()


def test_two_blenders_one_result_too_many(ours, fake_stages, part, scene):
    """Another Blender has put its terrain into the folder before this one could read its own."""
    fake_stages("STAGES")
    with pytest.MonkeyPatch.context() as window, modal_run(part, window, scene) as (operator, _, _, tick):
        until(lambda: operator.job.poll())
        report = operator.job.folder / "report.json"
        report.write_text(report.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
        assert run_to_end(tick) == {"CANCELLED"}
    problem = part("jobs").last_problem
    assert "Another Blender" in problem.text and problem.fix == "try_again"
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}


def test_every_blender_has_its_own_log(part, tmp_path):
    launching, process = part("operators.launching"), part("process")
    assert str(os.getpid()) in launching.log_path().name
    old, young = tmp_path / "backend-1.log", tmp_path / "backend-2.log"
    for path in (old, young):
        path.write_text("")
    os.utime(old, (0, 0))
    process.forget_old_logs(tmp_path)
    assert young.exists() and not old.exists()
