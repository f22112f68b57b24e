"""Answers `shadow`: which cells other ground keeps from the sun, in a thread of its own, so that no running job delays it.

The artist turns a slider: of requests that wait only the newest is answered.
"""

from __future__ import annotations

import base64
import logging
import math
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import messages
from .contract.messages import BadMessage, Message

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


class Shadows:
    """Takes requests and sends answers. send: writes one message."""

    def __init__(self, send: Callable[[Message], None]):
        self._send = send
        self._next: Message | None = None
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._read: tuple[tuple[str, int], np.ndarray] | None = None

    def ask(self, message: Message) -> None:
        """Answer this message soon. Raises BadMessage when it is no request."""
        check(message)
        with self._news:
            self._next = message
            self._news.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="shadows", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._news:
                while self._next is None:
                    self._news.wait()
                message, self._next = self._next, None
            self._send(self._answer(message))

    def _answer(self, message: Message) -> Message:
        import numpy as np  # here, so that `ready` need not wait for it

        try:
            began = time.monotonic()
            dark = cast(self._heights(message["heights"]), message)
            bits = base64.b64encode(zlib.compress(np.packbits(dark).tobytes(), 1)).decode()
            answer = messages.make("shadow", ask=message["ask"], rows=dark.shape[0], cols=dark.shape[1], bits=bits,
                                   seconds=round(time.monotonic() - began, 4))
            if len(bits) > messages.MAX_LINE_BYTES - 1000:
                raise BadMessage("The mask is too large for a message; ask for every second cell.")
            return answer
        except (OSError, ValueError, BadMessage) as problem:    # KernelInputError is a ValueError
            return messages.make("shadow", ask=message["ask"], text=f"The shadows cannot be computed: {problem}")
        except Exception as problem:
            log.exception("A shadow mask failed.")
            return messages.make("shadow", ask=message["ask"], text=f"The shadows failed ({type(problem).__name__}); see the log.")

    def _heights(self, path: str) -> np.ndarray:
        """The heights in a file, kept until another one or a newer version of it is asked for."""
        import numpy as np

        key = path, Path(path).stat().st_mtime_ns
        if self._read is None or self._read[0] != key:
            self._read = key, np.load(path, allow_pickle=False)
        return self._read[1]


def cast(heights: np.ndarray, message: Message) -> np.ndarray:
    """bool (rows, cols) of every `step`th cell: True in shadow. Raises KernelInputError."""
    from kernels.shadow import cast_shadow

    dark = cast_shadow(heights, message["dx_m"], math.radians(message["azimuth_deg"]), math.radians(message["elevation_deg"]),
                       device="cpu")
    return dark[::message["step"], ::message["step"]]


def check(message: Message) -> None:
    """Raises BadMessage."""
    def is_number(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

    ask, step, path = (message.get(name) for name in ("ask", "step", "heights"))
    if isinstance(ask, bool) or not isinstance(ask, int):
        raise BadMessage("`shadow` needs a whole number as `ask`.")
    if not isinstance(path, str) or not path or "\0" in path:
        raise BadMessage("`shadow` needs a path as `heights`.")
    if not all(is_number(message.get(name)) for name in ("dx_m", "azimuth_deg", "elevation_deg")):
        raise BadMessage("`shadow` needs the numbers `dx_m`, `azimuth_deg` and `elevation_deg`.")
    if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= 4096:
        raise BadMessage("`shadow` needs a whole number from 1 to 4096 as `step`.")
