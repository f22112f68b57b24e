"""Work side by side on the CPU's cores, in threads of our own.

Jitted functions release the interpreter and take a range of rows; a pool runs one range a thread. Numba's own parallel loops
are not used: their threading layers differ by platform, one of them ends the process when two Python threads meet in it,
their waiting threads may spin, and they take several times as long to compile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_count: int | None = None
_working = threading.local()


def thread_count() -> int:
    """Threads that `run` uses: `set_thread_count`, else NUMBA_NUM_THREADS, else the cores this process may use."""
    if _count is not None:
        return _count
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def set_thread_count(count: int | None) -> None:
    """Use `count` threads from now on; None for as many as there are cores. Raises ValueError below one."""
    global _count
    if count is not None and count < 1:
        raise ValueError(f"At least one thread is needed, not {count}.")
    _count = count
    _forget_pool()


def run(parts: Sequence[Callable[[], Result]]) -> list[Result]:
    """Call all parts, the first in this thread and the others beside it; their results in order.

    The first exception in order is raised once all parts have ended, so that nobody still writes into shared arrays.
    Called from within a part it runs one part after the other: threads of a pool that wait for the pool would never end.
    """
    if len(parts) < 2 or thread_count() == 1 or getattr(_working, "inside", False):
        return [part() for part in parts]
    waiting = [_current_pool().submit(_inside, part) for part in parts[1:]]
    try:
        first = _inside(parts[0])
    finally:
        for future in waiting:
            future.exception()
    return [first, *(future.result() for future in waiting)]


def bands(n: int, parts: int | None = None, least: int = 1) -> list[tuple[int, int]]:
    """range(n) split into at most `parts` (default: one a thread) equal stretches of at least `least`, as (first, last + 1)."""
    wanted = thread_count() if parts is None else parts
    count = max(1, min(wanted, n // max(1, least)))
    return [(n * k // count, n * (k + 1) // count) for k in range(count)]


def _inside(part: Callable[[], Result]) -> Result:
    _working.inside = True
    try:
        return part()
    finally:
        _working.inside = False


def _current_pool() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, thread_count() - 1), thread_name_prefix="kernels")
        return _pool


def _forget_pool() -> None:
    """A pool of another size is made at the next call; threads at work finish what they have."""
    global _pool
    with _lock:
        old, _pool = _pool, None
    if old is not None:
        old.shutdown(wait=False)


def _after_fork() -> None:
    """A forked process has none of its parent's threads, and the lock may have been held."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
