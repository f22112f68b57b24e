"""Our kernels beside other libraries: seconds, memory and quality on the same terrain in the same run.

    python -m benchmarks.kernels [--sizes 512 1024 2048 4096 8192] [--terrain ridged] [--tasks breach fill ...] [--runs 7]
                                 [--threads 2] [--device cpu|cuda] [--peers all|installed|none] [--json FILE] [--no-cold]

Everyone gets the same terrain in memory, the same cores, one run that is not counted, then runs in turns. `x` is the best
of a peer by ours. On a machine that others use, seconds flatter who is done before being interrupted; the CPU seconds of all
threads together stay nearly the same, and their ratio is what one core would give. `python -m benchmarks.kernel_peers install`
creates the environments of the peers; those that are missing are named. Nothing is asserted here.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from . import kernel_cold, kernel_peers, kernel_quality, terrains
from .kernel_peers import PEERS, TASKS, Peer
from .kernel_race import OURS, Runner, race

# Bytes a cell that our GPU kernels stream at least, each pass over the grid once; jumps go over the tiles' edge cells only (+8 %).
FLOOR_BYTES = {"breach": 44, "resolve": 60, "fill": 40, "accumulate": 36, "view": 16, "shadow": 9, "triangles": 12,
               "points": 24, "slope": 8, "laplacian": 8}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the terrain kernels beside their peers.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192])
    parser.add_argument("--terrain", choices=sorted(terrains.KINDS), default="ridged")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--budget", type=float, default=30.0, help="seconds one library may repeat one task")
    parser.add_argument("--threads", type=int, default=available_cores(), help="cores for each (default: all)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--bandwidth", type=float, help="GB/s of the GPU's memory (default: measured by a copy)")
    parser.add_argument("--peers", nargs="+", default=["installed"], help="all, installed, none, or names")
    parser.add_argument("--into", type=Path, default=kernel_peers.FOLDER, help="folder of the peers' environments")
    parser.add_argument("--terrains", type=Path, help="folder that keeps the terrains from run to run (default: a temporary one)")
    parser.add_argument("--json", type=Path, help="append one line a measurement")
    parser.add_argument("--no-cold", action="store_true", help="leave out imports and compilation")
    arguments = parser.parse_args()
    peers = chosen(arguments.peers)
    missing = [peer.name for peer in peers if kernel_peers.interpreter(peer, arguments.into) is None]
    if missing and arguments.peers == ["all"]:
        parser.error(f"not installed: {', '.join(missing)}; python -m benchmarks.kernel_peers install")
    present = [peer for peer in peers if peer.name not in missing]
    bandwidth = (arguments.bandwidth or measured_bandwidth()) if arguments.device == "cuda" else None
    print(f"{arguments.threads} of {os.cpu_count()} cores for each, {arguments.runs} runs in turns, terrain {arguments.terrain}")
    if missing:
        print(f"not installed, so not measured: {', '.join(missing)} (python -m benchmarks.kernel_peers install)")
    if bandwidth:
        print(f"memory of the GPU: {bandwidth:.0f} GB/s")
    if not arguments.no_cold and arguments.device == "cpu":
        lines, numbers = kernel_cold.report(arguments.threads)
        print("\n" + "\n".join(lines), flush=True)
        write(arguments.json, {"cold": numbers, "threads": arguments.threads})
    with tempfile.TemporaryDirectory(prefix="kernels ") as folder:
        for size in arguments.sizes:
            terrain = kept_terrain(arguments.terrain, size, arguments.terrains or Path(folder))
            heights = np.load(terrain)
            for task in arguments.tasks:
                compare(task, heights, terrain, present, bandwidth, arguments)
    return 0


def kept_terrain(kind: str, size: int, folder: Path) -> Path:
    """The file of a terrain in `folder`, made if it is not there."""
    path = folder / f"{kind}_{size}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, terrains.make(kind, size))
    return path


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen(words: list[str]) -> list[Peer]:
    """Peers of the command line. Raises SystemExit for a name that none has."""
    if words == ["none"]:
        return []
    if words in (["all"], ["installed"]):
        return [peer for peer in PEERS if not peer.optional or words == ["installed"]]
    unknown = set(words) - {peer.name for peer in PEERS}
    if unknown:
        raise SystemExit(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(peer.name for peer in PEERS)}")
    return [peer for peer in PEERS if peer.name in words]


def compare(
    task: str, heights: np.ndarray, terrain: Path, peers: list[Peer], bandwidth: float | None, arguments: argparse.Namespace
) -> None:
    """One table."""
    side = heights.shape[0]
    able = [peer for peer in peers if task in peer.tasks and side <= peer.largest.get(task, side)]
    groups, too_large = by_memory(task, able, heights.size)
    print(f"\n{TASKS[task]}, {arguments.terrain} {side}^2")
    print(f"{'':28}{'best s':>9}{'median':>9}{'x':>7}{'cpu s':>9}{'x':>7}{'cores':>7}{'scratch':>9}{'growth':>8}  B/cell")
    ours: Runner | None = None
    ratios: dict[str, tuple[float, float]] = {}
    for group in groups:
        with tempfile.TemporaryDirectory(prefix="results ") as folder:
            keep = Path(folder)
            runners = race(
                group, arguments.into, task, terrain, threads=arguments.threads, runs=arguments.runs, budget_s=arguments.budget,
                device=arguments.device if arguments.device != "cpu" else "", keep=keep,
            )  # fmt: skip
            mine, *others = runners
            for runner in runners if ours is None else others:
                words = kernel_quality.judge(task, heights, keep / f"{runner.name}.npy") if not runner.trouble else ""
                print(row(runner, mine, heights.size, words), flush=True)
                write(arguments.json, record(runner, task, arguments, heights.size, words))
        ours = ours or mine
        if not mine.trouble:
            done = [runner for runner in others if not runner.trouble]
            ratios.update({runner.name: (runner.best / mine.best, runner.cpu / mine.cpu) for runner in done})
    for peer in peers:
        if task in peer.tasks and side > peer.largest.get(task, side):
            print(f"{peer.name:28}left out above {peer.largest[task]}^2: it takes minutes a run")
    for peer in too_large:
        print(f"{peer.name:28}left out: it would need about {peer.tasks[task] * heights.size / 2**30:.0f} GiB")
    if ratios:
        nearest = min(ratios, key=ratios.__getitem__)
        faster, less = ratios[nearest]
        print(f"{'':28}{faster:.1f} times as fast as the best peer, {nearest}, for {1 / less:.2f} of its CPU time")
    if bandwidth and ours and not ours.trouble:
        floor = FLOOR_BYTES[task] * heights.size / bandwidth / 1e9
        print(f"{'':28}floor {floor * 1e3:.3f} ms ({FLOOR_BYTES[task]} B a cell): {ours.best / floor:.1f} times that")


def by_memory(task: str, peers: list[Peer], cells: int) -> tuple[list[list[Peer]], list[Peer]]:
    """Groups of peers that fit into memory at once beside ours, and those that do not fit alone."""
    available = 0.85 * free_memory() - OURS.tasks.get(task, 60) * cells
    groups: list[list[Peer]] = [[]]
    too_large = []
    left = available
    for peer in peers:
        need = peer.tasks[task] * cells
        if need > available:
            too_large.append(peer)
            continue
        if need > left:
            groups.append([])
            left = available
        groups[-1].append(peer)
        left -= need
    return groups, too_large


def free_memory() -> float:
    """Bytes that new processes may take without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 8.0 * 2**30


