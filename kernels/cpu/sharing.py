"""Pieces of work of unequal length, taken by threads as they become free."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import threads


def share(pieces: Iterable[tuple[int, int]], work: Callable[[int, int], object]) -> None:
    """work(first, last) for every piece; whichever thread is free takes the next one. No result may depend on the order."""
    listed = list(pieces)
    waiting = iter(listed)  # the interpreter hands every piece to one thread only

    def take() -> None:
        for first, last in waiting:
            work(first, last)

    threads.run([take] * min(len(listed), threads.thread_count()))
