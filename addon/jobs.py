"""The running job: what the panel shows and what the operator waits for. This module touches no bpy.

There is one backend process and one job at a time. The process stays for the next job, because its networks are loaded.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..backend.contract import messages
from ..backend.contract.errors import TerrainError
from ..backend.contract.settings import TerrainSettings
from .process import BackendProcess, Died, explain

log = logging.getLogger(__name__)

READY_PATIENCE_S = 60.0
"""A cold disk may need long until Python runs; then we stop waiting."""

CANCEL_PATIENCE_S = 3.0
"""The backend answers a cancel within a second; after this long it is ended instead."""

IDLE_S = 300.0
"""An idle backend gives its memory back after this long."""

POLL_S = 0.05


@dataclass(frozen=True)
class Problem:
    """What went wrong, for the panel. fix: name of a remedy it can draw as a button.   log: a file, or None."""

    code: str
    text: str
    fix: str | None = None
    log: str | None = None


@dataclass
class Job:
    """One picture on its way. Call `poll` often; everything else is there to be read.

    title: which of several terrains it makes, for people.
    is_terrain: whether a terrain is made; else only the picture's masks, which no draft comes before.
    is_keeping: it is cancelled in favor of `whole_draft`, the newest preview whose heights are all known.
    is_placing: the backend is done, and its terrain or draft is being put into the scene; is_stopped: and shall not be.
    """

    backend: BackendProcess
    number: int
    image: Path
    folder: Path
    settings: TerrainSettings
    title: str = ""
    is_terrain: bool = True
    label: str = "Starting the backend"
    stage: str = ""
    text: str = ""
    fraction: float = 0.0
    plan: list[dict[str, Any]] = field(default_factory=list)
    result: messages.Message | None = None
    problem: Problem | None = None
    is_cancelling: bool = False
    is_keeping: bool = False
    is_over: bool = False
    is_placing: bool = False
    is_stopped: bool = False
    whole_draft: messages.Message | None = None
    began: float = field(default_factory=time.monotonic)
    first_draft_s: float | None = None
    _remaining: tuple[float, float] | None = None
    _preview: messages.Message | None = None
    _cancel_asked: float = 0.0

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def remaining_s(self) -> float | None:
        """Expected seconds to the end; None while nobody knows."""
        if self._remaining is None:
            return None
        said, at = self._remaining
        return max(0.0, said - (time.monotonic() - at))

    @property
    def face(self) -> tuple[object, ...]:
        """What the panel draws of it; unchanged, nothing needs to be drawn again."""
        left = self.remaining_s
        clock = 0 if self.is_placing else round(self.seconds if left is None else left)    # each drawing would only delay it
        return self.label, self.text, self.is_cancelling, self.can_keep, self.is_placing, round(100 * self.fraction), clock

    @property
    def was_cancelled(self) -> bool:
        """Whether it ended without result and without problem."""
        return self.is_over and self.result is None and self.problem is None

    @property
    def can_be_cancelled(self) -> bool:
        """Whether `cancel` would change anything."""
        if self.is_placing:
            return not self.is_stopped
        return not self.is_over and (self.is_keeping or not self.is_cancelling)

    def cancel(self) -> None:
        """Ask it to stop; `poll` tells when it has. What is being put into the scene is taken back."""
        self.is_keeping = False
        if self.is_placing:
            self.is_stopped = True
        elif not (self.is_over or self.is_cancelling):
            self.is_cancelling, self._cancel_asked = True, time.monotonic()
            self.backend.send(messages.cancel(self.number))

    @property
    def can_keep(self) -> bool:
        """Whether there is a whole draft that could be taken instead of the terrain."""
        return self.whole_draft is not None and not (self.is_over or self.is_cancelling)

    def keep(self) -> None:
        """Stop it and be content with the newest whole draft."""
        if self.can_keep:
            self.cancel()
            self.is_keeping = True

    def take_preview(self) -> messages.Message | None:
        """The newest preview that nobody has taken yet."""
        preview, self._preview = self._preview, None
        return preview

    def poll(self) -> bool:
        """Take in what the backend has said. Returns whether the job is over."""
        while not self.is_over:
            try:
                self._take(self.backend.events.get_nowait())
            except queue.Empty:
                break
        if not self.is_over:
            self._watch_clock()
        return self.is_over

    def wait(self) -> bool:
        """Poll once after a short sleep; for waiting without a window."""
        time.sleep(POLL_S)
        return self.poll()

    def _watch_clock(self) -> None:
        if self.is_cancelling and time.monotonic() - self._cancel_asked > CANCEL_PATIENCE_S:
            log.warning("The backend did not answer a cancel and is ended.")
            self.backend.end_soon()
            self.is_over = True
        elif self.backend.ready is None and self.seconds > READY_PATIENCE_S:
            self.backend.end_soon()
            self._fail("backend_silent", f"The backend did not start within {READY_PATIENCE_S:.0f} s. Try again.",
                       "try_again")

    def _take(self, event: messages.Message | TerrainError | Died) -> None:
        if isinstance(event, Died):
            if self.is_cancelling:
                self.is_over = True
            else:
                self._fail(*explain(event, self.backend.python))
        elif isinstance(event, TerrainError):
            self.backend.end_soon()
            self._fail(event.code, str(event), event.fix)
        elif event["kind"] == "ready":
            self.label = "Waiting for the backend"
        elif event["kind"] == "error" and event.get("job") is None:
            log.warning("The backend complains: %s", event.get("text"))
        elif event.get("job") == self.number:
            self._take_news(event)

    def _take_news(self, event: messages.Message) -> None:
        kind = event["kind"]
        if kind == "progress":
            self.plan = event.get("plan", self.plan)
            self.stage, self.label = event.get("stage", self.stage), event.get("label", self.label)
            self.text = event.get("text", "")
            self.fraction = max(self.fraction, float(event.get("fraction", 0.0)))
            if event.get("remaining_s") is not None:
                self._remaining = (float(event["remaining_s"]), time.monotonic())
        elif kind == "preview":
            self._preview = event
            if event.get("evidence"):
                self.whole_draft = event
            if self.first_draft_s is None:
                self.first_draft_s = self.seconds
        elif kind == "result":
            self.fraction, self.result, self.is_over = 1.0, event, True
        elif kind == "cancelled":
            self.is_over = True
        elif kind == "error":
            self._fail(event["code"], event["text"], event.get("fix"), event.get("log"))

    def _fail(self, code: str, text: str, fix: str | None = None, log_path: str | None = None) -> None:
        self.problem = Problem(code, text, fix, log_path or str(self.backend.log_path))
        self.is_over = True


_numbers = itertools.count(1)
_backend: BackendProcess | None = None
_job: Job | None = None
_last_used = 0.0
last_problem: Problem | None = None
"""What the panel shows until the next attempt."""


def current() -> Job | None:
    """The job that runs now, or whose terrain is being put into the scene."""
    return _job if _job and (_job.is_placing or not _job.is_over) else None


def start(python: Path, root: Path, image: Path, folder: Path, settings: TerrainSettings, log_path: Path,
          arguments: tuple[str, ...] = (), title: str = "", is_terrain: bool = True, **extra: Any) -> Job:
    """Begin a job, in the backend that is there or in a new one. Raises OSError when that cannot be started.

    is_terrain: False asks for the picture's masks alone.   extra: further fields of the message (contract/messages.py).
    """
    global _job, last_problem
    if current():
        raise RuntimeError("There is a job already.")
    last_problem = None
    process = prepare(python, root, log_path, arguments)
    _job = Job(process, next(_numbers), image, folder, settings, title, is_terrain)
    where = _job.number, str(image), str(folder)
    process.send((messages.generate(*where, settings) if is_terrain else messages.segment(*where)) | extra)
    return _job


def prepare(python: Path, root: Path, log_path: Path, arguments: tuple[str, ...] = ()) -> BackendProcess:
    """The backend that is there, or a new one; it loads its networks at once. Raises OSError when it cannot be started."""
    global _backend, _last_used
    if _backend and not (_backend.is_alive() and (_backend.python, _backend.root) == (python, root)):
        _backend.end_soon()
        _backend = None
    if _backend is None:
        _backend = BackendProcess(python, root, log_path, arguments)
    _last_used = time.monotonic()
    return _backend


def fail(problem: Problem | None) -> None:
    """Set, or with None clear, what the panel shows as the last problem."""
    global last_problem
    last_problem = problem


def backend() -> BackendProcess | None:
    """The process, if there is one."""
    return _backend


def abandon(why: Problem | None = None) -> None:
    """Stop the running job, if there is one, without waiting for its end: nobody will poll it any more. why: for the panel."""
    job = current()
    if job:
        job.cancel()
        job.is_over, job.is_placing = True, False
        if why:
            fail(why)


def release_if_idle(idle_s: float = IDLE_S) -> float | None:
    """End a backend that has had nothing to do for `idle_s`. Returns seconds until it is worth asking again."""
    global _backend, _last_used
    if _backend is None or not _backend.is_alive():
        return None
    if current():
        _last_used = time.monotonic()
    left = idle_s - (time.monotonic() - _last_used)
    if left > 0:
        return max(1.0, left)
    _backend.stop_soon()
    _backend = None
    return None


def stop_all(is_waiting: bool = True) -> None:
    """End whatever runs. Nothing is left behind. is_waiting: return when it is gone, which may take a second."""
    global _backend, _job
    if _backend and is_waiting:
        _backend.stop()
    elif _backend:
        _backend.stop_soon()
    if _job:
        _job.is_over, _job.is_placing = True, False
    _backend = _job = None
