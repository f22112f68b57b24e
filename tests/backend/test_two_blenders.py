"""Two processes and one folder: one after the other, never a torn cache or result, and no lock survives its holder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from backend import folder_lock, pipeline
from backend.contract import messages
from backend.contract.errors import Cancelled
from backend.contract.settings import TerrainSettings
from tests.backend import fake_stages

SMALL = TerrainSettings(resolution=128)


def ask(child, picture: Path, folder: Path, seed: int = 0) -> None:
    child.send(messages.generate(1, str(picture), str(folder), TerrainSettings(resolution=128, seed=seed)))


def until_it_waits(child) -> None:
    while "another Blender" not in child.next("progress").get("text", ""):
        pass


@pytest.mark.parametrize("end", ["cancel", pytest.param("kill", marks=pytest.mark.skipif(
    os.name == "nt", reason="kills with SIGKILL"))])
def test_the_second_waits_until_the_first_has_ended(start_child, picture, tmp_path, end):
    first, second = start_child("PATIENT"), start_child("STAGES", FAKE_STAGES_LOG=str(tmp_path / "calls"))
    ask(first, picture, tmp_path / "out")
    first.until_stage("completed")
    ask(second, picture, tmp_path / "out")
    until_it_waits(second)
    if end == "cancel":
        first.send(messages.cancel(1))
        assert first.next("cancelled", "error", "result")["kind"] == "cancelled"
    else:
        first.process.send_signal(signal.SIGKILL)
    assert second.next("result", "error")["kind"] == "result"
    assert (tmp_path / "calls").read_text().split() == ["picture", "completed", "polished"]    # the rest was in the cache
    assert not (tmp_path / "out" / ".cache" / folder_lock.LOCK_NAME).exists()


def test_waiting_is_cancelled_within_a_second(start_child, picture, tmp_path):
    first, second = start_child("PATIENT"), start_child()
    ask(first, picture, tmp_path / "out")
    first.until_stage("completed")
    ask(second, picture, tmp_path / "out")
    until_it_waits(second)
    began = time.monotonic()
    second.send(messages.cancel(1))
    assert second.next("cancelled", "result", "error")["kind"] == "cancelled" and time.monotonic() - began < 1.0
    first.send(messages.cancel(1))
    assert first.next("cancelled", "error")["kind"] == "cancelled"    # and was not disturbed


def test_two_at_once_leave_one_whole_result(start_child, picture, tmp_path):
    children = [start_child() for _ in range(2)]
    for seed, child in enumerate(children):
        ask(child, picture, tmp_path / "out", seed)
    answers = [child.next("result", "error", seconds=150) for child in children]
    assert [answer["kind"] for answer in answers] == ["result"] * 2, answers
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    alone = pipeline.generate(pipeline.Job(picture, tmp_path / "alone", TerrainSettings(resolution=128, seed=report["seed"])),
                              stages=fake_stages.STAGES)
    assert np.array_equal(np.load(tmp_path / "out" / "terrain.npy"), np.load(alone.files["heights"]))
    assert report in [answer["report"] for answer in answers]


def test_the_lock_serves_threads_in_turn_and_leaves_no_file(tmp_path):
    inside, most, order = [], [], []

    def work(number: int) -> None:
        with folder_lock.held(tmp_path / "cache", lambda: None):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(order) == list(range(6)) and max(most) == 1
    assert not list((tmp_path / "cache").iterdir())


def test_whatever_ends_the_waiting_leaves_the_lock_to_its_holder(tmp_path):
    def give_up() -> None:
        raise Cancelled

    with folder_lock.held(tmp_path, lambda: None):
        with pytest.raises(Cancelled), folder_lock.held(tmp_path, give_up):
            raise AssertionError("two at once")
        assert (tmp_path / folder_lock.LOCK_NAME).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_folder_that_is_removed_under_a_job_is_made_again(picture, tmp_path):
    """The artist tidies up in a file manager."""
    folder = tmp_path / "out"

    def removed_at(stage: str):
        def cancelled() -> bool:
            if stage in fake_stages.calls and not gone:
                gone.append(stage)
                shutil.rmtree(folder)
            return False
        gone: list[str] = []
        return cancelled

    for stage in ("picture", "visible", "completed", "polished"):
        fake_stages.calls.clear()
        outcome = pipeline.generate(pipeline.Job(picture, folder, SMALL), stages=fake_stages.STAGES, cancelled=removed_at(stage))
        assert outcome.files["heights"].is_file() and (folder / "report.json").is_file()
        shutil.rmtree(folder)


def test_an_earlier_report_never_stands_beside_newer_heights(picture, tmp_path, monkeypatch):
    pipeline.generate(pipeline.Job(picture, tmp_path / "out", SMALL), stages=fake_stages.STAGES)
    moved: list[str] = []
    replace = Path.replace

    def watch(path: Path, target: Path) -> Path:
        if target.parent == tmp_path / "out":
            assert not (tmp_path / "out" / "report.json").exists()
            moved.append(path.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", watch)
    pipeline.generate(pipeline.Job(picture, tmp_path / "out", TerrainSettings(resolution=128, seed=1)), stages=fake_stages.STAGES)
    assert len(moved) > 5 and moved[-1] == "report.json"
