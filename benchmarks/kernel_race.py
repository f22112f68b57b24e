"""Processes of ours and of peers at one piece of work, run in turns so that a slow moment of the machine hits all."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .kernel_peers import ROOT, Peer, interpreter

OURS = Peer("ours", (), dict.fromkeys(("breach", "resolve", "fill", "accumulate", "view"), 90))
PAUSE_S = 0.05  # threads of the one before go to sleep


@dataclass
class Runner:
    """One process of benchmarks.peers.process, and what it has answered."""

    name: str
    process: subprocess.Popen[str]
    about: dict[str, Any] = field(default_factory=dict)
    first: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"failed": f"its process ended ({self.process.wait()})"}
        self.trouble = self.trouble or answer.get("absent", "") or answer.get("failed", "")
        return answer

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.hear()

    def end(self) -> None:
        self.process.communicate()

    @property
    def seconds(self) -> list[float]:
        return [run["seconds"] for run in self.runs]

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def cpu(self) -> float:
        """Seconds of all threads together, least of the runs."""
        return min(run["cores"] * run["seconds"] for run in self.runs)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def start(peer: Peer, python: Path, task: str, terrain: Path, threads: int, device: str = "", **variables: str) -> Runner:
    """A process for one task; every library's own knob for threads is set to the same number."""
    knobs = (f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON", "GDAL"))
    words = [str(python), "-m", "benchmarks.peers.process", peer.module, task, str(terrain), str(threads)]
    process = subprocess.Popen(
        words + ([device] if device else []),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(knobs, str(threads)), **variables},
    )
    return Runner(peer.name, process)


def race(
    peers: list[Peer],
    folder: Path,
    task: str,
    terrain: Path,
    *,
    threads: int,
    runs: int,
    budget_s: float,
    device: str,
    keep: Path,
) -> list[Runner]:
    """Ours and the peers, one uncounted run each, then up to `runs` in turns; nobody repeats for longer than `budget_s`.

    keep: folder for the last result of each, NAME.npy.
    """
    entrants = [start(OURS, Path(sys.executable), task, terrain, threads, device)]
    for peer in peers:
        python = interpreter(peer, folder)
        if python is not None:
            entrants.append(start(peer, python, task, terrain, threads))
    try:
        for runner in entrants:  # one after the other: they read, import and compile
            runner.about = runner.hear()
            if not runner.trouble:
                runner.first = runner.ask("run")
        for _ in range(runs):
            for runner in entrants:
                if not runner.trouble and (not runner.runs or sum(runner.seconds) < budget_s):
                    time.sleep(PAUSE_S)
                    answer = runner.ask("run")
                    if not runner.trouble:
                        runner.runs.append(answer)
        for runner in entrants:
            if not runner.trouble:
                runner.ask(f"save {keep / runner.name}.npy")
    finally:
        for runner in entrants:
            runner.end()
    return entrants
