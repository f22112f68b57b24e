"""The batch itself, without Blender; the backend is a real process with fake stages."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.addon import ROOT, make, part

pictures, stamp, voice_module, batch, interrupt_module, jobs = (
    part(name) for name in ("headless.pictures", "headless.stamp", "headless.voice", "headless.batch", "headless.interrupt",
                            "jobs"))
Settings = batch.TerrainSettings


class Run:
    """A batch over the pictures in a folder, with the real child process and fake stages."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.place, self.out, self.calls_file = tmp_path / "in", tmp_path / "out", tmp_path / "calls.txt"
        self.interrupt = interrupt_module.Interrupt()
        self.log_path, self.full_log = tmp_path / "tmp" / "backend.log", io.StringIO()
        self.lines: list[dict] = []
        self.results: list[str] = []
        monkeypatch.setenv("FAKE_STAGES_LOG", str(self.calls_file))

    def write_blend(self, folder: Path) -> None:
        (folder / "terrain.blend").write_text("blend")

    def readable(self, picture: Path, folder: Path) -> Path:
        return picture

    def calls(self) -> list[str]:
        """The stages that ran since the last look."""
        if not self.calls_file.exists():
            return []
        said = self.calls_file.read_text().split()
        self.calls_file.unlink()
        return said

    def __call__(self, stages: str = "STAGES", overwrite: bool = False, keeps_cache: bool = True, **chosen) -> int:
        settings = Settings(**({"resolution": 128} | chosen))
        tasks = pictures.tasks_for(self.place, self.out, False)
        tools = batch.Tools(Path(sys.executable), ROOT, self.log_path, self.write_blend, self.readable, self.full_log,
                            ("--stages", f"tests.backend.fake_stages:{stages}"), keeps_cache)
        said, results = io.StringIO(), io.StringIO()
        voice = voice_module.Voice(said, results, len(tasks), as_json=True)
        try:
            return batch.run(tasks, settings, tools, voice, self.interrupt, overwrite)
        finally:
            self.lines = [json.loads(line) for line in said.getvalue().splitlines()]
            self.results = results.getvalue().splitlines()

    def events(self, kind: str) -> list[dict]:
        return [line for line in self.lines if line["event"] == kind]

    def begin(self, *arguments, **keywords) -> threading.Thread:
        thread = threading.Thread(target=lambda: setattr(self, "code", self(*arguments, **keywords)))
        thread.start()
        return thread

    def until_stage(self, stage: str) -> None:
        limit = time.monotonic() + 60
        while stage not in (self.calls_file.read_text() if self.calls_file.exists() else ""):
            assert time.monotonic() < limit
            time.sleep(0.02)


@pytest.fixture
def run(tmp_path, monkeypatch):
    jobs.stop_all()
    yield Run(tmp_path, monkeypatch)
    jobs.stop_all()


def test_a_broken_picture_does_not_stop_the_others(run):
    make(run.place, "a é.jpg", "c d.png")
    (run.place / "b.jpg").write_text("broken")
    assert run() == batch.SOME_FAILED
    assert [e["picture"] for e in run.events("finished")] == [str(run.place / n) for n in ("a é.jpg", "c d.png")]
    failed, = run.events("failed")
    assert failed["text"] == "b.jpg is broken." and failed["code"] == "unreadable_picture" and failed["number"] == 2
    assert run.results == [str(run.out / "a é"), str(run.out / "c d")]
    assert not (run.out / "b").exists()
    assert run.events("end")[0] == {"event": "end", "text": "2 done, 1 failed.", "code": 1, "done": 2, "skipped": 0, "failed": 1}
    fractions = [e["fraction"] for e in run.events("progress") if e["number"] == 1]
    assert fractions == sorted(fractions) and fractions[-1] == 0.99
    assert jobs.backend() is None


def test_the_second_run_does_only_what_is_missing(run):
    make(run.place, "a.jpg", "b.jpg")
    assert run() == batch.DONE
    run.calls()
    assert run() == batch.DONE
    assert run.calls() == [] and len(run.events("skipped")) == 2 and len(run.results) == 2
    (run.out / "b" / "terrain.blend").unlink()
    make(run.place, "c.jpg")
    assert run() == batch.DONE
    assert [Path(e["picture"]).name for e in run.events("finished")] == ["b.jpg", "c.jpg"]
    assert "completed" in run.calls()    # for c; b comes from its cache


def test_another_seed_starts_from_the_cache_and_overwrite_redoes(run):
    make(run.place, "a.jpg")
    assert run() == batch.DONE
    run.calls()
    assert run(seed=7) == batch.DONE
    assert run.calls() == ["picture", "start", "completed", "polished"]
    assert run(seed=7, overwrite=True) == batch.DONE
    assert len(run.events("finished")) == 1 and run.calls() == ["picture"]
    assert run(seed=7, overwrite=True, keeps_cache=False) == batch.DONE
    assert not (run.out / "a" / stamp.CACHE).exists()
    assert run(seed=7) == batch.DONE and run.events("skipped")


