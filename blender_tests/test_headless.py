"""Pictures in, terrains out, inside Blender: the script, the registered command, kills and interrupts."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_tests.conftest import MODULE, PICTURE, ROOT
from blender_tests.results import is_running, write_picture

SCRIPT = ROOT / "addon" / "headless" / "run.py"

RESULTS = {"terrain.blend", "terrain.tif", "terrain.png", "terrain.json", "preview.png", "report.json"}

RESOLUTION = 128


@pytest.fixture
def command(python, tmp_path):
    """A function that gives the command line and environment for the script, with fake stages."""
    environment = os.environ | {"FAKE_STAGES_LOG": str(tmp_path / "calls.txt"), "PYTHONPATH": ""}

    def command(*arguments: object, stages: str = "STAGES") -> dict:
        words = [sys.executable, SCRIPT, *arguments, "--resolution", RESOLUTION, "--python", python]
        words += ["--stages", f"tests.backend.fake_stages:{stages}"] if stages else []
        return {"args": list(map(str, words)), "env": environment, "cwd": tmp_path, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}

    return command


def calls(tmp_path: Path) -> list[str]:
    """The stages that ran since the last look."""
    file = tmp_path / "calls.txt"
    said = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return said


def until_stage(tmp_path: Path, stage: str) -> None:
    limit = time.monotonic() + 120
    while stage not in (file.read_text() if (file := tmp_path / "calls.txt").exists() else ""):
        assert time.monotonic() < limit
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Processes that a process has started (Linux)."""
    return [int(n) for path in Path(f"/proc/{pid}/task").glob("*/children") for n in path.read_text().split()]


def test_a_folder_of_three_one_of_them_broken(command, tmp_path):
    place, out = tmp_path / "in ⛰", tmp_path / "où" / "out"
    place.mkdir()
    write_picture(place / "Señor Müller 1.png")
    write_picture(place / "a.PNG")
    (place / "broken.jpg").write_text("broken")
    first = subprocess.run(**command(place, out), timeout=300, check=False)
    assert first.returncode == 1, first.stderr
    assert first.stdout.splitlines() == [str(out / "a"), str(out / "Señor Müller 1")]    # and nothing that Blender prints
    assert "[2/3] broken.jpg  failed: broken.jpg is broken." in first.stderr and "Traceback" not in first.stderr
    for name in ("a", "Señor Müller 1"):
        assert {p.name for p in (out / name).iterdir()} >= RESULTS
        assert not [p for p in (out / name).iterdir() if p.name.startswith(".") and p.name not in (".cache", ".finished.json")]
    assert not (out / "broken").exists()
    calls(tmp_path)
    write_picture(place / "broken.jpg")
    second = subprocess.run(**command(place, out), timeout=300, check=False)
    assert second.returncode == 0, second.stderr
    assert "[1/3] a.PNG  already done" in second.stderr and "3 done (2 of them before), 0 failed." in second.stderr
    assert calls(tmp_path).count("picture") == 1
    assert len(second.stdout.splitlines()) == 3


def test_the_file_opens_without_the_addon(command, tmp_path):
    write_picture(tmp_path / "a.png")
    subprocess.run(**command(tmp_path / "a.png", tmp_path / "out"), timeout=300, check=True)
    is_enabled = MODULE in bpy.context.preferences.addons
    if is_enabled:
        bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "a" / "terrain.blend"))
        stored = np.load(tmp_path / "out" / "a" / "terrain.npy")
        points = np.empty(3 * stored.size, np.float32)
        bpy.data.objects["Terrain"].data.vertices.foreach_get("co", points)
        assert np.array_equal(points[2::3], stored.ravel())
        camera = bpy.context.scene.camera
        assert camera is not None and camera.data.background_images[0].image.packed_file
    finally:
        if is_enabled:
            bpy.ops.preferences.addon_enable(module=MODULE)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_killed_in_the_middle(command, tmp_path):
    """Nothing half-written, no orphan, and the next run goes on where this one was."""
    place, out = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    write_picture(place / "b.png")
    subprocess.run(**command(place, out), timeout=300, check=True)
    write_picture(place / "c.png", 321)
    calls(tmp_path)
    blender = subprocess.Popen(**command(place, out, stages="PATIENT"))
    until_stage(tmp_path, "completed")
    backends = children_of(blender.pid)
    assert backends and all(is_running(pid) for pid in backends)
    blender.kill()
    blender.communicate()
    limit = time.monotonic() + 5
    while any(is_running(pid) for pid in backends):
        assert time.monotonic() < limit, "an orphan"
        time.sleep(0.05)
    assert {p.name for p in (out / "c").iterdir()} == {".cache"}
    assert {p.name for p in (out / "b").iterdir()} >= RESULTS
    calls(tmp_path)
    again = subprocess.run(**command(place, out), timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert calls(tmp_path) == ["picture", "completed", "polished"]    # what came before is in the stage cache
    assert "[1/2] b.png  already done" in again.stderr and {p.name for p in (out / "c").iterdir()} >= RESULTS


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_ends_within_a_second(command, tmp_path):
    write_picture(tmp_path / "a.png")
    words = command(tmp_path / "a.png", tmp_path / "out", "--json-progress", stages="PATIENT")
    blender = subprocess.Popen(**words, start_new_session=True)
    until_stage(tmp_path, "completed")
    backends = children_of(blender.pid) if sys.platform == "linux" else []
    time.sleep(0.2)
    began = time.monotonic()
    os.killpg(blender.pid, signal.SIGINT)    # as a terminal does: to Blender and the backend
    _, said = blender.communicate(timeout=20)
    assert time.monotonic() - began < 1.0
    assert blender.returncode == 130 and "Traceback" not in said
    assert json.loads([line for line in said.splitlines() if line.startswith("{")][-1])["code"] == 130
    assert not [pid for pid in backends if is_running(pid)]
    assert {p.name for p in (tmp_path / "out" / "a").iterdir()} == {".cache"}


@pytest.mark.parametrize("arguments, sentence", [
    ((), "the following arguments are required"), (("nowhere", "out"), "There is no file or folder"),
    ((".", "out"), "There is no picture in"), ((PICTURE, "out", "--steps", "1"), "Steps must be between"),
    ((PICTURE, "out", "--python", "nowhere"), "is no program"), ((PICTURE, PICTURE), "cannot be made"),
    ((PICTURE.parent, "out", "--mask-path", "m.png", "--part", "7/7"), ""), ((PICTURE, "out", "--part", "3/2"), "no share"),
])
def test_wrong_use(python, tmp_path, arguments, sentence):
    words = [sys.executable, str(SCRIPT), *map(str, arguments)]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
                           env=os.environ | {"PYTHONPATH": ""})
    is_right = not sentence    # a share with nothing in it is no mistake
    assert ended.returncode == (0 if is_right else 2), ended.stderr
    assert sentence in ended.stderr and "Traceback" not in ended.stderr and not ended.stdout
    assert is_right or not (tmp_path / "out").exists()


