"""The backend as a child process, expected to die: a reader thread fills a queue, Blender's thread empties it.

The child ends by itself when its stdin closes, also when Blender crashes. This module touches no bpy.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ..backend.contract import messages
from ..backend.contract.errors import WORDS_OF_SHORTAGE, TerrainError

log = logging.getLogger(__name__)

RUN = (
    "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); "
    "runpy.run_module('backend', run_name='__main__', alter_sys=True)"
)
"""`-I` keeps the user's PYTHONPATH and site folder out, and the current folder too: so the root is handed over."""

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

STOP_PATIENCE_S = 3.0
"""So long the child may take to end after its stdin has closed."""

LOG_TAIL_BYTES = 4000

LOG_KEPT_S = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Died:
    """The child has ended. code: its exit code.   tail: the last lines of its log.

    memory_ran_out: the system has ended processes for want of memory meanwhile.
    """

    code: int
    tail: str
    memory_ran_out: bool = False


class BackendProcess:
    """One running backend.

    python: of its environment.   root: folder with backend/ and kernels/.   log_path: what it says beside messages.
    arguments: after `serve`, for tests.   Raises OSError when it cannot be started.
    """

    def __init__(self, python: Path, root: Path, log_path: Path, arguments: tuple[str, ...] = ()):
        self.python, self.root, self.log_path = python, root, log_path
        command = [str(python), "-I", "-u", "-X", "utf8", "-c", RUN, str(root), "serve", *arguments]
        log_path.parent.mkdir(parents=True, exist_ok=True)
        forget_old_logs(log_path.parent)
        with log_path.open("wb") as log_file:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log_file,
                                           creationflags=NO_WINDOW, cwd=str(log_path.parent))
        self.events: queue.SimpleQueue[messages.Message | TerrainError | Died] = queue.SimpleQueue()
        self.side: queue.SimpleQueue[messages.Message] = queue.SimpleQueue()    # answers that belong to no job
        self.analyses: queue.SimpleQueue[messages.Message] = queue.SimpleQueue()    # likewise, to `analyze`
        self.ready: messages.Message | None = None
        self._kills_before = kills_for_memory()
        self._reader = threading.Thread(target=self._read, name="photo-to-terrain-backend", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._child.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.poll() is None

    def send(self, message: messages.Message) -> None:
        """Send one message; that the child is gone will be seen by its `Died`."""
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.write(messages.encode(message))
            self._child.stdin.flush()

    def stop(self, patience_s: float = STOP_PATIENCE_S) -> None:
        """End the child: politely, then by force. Returns when it is gone."""
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.close()
        try:
            self._child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join(1.0)

    def kill(self) -> None:
        """End the child at once."""
        self._child.kill()
        self.stop()

    def stop_soon(self) -> None:
        """`stop` in a thread: nobody waits until the child's memory is given back."""
        threading.Thread(target=self.stop, name="photo-to-terrain-end", daemon=True).start()

    def end_soon(self) -> None:
        """`kill` without waiting until the child is gone."""
        self._child.kill()
        self.stop_soon()

    def log_tail(self) -> str:
        """The last lines of the child's log; empty where there is none."""
        try:
            with self.log_path.open("rb") as source:
                source.seek(0, 2)
                source.seek(max(0, source.tell() - LOG_TAIL_BYTES))
                return source.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def _read(self) -> None:
        """In its own thread until the child's stdout ends."""
        while line := self._child.stdout.readline(messages.MAX_LINE_BYTES + 1):
            try:
                message = messages.decode(line)
            except messages.WrongProtocol as problem:
                self.events.put(problem)
            except TerrainError as problem:
                log.warning("The backend sent a line that is no message: %s", problem)
            else:
                if message["kind"] == "ready":
                    self.ready = message
                {"shadow": self.side, "analysis": self.analyses}.get(message["kind"], self.events).put(message)
        self._child.stdout.close()
        code = self._child.wait()
        self.events.put(Died(code, self.log_tail(), kills_for_memory() > self._kills_before))


def forget_old_logs(folder: Path) -> None:
    """Every Blender has its own log there; those of long ago go."""
    for path in folder.glob("backend-*.log"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LOG_KEPT_S:
                path.unlink()


def kills_for_memory() -> int:
    """How often the kernel has ended a process for want of memory, here and in this container; 0 where nobody counts."""
    count = 0
    for place in ("/proc/vmstat", "/sys/fs/cgroup/memory.events"):
        with contextlib.suppress(OSError, ValueError):
            words = Path(place).read_text(encoding="ascii").split()
            count += int(words[words.index("oom_kill") + 1])
    return count


KEPT = "Your scene is unchanged and finished stages are kept."

KILLED = -9

ENDED_FOR_MEMORY = (0xC0000017, 0xC000012D)
"""Exit codes of Windows: no memory, commitment limit."""


def explain(died: Died, python: Path) -> tuple[str, str, str]:
    """What to tell the artist about an unexpected end: a code, the sentences, the name of a remedy."""
    lines = [line.strip() for line in died.tail.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if "No module named 'backend'" in last:
        return "backend_died", "The add-on's own files are incomplete. Install it again.", "try_again"
    if "ModuleNotFoundError" in last or "No module named" in last:
        return "backend_died", (f"The Python at {python} lacks the backend's packages ({last}). Press Repair in the add-on's "
                                "preferences, or choose another one there."), "try_again"
    if (died.code == KILLED and died.memory_ran_out) or died.code in ENDED_FOR_MEMORY or (
            died.code != KILLED and any(words in line.lower() for line in lines[-5:] for words in WORDS_OF_SHORTAGE)):
        return "out_of_memory", (f"Memory ran out and the backend was ended. {KEPT} Lower the resolution or close other "
                                 "programs."), "lower_resolution"
    if died.code == KILLED or (sys.platform == "win32" and died.code == 1 and not last):
        return "backend_died", (f"The backend was ended from outside, perhaps because memory ran out. {KEPT} Try again, or lower "
                                "the resolution."), "lower_resolution"
    reason = f" Its last words: {last}" if last else ""
    return "backend_died", f"The backend stopped unexpectedly (exit code {died.code}). {KEPT} Try again.{reason}", "try_again"
