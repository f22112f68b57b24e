"""The child process and the job: every way it can end, and nothing left running."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_tests.conftest import PICTURE, ROOT
from blender_tests.results import is_running


@pytest.fixture
def start(part, fake_stages, python, tmp_path):
    """A function that starts a job with the named fake stages."""
    import importlib

    settings = importlib.import_module(part("jobs").TerrainSettings.__module__).TerrainSettings

    def start(stages: str = "STAGES", root: Path = ROOT):
        fake_stages(stages)
        return part("jobs").start(python, root, PICTURE, tmp_path / "job ⛰", settings(resolution=128),
                                  tmp_path / "backend.log")

    return start


def until(condition, seconds: float = 20.0) -> float:
    """Wait for a condition; returns how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began


def until_over(job, seconds: float = 60.0) -> float:
    return until(job.poll, seconds)


def until_stage(job, stage: str) -> None:
    until(lambda: job.poll() or job.stage == stage)
    assert not job.is_over, job.problem


def test_a_job_tells_its_plan_progress_previews_and_result(start):
    job = start()
    fractions = []
    previews = []
    while not job.wait():
        fractions.append(job.fraction)
        previews += [p] if (p := job.take_preview()) else []
    assert job.problem is None and job.result["report"]["terrain"]["rows"] == 128
    assert fractions == sorted(fractions) and job.fraction == 1.0
    assert job.plan and job.backend.ready["v"] == 1
    assert (job.folder / "terrain.npy").is_file()


def test_the_process_serves_the_next_job_too(start, part):
    first = start()
    until_over(first)
    second = start()
    assert second.backend is first.backend and second.number != first.number
    until_over(second)
    assert second.result


def test_a_backend_prepared_beforehand_is_used(start, part, python, fake_stages, tmp_path):
    fake_stages("STAGES")
    prepared = part("jobs").prepare(python, ROOT, tmp_path / "backend.log", ("--stages", "tests.backend.fake_stages:STAGES"))
    until(lambda: prepared.ready is not None)
    job = start()
    assert job.backend is prepared
    until_over(job)
    assert job.result


def test_cancel_within_a_second(start):
    job = start("PATIENT")
    until_stage(job, "completed")
    job.cancel()
    assert job.is_cancelling
    assert until_over(job) < 1.0
    assert job.was_cancelled and not (job.folder / "report.json").exists()
    assert job.backend.is_alive()


def test_a_deaf_stage_is_cancelled_all_the_same(start):
    job = start("STUBBORN")
    until_stage(job, "completed")
    job.cancel()
    assert until_over(job) < 1.5 and job.was_cancelled


def test_a_typed_error_arrives(start):
    job = start("BARREN")
    until_over(job)
    assert job.problem.code == "no_terrain_found" and "cat" in job.problem.text and job.result is None


def test_a_defect_is_a_sentence_and_a_log(start):
    job = start("BROKEN")
    until_over(job)
    assert job.problem.code == "internal" and "Traceback" not in job.problem.text
    assert "ZeroDivisionError" in Path(job.problem.log).read_text(encoding="utf-8")


def test_killed_from_outside(start, part):
    job = start("PATIENT")
    until_stage(job, "completed")
    job.backend._child.kill()
    assert until_over(job) < 2.0
    assert job.problem.code == "backend_died" and job.problem.fix == "lower_resolution" and "memory" in job.problem.text
    again = start()    # a new process, without a word
    until_over(again)
    assert again.result and again.backend is not job.backend


def test_stop_leaves_no_process(start, part):
    job = start("PATIENT")
    until_stage(job, "completed")
    pid = job.backend.pid
    part("jobs").stop_all()
    assert not is_running(pid) and part("jobs").current() is None


def test_an_idle_backend_gives_its_memory_back(start, part):
    jobs = part("jobs")
    job = start()
    until_over(job)
    pid = job.backend.pid
    assert jobs.release_if_idle(1000.0) > 0 and is_running(pid)
    began = time.monotonic()
    assert jobs.release_if_idle(0.0) is None and jobs.backend() is None
    while is_running(pid):    # it ends in a thread: Blender does not wait for it
        assert time.monotonic() - began < 5.0
        time.sleep(0.02)


