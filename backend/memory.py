"""Memory: how much is there, how much this process holds, how much a job will need. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import sys
import threading
from pathlib import Path
from typing import Any

from .contract.errors import WORDS_OF_SHORTAGE, OutOfMemory

GB = 1e9

SYSTEM = platform.system()

SAMPLE_EVERY_S = 0.02

BASE_GB = 1.1
"""Peak of a small job: torch, Numba, both networks, the picture, the preview."""

BYTES_PER_CELL = 300
"""Peak on top of BASE_GB per cell of the finished grid. Measured peaks: 1.1 GB at 512^2 and 1024^2, 1.6 GB at 2048^2."""


def needed_gb(resolution: int) -> float:
    """Estimated peak memory of a job with `resolution`^2 cells."""
    return BASE_GB + resolution**2 * BYTES_PER_CELL / GB


def is_shortage(problem: BaseException) -> bool:
    """Whether an exception says that memory ran out, whatever its kind."""
    return isinstance(problem, MemoryError) or any(words in str(problem).lower() for words in WORDS_OF_SHORTAGE)


def shortage(problem: BaseException, resolution: int) -> OutOfMemory:
    """The error to raise for it, in a job of `resolution`^2 cells."""
    on_card = any(words in str(problem) for words in ("CUDA", "HIP", "MPS"))
    return OutOfMemory(needed_gb(resolution), total_and_free_gb()[1], on_card)


def give_back() -> None:
    """Hand what finished work has left unused back to the system and the graphics card. Takes some milliseconds."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if SYSTEM == "Linux":
        with contextlib.suppress(OSError, AttributeError):    # musl has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)


VICTIM_SCORE = 500
"""Of at most 1000: among processes of the same size the kernel ends the one with the higher score first."""


def offer_as_victim() -> None:
    """When memory runs out the system shall end this process rather than Blender with the artist's file. Linux only."""
    score = Path("/proc/self/oom_score_adj")
    with contextlib.suppress(OSError, ValueError):
        if int(score.read_text()) < VICTIM_SCORE:
            score.write_text(str(VICTIM_SCORE))


def resident_gb() -> float:
    """Physical memory this process holds now (its peak so far where the system tells only that)."""
    if SYSTEM == "Linux":
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / GB
    if SYSTEM == "Windows":
        return _windows_working_set() / GB
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GB


def total_and_free_gb() -> tuple[float, float]:
    """Physical memory of the machine (or of the container) and how much of it a job may take. (0, 0): not known."""
    if SYSTEM == "Linux":
        total, free = _linux_memory()
    elif SYSTEM == "Windows":
        total, free = _windows_memory()
    else:
        total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        free = 0.6 * total
    return total / GB, free / GB


def _linux_memory() -> tuple[float, float]:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total = float(lines["MemTotal"].split()[0]) * 1024
    free = float(lines.get("MemAvailable", lines["MemFree"]).split()[0]) * 1024
    group = Path("/sys/fs/cgroup")
    try:
        limit = float((group / "memory.max").read_text())
        used = float((group / "memory.current").read_text())
    except (OSError, ValueError):
        return total, free
    return min(total, limit), min(free, limit - used)


def _windows_memory() -> tuple[float, float]:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong)
              for name in ("total", "free", "total_page", "free_page", "total_virtual", "free_virtual", "extended")),
        )

    status = Status(length=ctypes.sizeof(Status))
    windll: Any = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    if not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return 0.0, 0.0
    return float(status.total), float(status.free)


def _windows_working_set() -> float:
    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_ulong), ("faults", ctypes.c_ulong),
            *((name, ctypes.c_size_t)
              for name in ("peak_set", "set", "peak_paged", "paged", "peak_pool", "pool", "file", "peak_file")),
        )

    counters = Counters(size=ctypes.sizeof(Counters))
    windll: Any = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    windll.kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(windll.kernel32.GetCurrentProcess())
    windll.kernel32.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
    return float(counters.set)


class PeakMemory:
    """Watches resident memory from a thread; `take` gives the peak since the last `take`, in GB.

    Use as a context manager. A stage that holds the interpreter longer than a sample is caught by the samples at its
    ends.
    """

    def __init__(self) -> None:
        self._peak = resident_gb()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            self._peak = max(self._peak, resident_gb())

    def take(self) -> float:
        """Peak in GB since the last call."""
        now = resident_gb()
        peak, self._peak = max(self._peak, now), now
        return peak
