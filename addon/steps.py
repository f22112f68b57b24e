"""Work on a scene in small steps, so that Blender can draw and listen between them. This module touches no bpy.

Such work is a generator. It yields None after each step, and a Future where it waits for what another thread prepares: numpy
may work there, bpy may not. Whoever runs it decides how many steps are taken at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Steps = Generator["Future[Any] | None", None, T]

BUDGET_S = 0.015
"""No further step is begun after this long: the longest step, about 0.07 s, still ends before 0.1 s."""

MOST_RESTARTS = 20
"""Every restart is an undo of the artist; more of them within one terrain are a mistake of ours."""


class Ahead:
    """A thread that prepares arrays in the order they are asked for, while Blender's thread uses the earlier ones."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="photo-to-terrain-arrays")

    def __call__(self, action: Callable[..., T], *arguments: Any) -> Future[T]:
        """What `action` will have returned, or raised."""
        return self._pool.submit(action, *arguments)

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def ready(future: Future[T]) -> Steps[T]:
    """Wait, in steps, until a future is done. Returns its value or raises its exception."""
    while not future.done():
        yield future
    return future.result()


def run(steps: Steps[T]) -> T:
    """All steps at once, for where nobody looks. Returns what they return."""
    try:
        while True:
            waited = next(steps)
            if waited is not None:
                wait([waited])
    except StopIteration as end:
        return end.value


class Work(Generic[T]):
    """Steps that are run a few at a time.

    make: begins them. Undo removes things from the scene that they have just made (Blender then raises ReferenceError): they are
    begun again.
    """

    def __init__(self, make: Callable[[], Steps[T]]):
        self._make = make
        self._steps = make()
        self._restarts = 0
        self.result: T | None = None

    def advance(self, budget_s: float = BUDGET_S) -> bool:
        """Run steps until `budget_s` are used or something is waited for. Returns whether all are done.

        Raises what the steps raise.
        """
        until = time.perf_counter() + budget_s
        while True:
            try:
                waited = next(self._steps)
            except StopIteration as end:
                self.result = end.value
                return True
            except ReferenceError:
                self._restarts += 1
                if self._restarts > MOST_RESTARTS:
                    raise
                self._steps = self._make()
                return False
            left = until - time.perf_counter()
            if left <= 0 or (waited is not None and not wait([waited], left).done):
                return False

    def stop(self) -> None:
        """End it early: the steps take back what they have begun."""
        self._steps.close()
