"""A job's folder while the job runs: made, able to take it, and for this process alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import folder_lock, outputs
from .contract.stages import STAGES
from .runner import Listener


@contextlib.contextmanager
def opened(folder: Path, resolution: int, listener: Listener, check: Callable[[], None]) -> Iterator[bool]:
    """Work in a job's folder; gives whether it was made for this job. What was made and stayed empty is taken away at the end.

    While another process works in it, the listener hears of the waiting and `check` may raise Cancelled.
    resolution: of the terrain, for which there must be room.   Raises OutputNotWritable.
    """
    made = outputs.missing_folders(folder)
    outputs.prepare_folder(folder, resolution)
    began = time.monotonic()

    def waiting() -> None:
        check()
        seconds = time.monotonic() - began
        listener.progress(STAGES[0], 0.0, 0.0, "waiting: another Blender works on this picture", seconds, None)

    try:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(folder_lock.held(folder / outputs.CACHE_FOLDER, waiting))
            except OSError as problem:
                raise outputs.not_writable(folder, problem) from problem
            outputs.tidy_folder(folder)
            yield bool(made)
    finally:
        outputs.remove_empty(folder, made)
