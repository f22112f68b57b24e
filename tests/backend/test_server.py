"""The child process: one answer a job, cancel within a second, no death by garbage, end with stdin."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from backend.contract import messages
from backend.contract.settings import TerrainSettings
from backend.contract.version import PROTOCOL, VERSION

SETTINGS = TerrainSettings(resolution=128)

GENERATE = b'{"v": 1, "kind": "generate", "job": 1, "image": "a", "folder": "%s", "settings": %s}\n'


def ask(child, picture: Path, folder: Path, job: int = 1, **options):
    child.send(messages.generate(job, str(picture), str(folder), SETTINGS, **options))


def test_ready_comes_first_and_soon(start_child):
    begun = time.monotonic()
    ready = start_child().next(seconds=10)
    assert ready["kind"] == "ready" and ready["v"] == PROTOCOL and ready["backend"] == VERSION
    assert ready["device"] in ("cpu", "cuda") and ready["threads"] >= 1 and ready["free_memory_gb"] > 0
    assert time.monotonic() - begun < 5.0    # about 0.3 s on an idle machine


def test_a_job_from_plan_to_result_and_a_second_one_on_the_same_child(start_child, picture, tmp_path):
    child = start_child()
    ask(child, picture, tmp_path / "out", keep_stages=True)
    plan = child.next("progress")["plan"]
    assert sum(stage["share"] for stage in plan) == pytest.approx(1.0)
    preview = child.next("preview")
    assert preview["stage"] == "visible" and preview["camera"]["fov_x_deg"] > 0
    heights = np.load(preview["heights"], mmap_mode="r")
    assert heights.shape == (preview["rows"], preview["cols"]) and np.isnan(heights).any()
    assert [child.next("preview")["stage"] for _ in range(3)] == ["start", "completed", "polished"]
    result = child.next("result", "error")
    assert result["kind"] == "result" and result["job"] == 1
    assert np.isfinite(np.load(result["files"]["heights"])).all()
    assert result["report"]["terrain"]["rows"] == 128
    ask(child, picture, tmp_path / "other", job=2)
    assert child.next("result", "error")["job"] == 2


def test_fractions_rise_to_one(start_child, picture, tmp_path):
    child = start_child()
    ask(child, picture, tmp_path / "out")
    fractions = []
    while (message := child.next("progress", "result", "error"))["kind"] == "progress":
        fractions += [message["fraction"]] if "fraction" in message else []
    assert fractions == sorted(fractions) and fractions[0] >= 0 and 0.9 < fractions[-1] <= 1


@pytest.mark.parametrize("stages", ["PATIENT", "STUBBORN"])
def test_cancel_is_answered_within_a_second_even_by_a_deaf_stage(start_child, picture, tmp_path, stages):
    child = start_child(stages)
    ask(child, picture, tmp_path / "out")
    child.until_stage("completed")
    begun = time.monotonic()
    child.send(messages.cancel(1))
    answer = child.next("cancelled", "result", "error")
    assert answer["kind"] == "cancelled" and answer["job"] == 1
    assert time.monotonic() - begun < 1.0
    ask(child, picture, tmp_path / "out", job=2)    # the child lives on and never speaks of job 1 again
    while (message := child.next())["job"] == 2 and message["kind"] == "progress":
        if message.get("stage") == "completed":
            break
    assert message["job"] == 2
    assert not [path for path in (tmp_path / "out").iterdir() if path.name != ".cache"]


def test_cancel_of_a_waiting_job_and_of_an_unknown_one(start_child, picture, tmp_path):
    child = start_child("PATIENT")
    ask(child, picture, tmp_path / "a", job=1)
    ask(child, picture, tmp_path / "b", job=2)
    child.send(messages.cancel(77))
    child.until_stage("completed")
    child.send(messages.cancel(2))
    assert child.next("cancelled", "error")["job"] == 2
    child.send(messages.cancel(1))
    assert child.next("cancelled", "error")["job"] == 1


@pytest.mark.parametrize("stages", ["PATIENT", "STUBBORN"])
def test_the_end_of_stdin_ends_the_child_in_the_middle_of_a_job(start_child, picture, tmp_path, stages):
    child = start_child(stages)
    ask(child, picture, tmp_path / "out")
    child.until_stage("completed")
    begun = time.monotonic()
    child.process.stdin.close()
    assert child.process.wait(5) == 0
    assert time.monotonic() - begun < 2.0
    assert not list((tmp_path / "out").glob("terrain*"))
    assert not list((tmp_path / "out" / ".cache").glob("unfinished-*"))


def test_bye_ends_the_child_with_a_bye(start_child):
    child = start_child()
    child.next("ready")
    child.send(messages.bye())
    assert child.next("bye")["kind"] == "bye"
    assert child.process.wait(5) == 0


@pytest.mark.parametrize(("line", "code"), [
    (b"garbage\n", "bad_message"),
    (b"[1, 2]\n", "bad_message"),
    (b"\xff\xfe\n", "bad_message"),
    (b"[" * 100_000 + b"\n", "bad_message"),
    (b'{"v": 1, "kind": "dance"}\n', "bad_message"),
    (b'{"v": 999, "kind": "generate", "job": 1}\n', "wrong_protocol"),
    (b'{"v": 1, "kind": "generate", "job": "x"}\n', "bad_message"),
    (GENERATE % (b"", b"{}"), "bad_message"),
    (GENERATE % (b"b", b"[]"), "bad_settings"),
    (GENERATE % (b"b", b'{"no": 1}'), "bad_settings"),
    (GENERATE % (b"b", b'{"steps": -1}'), "bad_settings"),
    (b"x" * (messages.MAX_LINE_BYTES + 10) + b"\n", "bad_message"),
])
def test_a_bad_line_is_answered_and_the_next_good_one_served(start_child, line, code):
    child = start_child()
    child.next("ready")
    child.send(b"\n" + line)
    answer = child.next("error")
    assert answer["code"] == code and answer["text"]
    child.send(messages.bye())
    assert child.next("bye", "error")["kind"] == "bye"


@pytest.mark.parametrize(("stages", "code", "fix"), [
    ("BARREN", "no_terrain_found", "edit_mask"), ("BROKEN", "internal", "show_log")])
def test_a_failing_stage_gives_a_typed_error_and_leaves_no_file(start_child, picture, tmp_path, stages, code, fix):
    child = start_child(stages)
    ask(child, picture, tmp_path / "out")
    error = child.next("error", "result")
    assert (error["code"], error["fix"], error["job"]) == (code, fix, 1)
    assert "Traceback" not in error["text"]
    assert not list((tmp_path / "out").glob("terrain*"))
    if code == "internal":
        assert "ZeroDivisionError" in Path(error["log"]).read_text()


def test_what_libraries_print_never_reaches_the_wire(start_child, picture, tmp_path):
    child = start_child("NOISY")
    ask(child, picture, tmp_path / "out")
    assert child.next("result", "error")["kind"] == "result"
    log = child.log.read_text(errors="replace")
    assert "a library says hello" in log and "from C" in log


def test_the_same_job_number_twice_is_refused(start_child, picture, tmp_path):
    child = start_child("PATIENT")
    ask(child, picture, tmp_path / "out")
    ask(child, picture, tmp_path / "out")
    assert child.next("error")["code"] == "bad_message"