def row(runner: Runner, mine: Runner, cells: int, words: str) -> str:
    title = runner.about.get("version", runner.name)
    if runner.trouble:
        return f"{title:28}{' '.join(runner.trouble.split())[:200]}"
    ratio = "" if runner is mine or mine.trouble else f"{runner.best / mine.best:.1f}"
    last = runner.runs[-1]
    scratch = "" if last["workspace"] is None else f"{last['workspace'] / cells:.1f}"
    cores = max(run["cores"] for run in runner.runs)
    less = "" if runner is mine or mine.trouble else f"{runner.cpu / mine.cpu:.1f}"
    note = "; ".join(part for part in (runner.about["note"], words) if part)
    growth = f"{runner.first['growth'] / cells:.0f}"
    times = f"{runner.best:9.4f}{runner.median:9.4f}{ratio:>7}{runner.cpu:9.4f}{less:>7}{cores:7.1f}"
    return f"{title:28}{times}{scratch:>9}{growth:>8}  {note}"


def record(runner: Runner, task: str, arguments: argparse.Namespace, cells: int, words: str) -> dict[str, Any]:
    return {
        "task": task,
        "terrain": arguments.terrain,
        "cells": cells,
        "threads": arguments.threads,
        "device": arguments.device,
        "name": runner.name,
        "trouble": runner.trouble,
        "quality": words,
        "first": runner.first,
        "runs": runner.runs,
        **runner.about,
    }


def write(path: Path | None, values: dict[str, Any]) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(values) + "\n")


def measured_bandwidth() -> float:
    """GB/s read and written by a copy within the GPU's memory, 1 GiB, best of 10."""
    from numba import cuda

    source = cuda.device_array(2**28, np.float32)
    target = cuda.device_array_like(source)
    begin, end = cuda.event(), cuda.event()
    best = float("inf")
    for _ in range(10):
        begin.record()
        target.copy_to_device(source)
        end.record()
        end.synchronize()
        best = min(best, begin.elapsed_time(end) / 1000.0)
    return 2 * source.nbytes / best / 1e9


if __name__ == "__main__":
    raise SystemExit(main())
