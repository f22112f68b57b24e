"""Scratch memory of the kernels, kept between calls.

Fresh pages cost as much as several passes over a grid: whoever calls a kernel again and again hands in one `Workspace`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


class Workspace:
    """Named buffers that only grow. Not for two threads at once.

    nbytes: memory held.   `with Workspace() as scratch:` gives it back at the end.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def take(self, name: str, shape: int | Sequence[int], dtype: Any) -> np.ndarray:
        """An uninitialized C-contiguous array in the buffer of that name; what was there before is gone."""
        extent = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        kind = np.dtype(dtype)
        size = math.prod(extent) * kind.itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < size:
            self._buffers.pop(name, None)  # the old one goes first: never both
            buffer = self._buffers[name] = np.empty(size, np.uint8)
        return buffer[:size].view(kind).reshape(extent)

    @property
    def nbytes(self) -> int:
        """Bytes held by all buffers."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def clear(self) -> None:
        """Give the memory back."""
        self._buffers.clear()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()
