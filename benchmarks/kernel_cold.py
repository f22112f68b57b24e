"""What the kernels cost before they are warm: importing them, compiling them, loading what was compiled."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import terrains
from .kernel_peers import ROOT, TASKS
from .kernel_race import OURS, start

IMPORTS = {
    "numba alone": "import numba",
    "kernels": "import kernels",
    "kernels and every public module": "import kernels, importlib; [getattr(kernels, name) for name in dir(kernels)]",
}


def report(threads: int, runs: int = 3) -> tuple[list[str], dict[str, float]]:
    """Lines to print and the same as numbers (seconds). Two new processes a task, caches of Numba in a new folder."""
    numbers = {f"import {name}": min(import_seconds(code) for _ in range(runs)) for name, code in IMPORTS.items()}
    lines = [f"import of {name:33}{numbers[f'import {name}']:8.3f} s" for name in IMPORTS]
    lines.append(f"{'first call at 128^2':44}{'compiles':>10}{'from cache':>12}")
    with tempfile.TemporaryDirectory(prefix="cold ") as folder:
        terrain = Path(folder) / "terrain.npy"
        np.save(terrain, terrains.make("ridged", 128))
        for task, title in TASKS.items():
            cache = Path(folder) / f"cache {task}"  # tasks share functions; each is to pay for all of its own
            seconds = [first_call(task, terrain, cache, threads) for _ in range(2)]
            if None in seconds:
                continue
            numbers[f"{task} compiles"], numbers[f"{task} cached"] = seconds  # type: ignore[assignment]
            lines.append(f"{title:44}{seconds[0]:9.2f} s{seconds[1]:10.3f} s")
    return lines, numbers


def import_seconds(code: str) -> float:
    words = [sys.executable, "-c", f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"]
    return float(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def first_call(task: str, terrain: Path, cache: Path, threads: int) -> float | None:
    """Seconds from importing the kernel's module to its first result, in a process of its own."""
    runner = start(OURS, Path(sys.executable), task, terrain, threads, NUMBA_CACHE_DIR=str(cache), PEER_COLD="1")
    about = runner.hear()
    answer = runner.ask("run") if not runner.trouble else {}
    runner.end()
    return None if runner.trouble else about["setup_s"] + answer["seconds"]
