"""What artists scatter and paint by: how steep the ground is, and how much ground drains through each point.

    analysis.npy   float32 (2, rows, cols): slope in degrees; flow, the catchment area above each point in square meters (LAYERS)

The same is worked out anew for sculpted heights when the add-on asks (`analyze` on the wire).
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import messages
from ..contract.messages import BadMessage, Message

LAYERS = ("slope", "flow")
"""Order in analysis.npy, and names of the attributes in Blender."""

log = logging.getLogger(__name__)


def analyze(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """float32 (2, rows, cols) of LAYERS. heights: float32 (rows, cols), meters, finite. Raises KernelInputError.

    Slope along the border, where the kernel has no neighbors to look at, is that of the next cell inside. Flow counts the point's
    own cell; D8, led out of every depression as if that were filled.
    """
    from kernels.derivatives import slope
    from kernels.flow import flow_accumulation

    layers = np.empty((2, *heights.shape), np.float32)
    if min(heights.shape) > 2:
        inner = slope(heights, dx_m, device="cpu")[1:-1, 1:-1]
        layers[0] = np.degrees(np.pad(inner, 1, "edge"))
    else:
        layers[0] = 0.0
    np.multiply(flow_accumulation(heights, dx_m, device="cpu"), np.float32(dx_m * dx_m), out=layers[1])
    return layers


def write(path: Path, layers: np.ndarray) -> None:
    """analysis.npy, under its name only when it is whole. Raises OSError."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as target:
            np.save(target, layers, allow_pickle=False)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


class Analyses:
    """Answers `analyze`, each request in a thread of its own, so that no running job delays it. send: writes one message."""

    def __init__(self, send: Callable[[Message], None]):
        self._send = send

    def ask(self, message: Message) -> None:
        """Answer this message soon. Raises BadMessage when it is no request."""
        check(message)
        threading.Thread(target=lambda: self._send(answer(message)), name="analysis", daemon=True).start()


def answer(message: Message) -> Message:
    """The `analysis` message for a checked request; its file lies beside the heights."""
    source = Path(message["heights"])
    target = source.with_name(f"{source.stem}-analysis.npy")
    try:
        write(target, analyze(np.load(source, allow_pickle=False), message["dx_m"]))
    except (OSError, ValueError) as problem:    # KernelInputError is a ValueError
        return messages.make("analysis", ask=message["ask"], text=f"Slope and flow cannot be computed: {problem}")
    except Exception as problem:
        log.exception("An analysis failed.")
        return messages.make("analysis", ask=message["ask"], text=f"Slope and flow failed ({type(problem).__name__}); see the log.")
    return messages.make("analysis", ask=message["ask"], layers=str(target))


def check(message: Message) -> None:
    """Raises BadMessage."""
    ask, path, dx_m = (message.get(name) for name in ("ask", "heights", "dx_m"))
    if isinstance(ask, bool) or not isinstance(ask, int):
        raise BadMessage("`analyze` needs a whole number as `ask`.")
    if not isinstance(path, str) or not path or "\0" in path:
        raise BadMessage("`analyze` needs a path as `heights`.")
    if not is_positive(dx_m):
        raise BadMessage("`analyze` needs a positive number as `dx_m`.")


def is_positive(value: Any) -> bool:
    """Whether this is a number greater than 0."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
