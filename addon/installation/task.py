"""Blender's side of the set-up: starts the worker, takes in its news, ends it. Touches no bpy and never waits."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .worker import Request

RUN = ("import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); "
       "runpy.run_module('addon.installation.worker', run_name='__main__', alter_sys=True)")

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


@dataclass
class Task:
    """One thing the worker does. Call `poll` often; everything else is there to be read."""

    request: Request
    label: str = "Starting"
    text: str = ""
    fraction: float = 0.0
    notes: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    error: str = ""
    is_over: bool = False
    was_cancelled: bool = False
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Start the process. Raises OSError."""
        said = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self.request).items()}
        command = [str(self.request.base), "-I", "-u", "-X", "utf8", "-c", RUN, str(self.request.root), json.dumps(said)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       creationflags=NO_WINDOW, start_new_session=sys.platform != "win32")
        self._news: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._last = ""
        self._reader = threading.Thread(target=self._read, name="photo-to-terrain-setup", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the worker's process, and of its group."""
        return self._child.pid

    @property
    def succeeded(self) -> bool:
        """Whether it ended without error, and with nothing broken."""
        return self.is_over and not (self.error or self.was_cancelled or self.broken)

    def poll(self) -> bool:
        """Take in the news. Returns whether the task is over."""
        while not self.is_over:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                break
            self._take(news)
        if not self.is_over:
            self.seconds = time.monotonic() - self.began
        return self.is_over

    def cancel(self) -> None:
        """End the worker and everything it has started, at once. Finished downloads stay."""
        if self.is_over:
            return
        self.was_cancelled = self.is_over = True
        if sys.platform == "win32":
            subprocess.Popen(["taskkill", "/F", "/T", "/PID", str(self.pid)], creationflags=NO_WINDOW)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _take(self, news: dict[str, Any] | None) -> None:
        if news is None:
            self.is_over = True
            if not self.error and not self._done:
                self.error = f"The set-up stopped unexpectedly. {self._last}".strip()
        elif "error" in news:
            self.error = news["error"]
        elif "done" in news:
            self._done = True
            self.notes, self.broken, self.fraction = news["notes"], news["broken"], 1.0
        else:
            self.fraction = max(self.fraction, news["fraction"])
            self.label, self.text = news["label"], news["text"]

    _done = False

    def _read(self) -> None:
        """In its own thread until the worker ends."""
        with contextlib.suppress(ValueError, OSError):
            for line in self._child.stdout:
                try:
                    news = json.loads(line)
                except ValueError:
                    self._last = line.decode("utf-8", "replace").strip()
                    continue
                self._news.put(news)
        self._child.wait()
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        self._news.put(None)


_task: Task | None = None


def current() -> Task | None:
    """The task that runs now."""
    return _task if _task and not _task.is_over else None


def last() -> Task | None:
    """The task that runs or ran last."""
    return _task


def start(request: Request) -> Task:
    """Begin a task. Raises RuntimeError when one runs, OSError."""
    global _task
    if current():
        raise RuntimeError("A set-up runs already.")
    _task = Task(request)
    return _task


def forget() -> None:
    """End what runs and forget what was."""
    global _task
    if _task:
        _task.cancel()
    _task = None
