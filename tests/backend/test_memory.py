"""Memory that runs out becomes a sentence, and memory that is not needed any more is handed back."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from backend import memory
from backend.contract import messages
from backend.contract.errors import OutOfMemory
from backend.contract.settings import TerrainSettings

SETTINGS = TerrainSettings(resolution=128)

IS_LINUX = sys.platform == "linux"


def address_space(pid: int) -> int:
    """Bytes of addresses that a process uses now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def limit(pid: int, most: int) -> None:
    """RLIMIT_AS of another process; -1 for none."""
    import resource

    hard = resource.prlimit(pid, resource.RLIMIT_AS)[1]
    resource.prlimit(pid, resource.RLIMIT_AS, (hard if most < 0 else most, hard))


@pytest.mark.skipif(not IS_LINUX, reason="limits another process")
def test_a_real_shortage_is_a_sentence_and_the_next_job_is_served(start_child, picture, tmp_path):
    child = start_child("tests.backend.breaking_stages:HUNGRY", BREAKING_STAGES_FOLDER=str(tmp_path))
    child.next("ready")
    child.send(messages.generate(1, str(picture), str(tmp_path / "out"), SETTINGS))
    child.until_stage("completed")    # has loaded what it needs, and waits
    limit(child.process.pid, address_space(child.process.pid) + (64 << 20))
    (tmp_path / "eat").touch()
    error = child.next("error", "result")
    assert (error["code"], error["fix"]) == ("out_of_memory", "lower_resolution"), error
    assert "esolution" in error["text"] and "Traceback" not in error["text"] and "\n" not in error["text"]
    assert not list((tmp_path / "out").glob("terrain*"))
    limit(child.process.pid, -1)
    child.send(messages.generate(2, str(picture), str(tmp_path / "out"), SETTINGS))
    assert child.next("result", "error", seconds=150)["kind"] == "result"


@pytest.mark.parametrize(("problem", "is_one"), [
    (MemoryError(), True), (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
    (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True), (RuntimeError("std::bad_alloc"), True),
    (RuntimeError("can't start new thread"), True), (ValueError("bad shape"), False)])
def test_what_libraries_say_is_understood(problem, is_one):
    assert memory.is_shortage(problem) is is_one


def test_the_sentence_names_what_ran_out():
    assert "graphics card" in str(memory.shortage(RuntimeError("CUDA out of memory"), 1024))
    assert "4.0 GB" in str(OutOfMemory(4.0, 1.0)) and "1.0 GB are free" in str(OutOfMemory(4.0, 1.0))
    assert "free" not in str(OutOfMemory(4.0, 9.0))    # more was free than was needed: a limit, or another program was quicker


@pytest.mark.skipif(not IS_LINUX, reason="asks the kernel")
def test_the_kernel_would_end_the_backend_before_blender(start_child):
    child = start_child()
    child.next("ready")
    ours, its = (int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in ("self", child.process.pid))
    assert its >= max(ours, memory.VICTIM_SCORE)


@pytest.mark.skipif(not IS_LINUX, reason="reads /proc")
def test_memory_of_a_job_is_given_back(start_child, picture, tmp_path):
    """A gigabyte in small pieces, which the C library would rather keep."""
    child = start_child("tests.backend.breaking_stages:MESSY")
    child.send(messages.generate(1, str(picture), str(tmp_path / "out"), SETTINGS))
    result = child.next("result", "error", seconds=150)
    assert result["kind"] == "result", result
    most = result["report"]["peak_memory_gb"] - 0.5
    until = time.monotonic() + 10
    while resident(child.process.pid) > most and time.monotonic() < until:
        time.sleep(0.05)
    assert resident(child.process.pid) < most


def resident(pid: int) -> float:
    """GB of memory a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9