def test_no_orphan_when_blender_dies(part, python, tmp_path):
    """A process that stands for Blender starts a backend and is killed: the backend ends by itself."""
    process = part("process")
    code = ("import subprocess, sys, time\n"
            "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
            "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(60)\n")
    command = [python, "-I", "-u", "-X", "utf8", "-c", process.RUN, ROOT, "serve", "--stages",
               "tests.backend.fake_stages:STAGES"]
    blender = subprocess.Popen([sys.executable, "-c", code, *map(str, command)], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
    pid = int(blender.stdout.readline())
    assert is_running(pid)
    blender.kill()
    blender.wait()
    blender.stdout.close()
    assert until(lambda: not is_running(pid), 5.0) < 5.0


def test_a_python_without_our_packages(part, addon, tmp_path, monkeypatch):
    """Blender's own Python has no torch: the sentence says what to do."""
    jobs = part("jobs")
    jobs.stop_all()
    (tmp_path / "root" / "backend").mkdir(parents=True)
    (tmp_path / "root" / "backend" / "__main__.py").write_text("import surely_not_there\n")
    job = jobs.start(Path(sys.executable), tmp_path / "root", PICTURE, tmp_path, jobs.TerrainSettings(),
                     tmp_path / "backend.log")
    until_over(job)
    assert job.problem.code == "backend_died" and "lacks the backend's packages" in job.problem.text
    jobs.stop_all()


def test_another_protocol_is_said(part, tmp_path):
    jobs = part("jobs")
    jobs.stop_all()
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__main__.py").write_text(
        "import sys\nprint('{\"v\": 99, \"kind\": \"ready\"}', flush=True)\nsys.stdin.read()\n")
    job = jobs.start(Path(sys.executable), tmp_path, PICTURE, tmp_path, jobs.TerrainSettings(), tmp_path / "log")
    until_over(job)
    assert job.problem.code == "wrong_protocol"
    jobs.stop_all()


def test_lines_that_are_no_messages_are_survived(part, tmp_path):
    jobs = part("jobs")
    jobs.stop_all()
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__main__.py").write_text(
        "import sys\nprint('hello')\nprint('[1]')\nprint('{\"v\": 1, \"kind\": \"ready\"}')\n"
        "print('{\"v\": 1, \"kind\": \"progress\", \"job\": 0, \"fraction\": 0.7}')\nprint('x' * 3_000_000)\n"
        "import json\njob = json.loads(sys.stdin.readline())['job']\n"
        "print(json.dumps({'v': 1, 'kind': 'error', 'job': job, 'code': 'x', 'text': 'Understood.'}), flush=True)\n"
        "sys.stdin.read()\n")
    job = jobs.start(Path(sys.executable), tmp_path, PICTURE, tmp_path, jobs.TerrainSettings(), tmp_path / "log")
    until_over(job)
    assert job.problem.text == "Understood." and job.fraction == 0.0    # the other job's progress is not ours
    jobs.stop_all()


def test_a_silent_backend_is_given_up(part, tmp_path, monkeypatch):
    jobs = part("jobs")
    jobs.stop_all()
    monkeypatch.setattr(jobs, "READY_PATIENCE_S", 0.5)
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "__main__.py").write_text("import sys\nsys.stdin.read()\n")
    job = jobs.start(Path(sys.executable), tmp_path, PICTURE, tmp_path, jobs.TerrainSettings(), tmp_path / "log")
    until_over(job, 10.0)
    assert job.problem.code == "backend_silent"
    job.backend.stop()
    assert not job.backend.is_alive()
    jobs.stop_all()


@pytest.mark.parametrize("variable", ["", "/nowhere/python"])
def test_missing_environment_is_explained(part, monkeypatch, tmp_path, variable):
    environment = part("environment")
    monkeypatch.setenv("PHOTO_TO_TERRAIN_PYTHON", variable)
    with pytest.raises(environment.BackendMissing) as problem:
        environment.find_python("", tmp_path)
    assert problem.value.fix == "open_preferences" and str(problem.value).count("\n") == 0


def test_environment_is_found_in_this_order(part, monkeypatch, tmp_path):
    environment = part("environment")
    made = {}
    for name in ("variable", "preference", "beside/.venv"):
        path = environment.interpreter(tmp_path / name) if name.endswith(".venv") else tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
        made[name] = path
    monkeypatch.setenv("PHOTO_TO_TERRAIN_PYTHON", str(made["variable"]))
    assert environment.find_python(str(made["preference"]), tmp_path / "beside") == made["variable"]
    monkeypatch.delenv("PHOTO_TO_TERRAIN_PYTHON")
    assert environment.find_python(str(made["preference"]), tmp_path / "beside") == made["preference"]
    assert environment.find_python("", tmp_path / "beside") == made["beside/.venv"]
    assert environment.find_python(str(tmp_path / "beside" / ".venv"), tmp_path) == made["beside/.venv"]    # a folder
