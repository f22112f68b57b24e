"""The process of one adapter and one task: python -m benchmarks.peers.process ADAPTER TASK TERRAIN.npy THREADS [DEVICE]

It answers on standard output, one JSON object a line: first what it is (or why it cannot), then one for each line of standard
input: `run` times one run, `save PATH` writes the last result as .npy, `end` or end of file ends it. What libraries
print goes to standard error.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from .problem import Problem, Task


def main() -> int:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # progress bars of C libraries write to descriptor 1
    adapter, task_name, terrain, threads = sys.argv[1:5]
    folder = tempfile.mkdtemp(prefix="peer ")

    def say(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")

    try:
        use_cores(int(threads))
        problem = Problem(np.ascontiguousarray(np.load(terrain), np.float32), int(threads), folder)
        try:
            module: Any = importlib.import_module(f".{adapter}", __package__)
            if len(sys.argv) > 5:
                module.DEVICE = sys.argv[5]
            if "PEER_COLD" not in os.environ:
                rehearse(module, task_name, problem)
            start = time.perf_counter()
            task: Task = module.TASKS[task_name](problem)
            setup = time.perf_counter() - start
        except (ImportError, AttributeError, NotImplementedError) as error:
            say(absent=f"{type(error).__name__}: {error}"[:200])
            return 0
        say(version=module.version(), note=task.note, files=task.files, setup_s=setup)
        serve(task, say)
    except Exception as error:  # a peer that fails is a result of the benchmark
        say(failed=f"{type(error).__name__}: {error}"[:300])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def use_cores(count: int) -> None:
    """Everyone gets the same number of cores, whatever it would take by itself."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def rehearse(module: Any, task_name: str, problem: Problem) -> None:
    """One run on a corner, so that compiling and a library's own start count neither as time nor as memory of the task."""
    corner = np.ascontiguousarray(problem.heights[:64, :64])
    module.TASKS[task_name](Problem(corner, problem.threads, problem.folder)).run()


def serve(task: Task, say: Any) -> None:
    result: object = None
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "run":
            result = None  # its memory may be used again
            forget_peak()
            before = resident()
            busy = cpu_seconds()
            start = time.perf_counter()
            result = task.run()
            seconds = time.perf_counter() - start
            busy = cpu_seconds() - busy
            say(
                seconds=task.seconds() if task.seconds else seconds,
                cores=busy / max(seconds, 1e-9),
                growth=max(0, peak() - before),
                workspace=task.workspace_bytes() if task.workspace_bytes else None,
            )
        elif word == "save":
            np.save(rest, np.asarray(task.array(result)))
            say(saved=rest)
        else:
            return


def cpu_seconds() -> float:
    """Of all threads of this process and of the programs that it has called."""
    own, called = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + called.ru_utime + called.ru_stime


def _status(key: str) -> int:
    try:
        with Path("/proc/self/status").open() as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident() -> int:
    """Bytes of memory in use now (Linux; elsewhere the peak)."""
    return _status("VmRSS")


def peak() -> int:
    """Most bytes of memory in use since `forget_peak` (Linux) or since the start, programs that were called included."""
    called = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return max(_status("VmHWM"), called)


def forget_peak() -> None:
    """Start measuring the peak anew; where the system cannot, it stays that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    raise SystemExit(main())
