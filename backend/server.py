"""`python -m backend serve`: answers the add-on over stdin and stdout, one JSON object a line (contract/messages.py).

The main thread reads; one worker thread loads the heavy modules after `ready` and then does the jobs one by one. Each
job is answered by exactly one of `result`, `cancelled` and `error`. The end of stdin ends the process, whatever it is
doing: Blender has closed or crashed, and nobody would look at the result.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import queue
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from . import machine, memory
from .contract import messages
from .contract.errors import BadSettings, Cancelled, InternalError, TerrainError
from .contract.messages import BadMessage, Message
from .contract.settings import TerrainSettings
from .contract.stages import STAGE_NAMES
from .loading import Loading
from .shadows import Shadows

if TYPE_CHECKING:
    from .mask_request import Masks

log = logging.getLogger(__name__)

CANCEL_PATIENCE_S = 0.6
"""So long a stage may take to notice a cancel; then the user is told so all the same and its outcome is thrown away."""

END_PATIENCE_S = 0.7
"""So long a running job may take to clean up after the end of stdin."""


def claim_wire() -> BinaryIO:
    """Keep the real stdout for messages; what a library prints, even from C, goes to the log on stderr instead."""
    sys.stdout.flush()
    wire = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return wire


def serve(stages_place: str | None = None) -> int:
    """Serve until stdin ends or the other side says bye. Returns the exit code."""
    wire = claim_wire()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    memory.offer_as_victim()
    server = Server(wire, stages_place)
    server.greet()
    server.listen(sys.stdin.buffer)
    server.end()
    return 0


@dataclass
class Request:
    """A job on its way. `lock` guards `answered`: whether the add-on has had its one answer.

    kind: `generate` for a terrain, `segment` for the masks alone.
    """

    kind: str
    job: int
    image: Path
    folder: Path
    settings: TerrainSettings
    keep_stages: bool
    redo_from: str = ""
    cancelled: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: bool = False


class Server:
    """One add-on's backend. wire: where messages go.   stages_place: `module:name` of a stage table, for tests."""

    def __init__(self, wire: BinaryIO, stages_place: str | None = None):
        self._wire, self._wire_lock = wire, threading.Lock()
        self._stages_place = stages_place
        self._waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._open: dict[int, Request] = {}
        self._running: Request | None = None
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._shadows = Shadows(self.send)
        self._loading = Loading()
        self._beside = {"shadow": self._shadows.ask, "analyze": self._analyze}

    def send(self, message: Message) -> None:
        """Write one line. When nobody listens any more the process ends."""
        try:
            with self._wire_lock:
                self._wire.write(messages.encode(message))
        except OSError:
            log.info("The add-on does not listen any more.")
            self._leave()

    def greet(self) -> None:
        """Say `ready`, then start loading."""
        total, free = memory.total_and_free_gb()
        self.send(messages.ready(machine.likely_device(), machine.physical_cores(), round(total, 1), round(free, 1),
                                 platform.python_version()))
        self._worker.start()

    def listen(self, lines: BinaryIO) -> None:
        """Read messages until the end of the stream or a `bye`. A line that is no message is answered, not fatal."""
        while line := lines.readline(messages.MAX_LINE_BYTES + 1):
            if not line.endswith(b"\n") and len(line) > messages.MAX_LINE_BYTES:
                while (rest := lines.readline(messages.MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
            if not line.strip():
                continue
            try:
                message = messages.decode(line, messages.KINDS_TO_BACKEND)
            except TerrainError as problem:
                self.send(messages.error(None, problem))
                continue
            if message["kind"] == "bye":
                return
            if message["kind"] == "cancel":
                self._cancel(message.get("job"))
            elif message["kind"] in self._beside:
                self._answer_beside(message)
            else:
                self._accept(message)

    def end(self) -> None:
        """Give the running job a moment to clean up, say `bye` and leave; never waits for a deaf stage."""
        for request in list(self._open.values()):
            request.cancelled.set()
        self._waiting.put(None)
        self._worker.join(END_PATIENCE_S)
        try:
            with self._wire_lock:
                self._wire.write(messages.encode(messages.bye()))
        except OSError:
            pass
        self._leave()

    def _leave(self) -> None:
        running = self._running
        if running is not None:
            from . import outputs

            outputs.abandon(running.folder)
        with contextlib.suppress(OSError):    # a full disk
            sys.stderr.flush()
        os._exit(0)

    def _accept(self, message: Message) -> None:
        try:
            request = read_request(message)
            if request.job in self._open:
                raise BadMessage(f"Job {request.job} is already there.")
        except TerrainError as problem:
            job = message.get("job")
            self.send(messages.error(job if isinstance(job, int) else None, problem))
            return
        self._open[request.job] = request
        self._waiting.put(request)

    def _analyze(self, message: Message) -> None:
        from .surface.analysis import Analyses  # here, so that `ready` need not wait for numpy

        Analyses(self.send).ask(message)

    def _answer_beside(self, message: Message) -> None:
        try:
            self._beside[message["kind"]](message)
        except BadMessage as problem:
            self.send(messages.error(None, problem))

    def _cancel(self, job: object) -> None:
        request = self._open.get(job) if isinstance(job, int) else None
        if request is None:
            return
        request.cancelled.set()
        if request is self._running:
            answer = messages.make("cancelled", request.job)
            patience = threading.Timer(CANCEL_PATIENCE_S, self._answer, (request, answer))
            patience.daemon = True
            patience.start()
        else:
            self._answer(request, messages.make("cancelled", request.job))

    def _answer(self, request: Request, message: Message) -> None:
        """The one answer a job gets; later ones are dropped."""
        with request.lock:
            if request.answered:
                return
            request.answered = True
            self._open.pop(request.job, None)
            self.send(message)

    def tell(self, request: Request, message: Message) -> None:
        """News of a running job; dropped once it was answered or shall stop."""
        with request.lock:
            if not request.answered and not request.cancelled.is_set():
                self.send(message)

    def _work(self) -> None:
        if self._stages_place is None:
            self._loading.begin()
        while (request := self._waiting.get()) is not None:
            if request.cancelled.is_set():
                self._answer(request, messages.make("cancelled", request.job))
                continue
            self._running = request
            self._answer(request, self._do_whatever_happens(request))
            self._running = None
            memory.give_back()

    def _do_whatever_happens(self, request: Request) -> Message:
        """Run one job and return its answer, also where something ends it that has no name: else nobody would ever hear of it."""
        try:
            return self._do(request)
        except BaseException as problem:
            log.exception("Job %d failed.", request.job)
            sentence = f"Something failed ({type(problem).__name__}); the log has the details."
            return messages.error(request.job, InternalError(sentence))

    def _do(self, request: Request) -> Message:
        """Run one job and return its answer."""
        from . import mask_request, pipeline
        from .command_run import log_defect, stage_table
        from .wire_listener import WireListener

        job = pipeline.Job(request.image, request.folder, request.settings, request.keep_stages, redo_from=request.redo_from)
        tools = WireListener(self, request), request.cancelled.is_set, stage_table(self._stages_place)
        try:
            if request.kind == "segment":
                return self._found(request, mask_request.find_masks(job, *tools))
            if self._loading.is_going_on():
                self.tell(request, messages.make("progress", request.job, label="Loading networks and kernels", fraction=0.0))
                self._loading.wait()
            outcome = pipeline.generate(job, *tools)
        except Cancelled:
            return messages.make("cancelled", request.job)
        except InternalError as problem:
            log.exception("Job %d failed.", request.job)
            path = log_defect(request.folder, problem)
            return messages.error(request.job, problem, str(path) if path else None)
        except TerrainError as problem:
            log.info("Job %d: %s", request.job, problem)
            return messages.error(request.job, problem)
        files = {name: str(path) for name, path in outcome.files.items()}
        report = outcome.report
        return messages.make("result", request.job, files=files, report=report, seconds=report["seconds"])

    def _found(self, request: Request, masks: Masks) -> Message:
        """The answer to `segment`. Raises OutputNotWritable."""
        from .mask_request import leave_masks

        files = {name: str(path) for name, path in leave_masks(request.folder, masks).items()}
        return messages.make("result", request.job, files=files, report=masks.report, seconds=masks.report["seconds"])


def read_request(message: Message) -> Request:
    """A `generate` or `segment` message as a request. Raises BadMessage, BadSettings."""
    kind, job, image, folder, settings = (message.get(name) for name in ("kind", "job", "image", "folder", "settings"))
    if isinstance(job, bool) or not isinstance(job, int):
        raise BadMessage(f"`{kind}` needs a whole number as `job`.")
    if not (isinstance(image, str) and image and isinstance(folder, str) and folder) or "\0" in image + folder:
        raise BadMessage(f"`{kind}` needs the paths `image` and `folder`.")
    if kind == "segment":
        settings = {}
    if not isinstance(settings, dict):
        raise BadSettings("`generate` needs an object `settings`.")
    keep_stages, redo_from = message.get("keep_stages") is True, message.get("redo_from", "")
    if redo_from not in ("", *STAGE_NAMES):
        raise BadMessage(f"There is no stage called {redo_from!r}.")
    return Request(str(kind), job, Path(image), Path(folder), TerrainSettings.from_dict(settings), keep_stages, redo_from)
