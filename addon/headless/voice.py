"""What is said while the work goes on: lines for people or JSON for farms, on stderr; folders of results on stdout.

No bpy here.
"""

from __future__ import annotations

import json
import time
from typing import Any, TextIO

from ..jobs import Job
from .pictures import Task

EVERY_S = 5.0
"""A stage that lasts is heard of again after so long."""


class Voice:
    """Says it all.

    messages: stderr.   results: stdout.   log: None or a text file to which the same lines go.   count: of tasks.
    """

    def __init__(self, messages: TextIO, results: TextIO, count: int, as_json: bool = False, log: TextIO | None = None):
        self._messages, self._results, self._as_json, self._log, self.count = messages, results, as_json, log, count
        self._number = 0
        self._task: Task | None = None
        self._stage, self._said_at = "", 0.0

    def begin(self, number: int, task: Task) -> None:
        """From now on it is about this task, the `number`-th."""
        self._number, self._task, self._stage = number, task, ""

    def progress(self, job: Job) -> None:
        """How far the job is, when that is worth a line: another stage, or some seconds later."""
        now = time.monotonic()
        if not job.stage or (job.stage == self._stage and now - self._said_at < EVERY_S):
            return
        self._stage, self._said_at = job.stage, now
        left = job.remaining_s
        what = job.label[:1].lower() + job.label[1:]
        line = f"{100 * job.fraction:3.0f} %  {what}" + ("" if left is None else f"  {left:.0f} s left")
        self._say("progress", line, fraction=round(job.fraction, 4), stage=job.stage, label=job.label,
                  seconds=round(job.seconds, 2), remaining_s=None if left is None else round(left, 1))

    def writing(self) -> None:
        """The backend is done, Blender writes its file."""
        self._say("progress", " 99 %  writing terrain.blend", fraction=0.99, stage="blend", label="Writing terrain.blend")

    def finished(self, seconds: float) -> None:
        """The task is done."""
        self._say("finished", f"done in {seconds:.0f} s", folder=str(self._task.folder), seconds=round(seconds, 2))
        self._result()

    def skipped(self) -> None:
        """The task was done before."""
        self._say("skipped", "already done", folder=str(self._task.folder))
        self._result()

    def failed(self, sentence: str, code: str) -> None:
        """The task cannot be done."""
        self._say("failed", f"failed: {sentence}", text=sentence, code=code)

    def note(self, sentence: str) -> None:
        """Something to know about the task's result."""
        self._say("note", f"note: {sentence}", text=sentence)

    def end(self, sentence: str, **facts: Any) -> None:
        """The last line."""
        self._line({"event": "end", "text": sentence, **facts}, sentence)

    def _result(self) -> None:
        print(self._task.folder, file=self._results, flush=True)

    def _say(self, event: str, line: str, **facts: Any) -> None:
        facts = {"event": event, "number": self._number, "count": self.count, "picture": str(self._task.picture), **facts}
        self._line(facts, f"[{self._number}/{self.count}] {self._task.label}  {line}")

    def _line(self, facts: dict[str, Any], line: str) -> None:
        text = json.dumps(facts, allow_nan=False) if self._as_json else line    # in ASCII: no console can garble it
        print(text, file=self._messages, flush=True)
        if self._log:
            print(line, file=self._log, flush=True)
