"""What every stage gets besides its inputs and the settings: device, random numbers, progress and cancel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .contract.errors import Cancelled


def _silent(fraction: float, text: str) -> None:
    """Report progress to nobody."""


def _never() -> bool:
    return False


@dataclass
class Context:
    """Handed down to every stage.

    seed: the job's seed; every stage derives its own generator with `rng(name)`, so that a stage that is read from the
        cache does not change the numbers of the next one.
    report: called with (fraction 0..1 of the current stage, short text).
    cancelled: asked often (at least ten times a second of work); True means stop.
    notes: choices and warnings a stage wants in report.json; each is {"stage", "choice", "by"} or {"stage", "warning"}.
    """

    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    report: Callable[[float, str], None] = _silent
    cancelled: Callable[[], bool] = _never
    notes: list[dict[str, object]] = field(default_factory=list)

    def progress(self, fraction: float, text: str = "") -> None:
        """Report and check for cancel in one call. Raises Cancelled."""
        self.check()
        self.report(min(max(fraction, 0.0), 1.0), text)

    def check(self) -> None:
        """Raise Cancelled when the user asked to stop."""
        if self.cancelled():
            raise Cancelled

    def rng(self, name: str) -> np.random.Generator:
        """A generator for the stage or purpose `name`: same seed and name, same numbers."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "little"))

    def choice(self, stage: str, what: str, by: str) -> None:
        """Record a choice and who made it (network, exif, artist, default, ...)."""
        self.notes.append({"stage": stage, "choice": what, "by": by})

    def warning(self, stage: str, text: str) -> None:
        """Record a warning, one sentence, shown to the user with the result."""
        self.notes.append({"stage": stage, "warning": text})
