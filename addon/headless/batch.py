"""The work itself: task after task through one backend, Blender's file behind each, a stamp at the end. No bpy here."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ...backend.contract.settings import TerrainSettings
from .. import jobs
from .interrupt import CODE as INTERRUPTED
from .interrupt import Interrupt
from .pictures import Task, with_mask
from .stamp import forget_cache, is_finished, put_stamp, tidy, wish_for
from .voice import Voice

log = logging.getLogger(__name__)

DONE, SOME_FAILED, WRONG_USE = range(3)

CANCEL_PATIENCE_S, END_PATIENCE_S = 0.4, 0.2
"""After an interrupt: for the running job, then for the backend's process. Together with the rest less than a second."""


class Failure(Exception):
    """A task that cannot be done; one sentence says why. code: as in the backend's errors."""

    def __init__(self, sentence: str, code: str = "failed"):
        super().__init__(sentence)
        self.code = code


class NoBackend(Exception):
    """The backend does not start at all, so that no other task could be done either."""


@dataclass(frozen=True)
class Tools:
    """What tasks are done with.

    python, root: the backend's environment and code.   log_path: its log.   write_blend: makes terrain.blend in a finished
    folder.   readable: gives a picture that the backend can read, made in the folder where the given one is none.
    full_log: None or a text file to which the backend's log is appended.   arguments: of the backend, for tests.
    keeps_cache: whether results of stages stay in a finished folder.   masks: folder of edited masks, or None.
    """

    python: Path
    root: Path
    log_path: Path
    write_blend: Callable[[Path], object]
    readable: Callable[[Path, Path], Path]
    full_log: TextIO | None = None
    arguments: tuple[str, ...] = ()
    keeps_cache: bool = True
    masks: Path | None = None


def run(tasks: list[Task], settings: TerrainSettings, tools: Tools, voice: Voice, interrupt: Interrupt,
        overwrite: bool = False) -> int:
    """Do all tasks and return the exit code. One that fails is told of and the next one is done."""
    done = skipped = failed = 0
    copied = _LogCopy(tools)
    try:
        for number, task in enumerate(tasks, 1):
            voice.begin(number, task)
            try:
                if _do(task, settings, tools, voice, interrupt, overwrite):
                    done += 1
                else:
                    skipped += 1
            except Failure as problem:
                failed += 1
                voice.failed(str(problem), problem.code)
            finally:
                copied.take()
    except KeyboardInterrupt:
        _stop_at_once()
        voice.end(f"Interrupted; {done + skipped} of {len(tasks)} done. The same command continues.", code=INTERRUPTED)
        return INTERRUPTED
    except NoBackend as problem:
        voice.end(str(problem), code=WRONG_USE)
        return WRONG_USE
    finally:
        jobs.stop_all()
        copied.take()
    before = f" ({skipped} of them before)" if skipped else ""
    code = SOME_FAILED if failed else DONE
    voice.end(f"{done + skipped} done{before}, {failed} failed.", code=code, done=done, skipped=skipped, failed=failed)
    return code


def _do(task: Task, settings: TerrainSettings, tools: Tools, voice: Voice, interrupt: Interrupt, overwrite: bool) -> bool:
    """Do one task; False when it was done before. Raises Failure, NoBackend, KeyboardInterrupt."""
    began = time.monotonic()
    if interrupt.asked:
        raise KeyboardInterrupt
    try:
        str(task.picture).encode()
        settings = with_mask(settings, task, tools.masks)
        wish = wish_for(task.picture, settings)
        if not overwrite and is_finished(task.folder, wish):
            voice.skipped()
            return False
        tidy(task.folder)
        result = _terrain(task, settings, tools, voice, interrupt)
        voice.writing()
        with interrupt.breaking():
            tools.write_blend(task.folder)
        put_stamp(task.folder, task.picture, wish)
        if not tools.keeps_cache:
            forget_cache(task.folder)
    except UnicodeEncodeError as problem:
        raise Failure("The name of the file is no text (it is not UTF-8); rename it.", "bad_picture") from problem
    except (OSError, ValueError) as problem:    # ValueError: a damaged result
        raise Failure(str(problem)) from problem
    except (Failure, NoBackend, KeyboardInterrupt):
        raise
    except Exception as problem:
        log.exception("Task %s failed.", task.label)
        raise Failure(f"Something failed in Blender ({type(problem).__name__}: {problem}).", "internal") from problem
    voice.finished(time.monotonic() - began)
    for warning in result["report"].get("warnings", []):
        voice.note(str(warning["warning"]))
    return True


def _terrain(task: Task, settings: TerrainSettings, tools: Tools, voice: Voice, interrupt: Interrupt) -> dict:
    """The backend's part of a task: the `result` message. Raises Failure, NoBackend, KeyboardInterrupt, OSError."""
    with interrupt.breaking():
        picture = tools.readable(task.picture, task.folder)
    try:
        job = jobs.start(tools.python, tools.root, picture.resolve(), task.folder, settings, tools.log_path, tools.arguments)
    except OSError as problem:
        raise NoBackend(f"The backend cannot be started ({problem}).") from problem
    while not job.wait():
        if interrupt.asked:
            raise KeyboardInterrupt
        voice.progress(job)
    if interrupt.asked:    # a Ctrl-C on a terminal also ends the backend, which is then no failure
        raise KeyboardInterrupt
    if job.result is not None:
        return job.result
    _forget_made(picture, task)
    sentence, code = (job.problem.text, job.problem.code) if job.problem else ("It was cancelled.", "cancelled")
    if job.backend.ready is None:
        raise NoBackend(sentence)
    details = f" (Log: {job.problem.log})" if job.problem and job.problem.fix == "show_log" else ""
    raise Failure(sentence + details, code)


def _forget_made(picture: Path, task: Task) -> None:
    """Take away a picture made for a task that failed, and its folder where that holds nothing else."""
    if picture != task.picture:
        with contextlib.suppress(OSError):
            picture.unlink()
            task.folder.rmdir()


def _stop_at_once() -> None:
    """End the running job and the backend, politely for a moment."""
    job, process = jobs.current(), jobs.backend()
    if job:
        job.cancel()
        limit = time.monotonic() + CANCEL_PATIENCE_S
        while not job.wait() and time.monotonic() < limit:
            pass
    if process:
        process.stop(END_PATIENCE_S)


class _LogCopy:
    """Appends what is new in the backend's log to the full one; the backend begins its own anew with every process."""

    def __init__(self, tools: Tools):
        self._from, self._to, self._place = tools.log_path, tools.full_log, 0

    def take(self) -> None:
        """Copy what has come since."""
        if self._to is None:
            return
        with contextlib.suppress(OSError), self._from.open("rb") as source:
            if source.seek(0, 2) < self._place:
                self._place = 0
            source.seek(self._place)
            self._to.write(source.read().decode("utf-8", "replace"))
            self._to.flush()
            self._place = source.tell()
