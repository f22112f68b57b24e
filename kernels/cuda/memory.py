"""Scratch memory on the GPU, kept between calls: the counterpart of kernels.workspace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import cuda


class DeviceWorkspace:
    """Named Numba device arrays whose buffers only grow. For one stream and one thread at a time.

    nbytes: memory held.   `with DeviceWorkspace() as scratch:` gives it back at the end.
    """

    def __init__(self) -> None:
        self.basins = 0  # room that the last terrain with many basins needed
        self._buffers: dict[str, Any] = {}
        self._views: dict[str, tuple[tuple[int, ...], np.dtype, Any]] = {}

    def take(self, name: str, shape: int | Sequence[int], dtype: Any) -> Any:
        """An uninitialized C-contiguous device array in the buffer of that name; the same object while shape and type stay.

        Arrays may have no cells: kernels take them for masks that were not given.
        """
        extent = (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(size) for size in shape)
        kind = np.dtype(dtype)
        kept = self._views.get(name)
        if kept is not None and kept[0] == extent and kept[1] == kind:
            return kept[2]  # slices of device arrays cost more than small kernels do
        size = math.prod(extent) * kind.itemsize
        if size == 0:
            array = cuda.device_array(extent, kind)
            self._views[name] = (extent, kind, array)
            return array
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < size:
            self._views.pop(name, None)
            self._buffers.pop(name, None)
            del buffer, kept  # the old one goes first: never both
            buffer = self._buffers[name] = cuda.device_array(size, np.uint8)
        array = buffer[:size].view(kind).reshape(*extent)
        self._views[name] = (extent, kind, array)
        return array

    @property
    def nbytes(self) -> int:
        """Bytes held by all buffers."""
        return sum(int(buffer.nbytes) for buffer in self._buffers.values())

    def clear(self) -> None:
        """Give the memory back."""
        self._views.clear()
        self._buffers.clear()

    def __enter__(self) -> DeviceWorkspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()
