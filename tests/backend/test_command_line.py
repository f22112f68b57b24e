"""The command line: exit codes, one sentence for what can go wrong, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend import memory, outputs, pipeline
from backend.__main__ import main, parser, settings_of
from backend.contract.settings import TerrainSettings
from tests.backend.conftest import ROOT


def run(picture: Path, out: Path, *options: str, stages: str = "STAGES") -> int:
    return main(["run", str(picture), "--out", str(out), "--resolution", "128",
                 "--stages", f"tests.backend.fake_stages:{stages}", *options])


def sentence(capsys) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1]


def test_a_good_run_leaves_every_file_and_says_where(picture, tmp_path, capsys):
    out = tmp_path / "où ⛰" / "deep"
    assert run(picture, out, "--keep-stages") == 0
    printed = capsys.readouterr().out
    for name in outputs.FILES.values():
        assert (out / name).stat().st_size > 0 and str(out / name) in printed
    assert {path.name for path in out.glob("*.npz")} == {f"{name}.npz" for name in outputs.STAGE_FILES}
    assert not [path for path in out.iterdir() if path.name.startswith(".") and path.name != ".cache"]
    assert "Skyline" in printed and "Peak memory" in printed


def test_a_second_run_without_keeping_stages_removes_the_stale_ones(picture, tmp_path):
    assert run(picture, tmp_path, "--keep-stages") == 0
    assert run(picture, tmp_path, "--seed", "4") == 0
    assert not list(tmp_path.glob("*.npz"))
    assert json.loads((tmp_path / "report.json").read_text())["seed"] == 4


@pytest.mark.parametrize(("stages", "code", "text"), [
    ("BARREN", 3, "No mountains found: the picture shows a cat. Choose another picture"),
    ("BROKEN", 1, "Something failed while telling land from sky (ZeroDivisionError)"),
])
def test_failing_stages(picture, tmp_path, capsys, stages, code, text):
    out = tmp_path / "out"
    assert run(picture, out, stages=stages) == code
    assert sentence(capsys).startswith(text)
    assert not list(out.glob("terrain*"))
    assert out.exists() == (code == 1)    # a refusal leaves nothing, a defect its log
    if code == 1:
        assert "ZeroDivisionError: a defect" in (out / "photo_to_terrain.log").read_text()


def test_a_missing_picture_leaves_no_folder(tmp_path, capsys):
    assert run(tmp_path / "none.jpg", tmp_path / "out" / "deep") == 2
    assert "none.jpg" in sentence(capsys)
    assert not (tmp_path / "out").exists()


def test_wrong_settings(picture, tmp_path, capsys):
    assert run(picture, tmp_path / "out", "--steps", "1") == 2
    assert sentence(capsys) == "Steps must be between 2 and 100, not 1."
    for options in (["--sampler", "x"], ["--seed", "x"], ["--nonsense"]):
        with pytest.raises(SystemExit) as ended:
            run(picture, tmp_path / "out", *options)
        assert ended.value.code == 2
    assert not (tmp_path / "out").exists()


def test_settings_come_from_a_file_and_options_win(tmp_path):
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"seed": 3, "steps": 12, "fix_pitch": True}))
    options = parser().parse_args(["run", "a", "--out", "b", "--settings", str(file), "--seed", "9", "--no-fix-pitch"])
    assert settings_of(options) == TerrainSettings(seed=9, steps=12)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"resolutoin": 1}', None])
def test_a_bad_settings_file(picture, tmp_path, capsys, content):
    file = tmp_path / "s.json"
    if content is not None:
        file.write_bytes(content)
    assert run(picture, tmp_path / "out", "--settings", str(file)) == 2
    assert sentence(capsys).endswith(".")


def test_a_folder_that_cannot_be_made(picture, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run(picture, tmp_path / "file" / "out") == 2
    assert "cannot be written" in sentence(capsys)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom permissions stop")
def test_a_read_only_folder(picture, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    assert run(picture, out) == 2
    assert "cannot be written" in sentence(capsys)


def test_a_disk_with_too_little_room(picture, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert run(picture, tmp_path / "out") == 2
    assert "MB free" in sentence(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="limits the size of files")
def test_a_disk_that_fills_up_in_the_middle(picture, tmp_path):
    code = ("import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000));"
            "from backend.__main__ import main; sys.exit(main(sys.argv[1:]))")
    ended = subprocess.run(
        [sys.executable, "-c", code, "run", str(picture), "--out", str(tmp_path / "out"), "--resolution", "256",
         "--stages", "tests.backend.fake_stages:STAGES"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "n")})
    assert ended.returncode == 2, ended.stderr
    assert "is full" in ended.stderr and "Traceback" not in ended.stderr
    assert not list((tmp_path / "out").glob("terrain*"))


def test_too_little_memory_is_told_before_the_work(picture, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pipeline, "total_and_free_gb", lambda: (8.0, 0.5))
    assert run(picture, tmp_path / "out") == 2
    assert "0.5 GB are free" in sentence(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize("stages", ["PATIENT", "STUBBORN"])
def test_ctrl_c_is_answered_within_a_second(picture, tmp_path, stages):
    log = tmp_path / "calls.txt"
    child = subprocess.Popen(
        [sys.executable, "-m", "backend", "run", str(picture), "--out", str(tmp_path / "out"), "--resolution", "128",
         "--stages", f"tests.backend.fake_stages:{stages}"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ | {"FAKE_STAGES_LOG": str(log)})
    limit = time.monotonic() + 60
    while "completed" not in (log.read_text() if log.exists() else "") and time.monotonic() < limit:
        time.sleep(0.05)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=10)
    assert child.returncode == 4 and time.monotonic() - begun < 1.0
    assert error.strip().endswith("Cancelled.") and "Traceback" not in error
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".cache"]
    assert not list((tmp_path / "out" / ".cache").glob("unfinished-*"))


def test_doctor_and_models_speak(capsys):
    assert main(["doctor"]) == 0 and main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "torch" in printed and "sha256" in printed


def test_memory_is_measured():
    with memory.PeakMemory() as watch:
        before = watch.take()
        block = bytearray(300_000_000)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(50 * memory.SAMPLE_EVERY_S)  # filling it holds the interpreter: the watcher looks only now
        del block
        assert watch.take() > before + 0.25
    total, free = memory.total_and_free_gb()
    assert 0 < free <= total