@pytest.mark.parametrize("stages", ["PATIENT", "STUBBORN"])
def test_an_interrupt_ends_it_within_a_second_and_the_next_run_continues(run, stages):
    make(run.place, "a.jpg", "b.jpg")
    thread = run.begin(stages)
    run.until_stage("completed")
    backend, began = jobs.backend(), time.monotonic()
    run.interrupt.asked = True    # as its signal handler does
    thread.join(10)
    assert time.monotonic() - began < 1.0
    assert run.code == interrupt_module.CODE == 130 and not backend.is_alive()
    assert [p.name for p in (run.out / "a").iterdir()] == [".cache"] and not (run.out / "b").exists()
    assert "The same command continues." in run.events("end")[0]["text"]
    run.calls()
    run.interrupt.asked = False
    assert run() == batch.DONE
    assert run.calls()[:3] == ["picture", "completed", "polished"]    # of a.jpg; b.jpg begins from the start


def test_an_interrupt_while_blender_writes(run):
    make(run.place, "a.jpg")

    def write_blend(folder: Path) -> None:
        (folder / ".unfinished-1").mkdir()
        (folder / ".unfinished-1" / "terrain.blend").write_text("half")
        signal.raise_signal(signal.SIGINT)
        time.sleep(5)

    real, run.write_blend = run.write_blend, write_blend
    before = signal.getsignal(signal.SIGINT)
    with run.interrupt.listening():
        began = time.monotonic()
        assert run() == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert not (run.out / "a" / "terrain.blend").exists() and time.monotonic() - began < 60
    run.write_blend, run.interrupt = real, interrupt_module.Interrupt()
    (run.out / "a" / ".report.77.part.json").write_text("{")
    assert run() == batch.DONE
    assert not [p for p in (run.out / "a").iterdir() if p.name.startswith((".unfinished", ".report"))]


def test_an_interrupt_that_blender_swallows_is_not_lost():
    interrupt = interrupt_module.Interrupt()
    with interrupt.listening(), pytest.raises(KeyboardInterrupt), interrupt.breaking(), contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert interrupt.asked


@pytest.mark.parametrize("problem, sentence", [
    (OSError(28, "No space left on device"), "No space left"), (RuntimeError("odd"), "Something failed in Blender"),
    (ValueError("The result cannot be read."), "cannot be read")])
def test_blenders_failures_are_sentences(run, problem, sentence):
    make(run.place, "a.jpg", "b.jpg")

    def write_blend(folder: Path) -> None:
        if folder.name == "a":
            raise problem
        (folder / "terrain.blend").write_text("blend")

    run.write_blend = write_blend
    assert run() == batch.SOME_FAILED
    assert sentence in run.events("failed")[0]["text"] and len(run.events("finished")) == 1
    assert stamp.owner_of(run.out / "a") is None


def test_a_backend_that_dies_fails_one_picture_only(run):
    make(run.place, "a.jpg", "b.jpg")
    thread = run.begin("STUBBORN")
    run.until_stage("completed")
    jobs.backend()._child.kill()
    thread.join(60)
    assert run.code == batch.SOME_FAILED
    assert run.events("failed")[0]["code"] == "backend_died" and len(run.events("finished")) == 1


def test_a_backend_that_cannot_start_is_said_once(run, tmp_path, monkeypatch):
    make(run.place, "a.jpg", "b.jpg")
    (tmp_path / "root" / "backend").mkdir(parents=True)
    (tmp_path / "root" / "backend" / "__main__.py").write_text("import surely_not_there\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path / "root")
    assert run() == batch.WRONG_USE
    assert len(run.lines) == 1 and "lacks the backend's packages" in run.lines[0]["text"]
    assert "surely_not_there" in run.full_log.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_is_refused(run):
    make(run.place, "b.jpg")
    Path(os.fsdecode(os.fsencode(run.place) + b"/a\xff.jpg")).write_text("x")
    assert run() == batch.SOME_FAILED
    assert "UTF-8" in run.events("failed")[0]["text"] and len(run.events("finished")) == 1


def test_a_picture_that_is_gone_meanwhile(run):
    make(run.place, "a.jpg")
    tasks = pictures.tasks_for(run.place, run.out, False)
    shutil.rmtree(run.place)
    run.place.mkdir()
    said = io.StringIO()
    voice = voice_module.Voice(said, io.StringIO(), 1)
    tools = batch.Tools(Path(sys.executable), ROOT, run.log_path, run.write_blend, run.readable)
    assert batch.run(tasks, Settings(), tools, voice, run.interrupt) == batch.SOME_FAILED
    assert said.getvalue().startswith("[1/1] a.jpg  failed: ") and said.getvalue().endswith("0 done, 1 failed.\n")


def test_lines_for_people():
    job = type("Job", (), {"stage": "completed", "label": "Completing the terrain", "fraction": 0.424, "seconds": 3.0,
                           "remaining_s": 12.2})
    said, log = io.StringIO(), io.StringIO()
    voice = voice_module.Voice(said, io.StringIO(), 7, log=log)
    voice.begin(2, pictures.Task(Path("/p/picos.jpg"), Path("/out/picos"), "picos.jpg"))
    voice.progress(job)
    voice.progress(job)    # the same again is not worth a line
    assert said.getvalue() == log.getvalue() == "[2/7] picos.jpg   42 %  completing the terrain  12 s left\n"
