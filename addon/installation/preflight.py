"""What this machine can do, told before anything is downloaded: measured here, then scaled from a measured machine.

`Preflight` measures in a thread of its own, because a graphics driver may take a second to answer.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .devices import Graphics, graphics_card

REFERENCE_S = {512: 10.0, 1024: 19.0, 2048: 49.0}
"""Seconds from picture to finished terrain where REFERENCE_SPEED was measured: two cores of a Zen 4 server, no card.

1024 by the clock; the others from it in proportion to their CPU time (19, 35 and 93 s).
"""

REFERENCE_SPEED = 16.0
"""What `probe` says there, for two cores."""

PATIENCE_S = 120.0
"""A resolution is sensible when it takes no longer than this."""

PROBE_SIZE, PROBE_S = 8192, 0.3

MOST_CORES = 4
"""More are not counted: how much they help is not measured."""


@dataclass(frozen=True)
class Machine:
    """Measured. Memory and disk in GB; speed as `probe` has it; 0 means not known."""

    cores: int
    total_gb: float
    free_gb: float
    disk_gb: float
    card: Graphics | None
    speed: float


@dataclass(frozen=True)
class Outlook:
    """What a resolution would take here. seconds: estimated, 0 when not known."""

    resolution: int
    needs_gb: float
    seconds: float
    fits: bool


def probe() -> float:
    """Billions of float32 sums and products a second on the cores that count, the best of what fits into PROBE_S seconds.

    Not a matrix product: the one of some systems' numpy is a hundred times slower than the others', for the same machine.
    """
    values, out = np.full(PROBE_SIZE, 0.5, np.float32), np.empty(PROBE_SIZE, np.float32)
    best, end = 0.0, time.perf_counter() + PROBE_S
    while best == 0.0 or time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(20):
            np.multiply(values, values, out=out)
            np.add(out, values, out=out)
        best = max(best, 40 * PROBE_SIZE / (time.perf_counter() - began) / 1e9)
    return best * min(usable_cores(), MOST_CORES)


def usable_cores() -> int:
    """Logical cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(data: Path, memory: Callable[[], tuple[float, float]]) -> Machine:
    """Look at this machine; takes about a second. data: a folder on the disk of the set-up.   memory: total and free GB."""
    place = next(p for p in (data, *data.parents) if p.exists())
    total, free = memory()
    return Machine(usable_cores(), total, free, shutil.disk_usage(place).free / 1e9, graphics_card(), probe())


def outlooks(machine: Machine, needed_gb: Callable[[int], float]) -> list[Outlook]:
    """One for each resolution of REFERENCE_S."""
    rows = []
    for resolution, seconds in REFERENCE_S.items():
        needs = needed_gb(resolution)
        expected = seconds * REFERENCE_SPEED / machine.speed if machine.speed else 0.0
        rows.append(Outlook(resolution, needs, expected, machine.free_gb >= needs or machine.total_gb == 0))
    return rows


def sensible_resolution(rows: list[Outlook]) -> int:
    """The largest that fits and does not try the patience; 0 when none fits."""
    fitting = [row for row in rows if row.fits]
    quick = [row for row in fitting if row.seconds <= PATIENCE_S]
    return max((row.resolution for row in quick or fitting[:1]), default=0)


def refusal(machine: Machine, rows: list[Outlook], disk_mb: float) -> str:
    """Why a set-up would be in vain here, in a sentence; empty when it would not."""
    if disk_mb / 1e3 > machine.disk_gb:
        return (f"The set-up needs {disk_mb / 1e3:.1f} GB of disk and {machine.disk_gb:.1f} GB are free. "
                "Make room, then look again.")
    if rows and not any(row.fits for row in rows):
        least = min(row.needs_gb for row in rows)
        return (f"Making a terrain needs {least:.1f} GB of memory and {machine.free_gb:.1f} GB are free. "
                "Close other programs, then look again.")
    return ""


def in_english(text: str, **values: object) -> str:
    """A sentence with its values, where nobody translates."""
    return text.format(**values)


def sentences(machine: Machine, rows: list[Outlook], tell: Callable[..., str] = in_english) -> list[str]:
    """What the artist reads. tell: translates a sentence and puts its values in."""
    said = [tell("{count} CPU cores", count=machine.cores)]
    if machine.total_gb:
        said.append(tell("{free:.1f} of {total:.1f} GB memory free", free=machine.free_gb, total=machine.total_gb))
    said.append(tell("{free:.0f} GB disk free", free=machine.disk_gb))
    if machine.card:
        said.append(tell("{card} ({free:.1f} of {total:.1f} GB free)", card=machine.card.name, free=machine.card.free_gb,
                         total=machine.card.memory_gb))
    else:
        said.append(tell("no NVIDIA card found"))
    lines = [", ".join(said) + "."]
    for row in rows:
        if row.fits:
            lines.append(tell("{points}²: about {time} on the CPU, {needs:.1f} GB of memory", points=row.resolution,
                              time=time_text(row.seconds), needs=row.needs_gb))
        else:
            lines.append(tell("{points}²: not possible, needs {needs:.1f} GB of memory and {free:.1f} GB are free",
                              points=row.resolution, needs=row.needs_gb, free=machine.free_gb))
    best = sensible_resolution(rows)
    if best:
        lines.append(tell("Sensible here: {points}².", points=best))
    return lines


def time_text(seconds: float) -> str:
    """Seconds or minutes, as coarse as an estimate deserves."""
    return f"{max(5, 5 * round(seconds / 5))} s" if seconds < 100 else f"{round(seconds / 60)} min"


class Preflight:
    """Measures in the background; `machine` is None until it is known."""

    def __init__(self, data: Path, memory: Callable[[], tuple[float, float]]):
        self.machine: Machine | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._measure, args=(data, memory), name="photo-to-terrain-preflight", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether there will be no more news."""
        return not self._thread.is_alive()

    def _measure(self, data: Path, memory: Callable[[], tuple[float, float]]) -> None:
        try:
            self.machine = measure(data, memory)
        except OSError as problem:
            self.problem = f"This machine cannot be looked at ({problem})."
