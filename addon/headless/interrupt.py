"""Ctrl-C and the farm's request to end, heard at once and answered in order. No bpy here."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

CODE = 130

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


class Interrupt:
    """Whether somebody wants it to end. Inside `breaking`, where nobody asks, the wish is a KeyboardInterrupt instead."""

    def __init__(self) -> None:
        self.asked = False
        self._breaks = False
        self._times = 0

    @contextlib.contextmanager
    def breaking(self) -> Iterator[None]:
        """Work of this process itself, which ends where it just is. Raises KeyboardInterrupt."""
        self._breaks = True
        try:
            yield
        finally:
            self._breaks = False
        if self.asked:    # Blender swallows what is raised inside of its own handlers
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals: the first asks, the third ends the process on the spot. Only in the main thread."""
        previous = [(number, signal.signal(number, self._heard)) for number in SIGNALS]
        try:
            yield
        finally:
            for number, handler in previous:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._times += 1
        if self._times > 2:
            os._exit(CODE)
        self.asked = True
        if self._breaks:
            self._breaks = False
            raise KeyboardInterrupt
