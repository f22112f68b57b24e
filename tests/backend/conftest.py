"""What the backend's tests share: a picture file, a job folder, a child process that speaks the wire."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from backend.contract import messages
from tests.backend import fake_stages

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure(config: pytest.Config) -> None:
    """Marks of these tests."""
    config.addinivalue_line("markers", "real_preview: draws the real preview sheet, which takes seconds")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file that fake stages take for a picture; its name has what names may have."""
    path = tmp_path / "Señor Müller ⛰ 1.jpg"
    path.write_bytes(b"a picture")
    return path


@pytest.fixture(autouse=True)
def no_calls() -> None:
    """Count stage runs from zero in every test."""
    fake_stages.calls.clear()


@pytest.fixture(autouse=True)
def quick_preview(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes seconds; one test looks at the real sheet."""
    if "real_preview" not in request.keywords:
        monkeypatch.setattr("backend.preview.draw", lambda *_: Image.new("RGB", (8, 8)))


class Child:
    """A backend in a process of its own, as the add-on starts it."""

    def __init__(self, stages: str, log: Path, **environment: str):
        self.log = log
        self._log_file = log.open("wb")
        table = stages if ":" in stages else f"tests.backend.fake_stages:{stages}"
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "backend", "serve", "--stages", table],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log_file, cwd=ROOT,
            env=os.environ | {"NUMBA_NUM_THREADS": "1"} | environment)
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def send(self, message: messages.Message | bytes) -> None:
        """A message, or raw bytes."""
        assert self.process.stdin
        self.process.stdin.write(message if isinstance(message, bytes) else messages.encode(message))
        self.process.stdin.flush()

    def next(self, *kinds: str, seconds: float = 120.0) -> messages.Message:
        """The next message of one of these kinds (any, without kinds); others are skipped."""
        limit = time.monotonic() + seconds
        while True:
            line = self.lines.get(timeout=max(0.01, limit - time.monotonic()))
            assert line is not None, "the child has ended: " + self.log.read_text(errors="replace")
            message = messages.decode(line)
            if not kinds or message["kind"] in kinds:
                return message

    def until_stage(self, stage: str) -> None:
        """Wait until a job has come to this stage."""
        while self.next("progress").get("stage") != stage:
            pass

    def close(self) -> None:
        """End it, whatever it does."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self._log_file.close()


@pytest.fixture
def start_child(tmp_path: Path):
    """A function that starts a backend with the named fake stages; it is ended after the test."""
    children = []

    def start(stages: str = "STAGES", **environment: str) -> Child:
        children.append(Child(stages, tmp_path / f"child-{len(children)}.log", **environment))
        return children[-1]

    yield start
    for child in children:
        child.close()
