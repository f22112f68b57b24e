"""What breaks in a real window: Blender killed or closed in mid-job, another file, the add-on switched off, a defect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import bpy
import pytest

from blender_tests.conftest import PICTURE, ROOT
from blender_tests.results import is_running

pytestmark = [
    pytest.mark.skipif(not (sys.platform == "linux" and shutil.which("blender") and shutil.which("Xvfb")),
                       reason="needs a blender program and Xvfb"),
    pytest.mark.skipif(bpy.app.version[:2] != (4, 2), reason="the same program for every Blender module: once is enough"),
]


@pytest.fixture
def screen():
    """The name of an X display of our own."""
    reader, writer = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
                              pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with os.fdopen(reader) as said:
        number = said.readline().strip()
    yield f":{number}"
    server.kill()
    server.wait()


@pytest.fixture
def blender(screen, staged_zip, python, tmp_path):
    """A function that starts Blender with the add-on and gives (process, notes): notes is a file that is told what happens."""
    ended = subprocess.run(["blender", "-b", "--factory-startup", "--python-exit-code", "9", "--python-expr", "import numpy"],
                           capture_output=True, timeout=120, check=False)
    if ended.returncode:
        pytest.skip("this Blender's Python has no numpy")
    with zipfile.ZipFile(staged_zip) as archive:
        archive.extractall(tmp_path / "user" / "addons")
    environment = os.environ | {"DISPLAY": screen, "BLENDER_USER_SCRIPTS": str(tmp_path / "user"), "LIBGL_ALWAYS_SOFTWARE": "1",
                                "TMPDIR": str(tmp_path),
                                "BLENDER_USER_CONFIG": str(tmp_path / "config"), "BLENDER_USER_DATAFILES": str(tmp_path / "data")}
    environment.pop("BLENDER_USER_RESOURCES", None)
    started = []

    def start(*ways: str):
        words = ["blender", "--factory-startup", "--window-geometry", "0", "0", "1200", "760", "-P",
                 ROOT / "blender_tests" / "break_in_window.py", "--", ROOT, python, PICTURE, tmp_path / "out", tmp_path / "notes",
                 *ways]
        log = (tmp_path / "blender.log").open("wb")
        started.append(subprocess.Popen(list(map(str, words)), stdout=log, stderr=log, env=environment, cwd=tmp_path))
        log.close()
        return started[-1], tmp_path / "notes"

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(condition, what: str, seconds: float = 240.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.05)


def read(notes: Path) -> dict:
    return json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}


def test_what_ends_a_job_leaves_a_sentence_and_no_draft(blender, tmp_path):
    """One Blender, one job after the other; at last it is closed in the middle of one."""
    process, notes = blender("exception", "window", "load", "disable", "quit")
    process.wait(400)
    said, log = read(notes), (tmp_path / "blender.log").read_text(errors="replace")
    assert process.returncode == 0 and "failed" not in said, (said, log[-3000:])
    assert said["now"] == "quit" and list(said["ended"]) == ["exception", "window", "load", "disable"]
    for how, left in said["ended"].items():
        assert not left["current"] and not left["draft"] and left["objects"] == left["objects before"], (how, left)
        assert left["alive"] is (how != "disable"), (how, left)
    sentences = {how: left["problem"] for how, left in said["ended"].items()}
    assert "ZeroDivisionError" in sentences["exception"][0] and sentences["exception"][1] == "try_again"
    assert "window was closed" in sentences["window"][0] and sentences["window"][1] == "try_again"
    assert "Another file was opened" in sentences["load"][0]
    pids = {left["pid"] for left in said["ended"].values()} | {said["pid"]}
    until(lambda: not any(map(is_running, pids)), "an orphan", 10.0)
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {".cache"}    # nothing half-written; the next run goes on from there


def test_blender_killed_in_the_middle_of_a_job(blender, tmp_path):
    process, notes = blender("wait")
    until(lambda: "pid" in read(notes) or process.poll() is not None, "no job")
    pid = read(notes)["pid"]
    assert is_running(pid)
    process.kill()
    process.wait()
    until(lambda: not is_running(pid), "an orphan", 10.0)
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {".cache"}