REGISTERED = """
import os, sys, bpy
commands = {}
real = bpy.utils.register_cli_command
def remember(name, function):
    commands[name] = function
    return real(name, function)
bpy.utils.register_cli_command = remember
bpy.ops.preferences.addon_enable(module=sys.argv[1])
ended = commands["photo_to_terrain"](sys.argv[2:])
assert sys.argv[1] in bpy.context.preferences.addons, "the run has disabled the add-on"
bpy.ops.preferences.addon_disable(module=sys.argv[1])
sys.stderr.flush()
os._exit(ended)    # Blender 4.2 as a module may crash at its own end
"""


def test_the_registered_command_of_the_installed_extension(addon, python, tmp_path):
    """`blender --command photo_to_terrain` calls this function; the module has no `blender` program."""
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png")
    words = [sys.executable, "-c", REGISTERED, MODULE, tmp_path, tmp_path / "out", "--resolution", RESOLUTION,
             "--steps", "2", "--polish-rounds", "0"]
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300, check=False)
    # Fake stages are no part of what is installed: the real backend refuses two flat colors, one sentence for each.
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("failed:") == 2 and "Traceback" not in ended.stderr and not ended.stdout


def test_the_command_is_taken_away_again(addon, part, monkeypatch):
    command = part("headless.command")
    taken = []
    real = bpy.utils.unregister_cli_command
    monkeypatch.setattr(bpy.utils, "unregister_cli_command", lambda handle: (taken.append(handle), real(handle)))
    bpy.ops.preferences.addon_disable(module=MODULE)
    assert len(taken) == 1 and not command._registered
    bpy.ops.preferences.addon_enable(module=MODULE)


def test_an_exr_is_shown_as_blender_shows_it(scene, part, tmp_path):
    """Middle gray is 0.18 of white light and 118 of 255 in sRGB; the backend gets it as PNG."""
    exr_picture = part("headless.exr_picture")
    light = np.full((70, 80), 2.0, np.float32)
    light[35:] = 0.18
    grid = importlib.import_module(f"{MODULE}.addon.scene.result_folder").HeightGrid(light, 1.0, (0.0, 0.0))
    part("formats.float_exr").write_heights(tmp_path / "a é.exr", grid)    # not by Blender's saving, which would encode it
    path = exr_picture.readable(tmp_path / "a é.exr", tmp_path / "out" / "a é")
    assert path == tmp_path / "out" / "a é" / "picture.png"
    shown = bpy.data.images.load(str(path))
    seen = np.empty(70 * 80 * 4, np.float32)
    shown.pixels.foreach_get(seen)
    seen = np.round(255 * seen.reshape(70, 80, 4)[..., :3])
    assert (seen[0, 0] == 118).all() and (seen[-1, 0] == 255).all()    # rows from below
    half = exr_picture.displayed(np.array([[[0.5, 0.0, np.nan, 1.0], [0.1, 0.1, 0.1, 0.5]]], np.float32))
    assert half.tolist() == [[[188, 0, 0], [203, 203, 203]]]    # see-through: on white
    assert exr_picture.readable(tmp_path / "b.jpg", tmp_path) == tmp_path / "b.jpg"
    (tmp_path / "bad.exr").write_text("no")
    with pytest.raises(OSError, match=r"bad\.exr"):
        exr_picture.readable(tmp_path / "bad.exr", tmp_path / "out" / "bad")
    assert not (tmp_path / "out" / "bad").exists()


def test_the_script_finds_what_it_lies_in(addon):
    spec = importlib.util.spec_from_file_location("run_script", Path(addon.__path__[0]) / "addon" / "headless" / "run.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.package_at(script.ROOT, ["nothing", MODULE]) == MODULE    # the installed one, with its preferences
    assert script.package_at(ROOT, [MODULE]) == script.STAND_IN
    del sys.modules[script.STAND_IN]
