"""Where terrains lie: arrays, anything that slices like one, and .npy files read and written tile by tile.

Files are mapped anew for every tile, so that no more than a tile is held. Results go to a file beside the wanted one that
takes its name once it is complete; an array that could not be completed is filled with a mark (NaN, 255, -1).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..cpu import threads
from ..errors import KernelInputError
from .tiling import Bounds, Tiling

Progress = Callable[[float], None]
Cancel = Callable[[], bool]


class TilesCancelled(Exception):
    """`cancel` said so. Nothing half-written is left."""


class Source:
    """A grid to read tiles of: an array-like sliced by [r0:r1, c0:c1], or the path of a .npy file."""

    def __init__(self, data: Any, name: str) -> None:
        self.name = name
        self.path = Path(data) if isinstance(data, str | os.PathLike) else None
        self._data = data
        self._lock = threading.Lock()  # readers of files are rarely made for several threads
        opened = self._open()
        if not hasattr(opened, "shape") or not hasattr(opened, "dtype") or not hasattr(opened, "__getitem__"):
            raise KernelInputError(f"The {name} must be an array, or the path of a .npy file, not {type(data).__name__}.")
        if len(opened.shape) != 2:
            raise KernelInputError(f"The {name} must be a grid of rows and columns, not of shape {tuple(opened.shape)}.")
        self.shape: tuple[int, int] = (int(opened.shape[0]), int(opened.shape[1]))
        self.dtype = np.dtype(opened.dtype)

    def _open(self) -> Any:
        if self.path is None:
            return self._data
        try:
            return np.load(self.path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as problem:
            raise KernelInputError(f"The {self.name} cannot be read from {self.path}: {problem}.") from problem

    def read(self, bounds: Bounds) -> np.ndarray:
        """A copy of those cells."""
        r0, r1, c0, c1 = bounds
        with self._lock:
            return np.array(self._open()[r0:r1, c0:c1])

    def shares_memory(self, other: Any) -> bool:
        """Whether writing to `other` would change this grid."""
        if self.path is not None:
            path = other if isinstance(other, str | os.PathLike) else getattr(other, "filename", None)
            return path is not None and Path(path).exists() and self.path.samefile(path)
        if isinstance(self._data, np.ndarray) and isinstance(other, np.ndarray):
            return np.may_share_memory(self._data, other)
        return self._data is other


def padded(source: Source, bounds: Bounds, outside: Any) -> np.ndarray:
    """A tile with one cell around it, `outside` beyond the grid; C-contiguous."""
    r0, r1, c0, c1 = bounds
    rows, cols = source.shape
    top, left = max(r0 - 1, 0), max(c0 - 1, 0)
    inner = source.read((top, min(r1 + 1, rows), left, min(c1 + 1, cols)))
    out = np.full((r1 - r0 + 2, c1 - c0 + 2), outside, inner.dtype)
    i, j = top - (r0 - 1), left - (c0 - 1)
    out[i : i + inner.shape[0], j : j + inner.shape[1]] = inner
    return out


class Target:
    """A grid to write tiles to; made by `writing`."""

    def __init__(self, place: Any, shape: tuple[int, int], dtype: Any, mark: Any) -> None:
        self.dtype = np.dtype(dtype)
        self._mark, self._shape = mark, shape
        self._written: list[Bounds] = []
        self._lock = threading.Lock()
        self.path = Path(place) if isinstance(place, str | os.PathLike) else None
        if self.path is None:
            if not hasattr(place, "__setitem__") or tuple(getattr(place, "shape", ())) != shape:
                raise KernelInputError(
                    f"The target must be a path or an array of shape {shape}, not {getattr(place, 'shape', type(place).__name__)}."
                )
            if np.dtype(place.dtype) != self.dtype:
                raise KernelInputError(f"The target must have the type {self.dtype}, not {place.dtype}.")
            self._data = place
            return
        self.part = self.path.with_name(self.path.name + ".part")
        try:
            np.lib.format.open_memmap(self.part, mode="w+", dtype=self.dtype, shape=shape)
        except OSError as problem:
            self.discard()
            raise KernelInputError(f"The target {self.path} cannot be written: {problem}.") from problem

    def write(self, bounds: Bounds, values: np.ndarray) -> None:
        """Put a tile of the given cells."""
        r0, r1, c0, c1 = bounds
        with self._lock:
            if self.path is not None:
                np.load(self.part, mmap_mode="r+")[r0:r1, c0:c1] = values
                return
            self._written.append(bounds)
            self._data[r0:r1, c0:c1] = values

    def finish(self) -> None:
        """The file takes its name."""
        if self.path is not None:
            self.part.replace(self.path)
        elif hasattr(self._data, "flush"):
            self._data.flush()

    def discard(self) -> None:
        """Leave no half-written file, and no half-written array unmarked."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.part.unlink()
            return
        for r0, r1, c0, c1 in self._written:
            self._data[r0:r1, c0:c1] = self._mark


@contextlib.contextmanager
def writing(place: Any, shape: tuple[int, int], dtype: Any, mark: Any) -> Iterator[Target]:
    """A target that is complete after the block, or gone (a file) or marked (an array) if the block fails."""
    target = Target(place, shape, dtype, mark)
    try:
        yield target
        target.finish()
    except BaseException:
        target.discard()
        raise


class Watch:
    """Progress over several passes and the wish to stop, asked before each tile."""

    def __init__(self, passes: int, progress: Progress | None, cancel: Cancel | None) -> None:
        self._passes, self._progress, self._cancel = passes, progress, cancel
        self._done = 0.0

    def check(self) -> None:
        """Raises TilesCancelled."""
        if self._cancel is not None and self._cancel():
            raise TilesCancelled("Cancelled; nothing was written.")

    def advance(self, share: float) -> None:
        """A further share of one pass is done."""
        self._done += share / self._passes
        if self._progress is not None:
            self._progress(min(self._done, 1.0))


def each_tile(tiling: Tiling, work: Callable[[int, Bounds], Any], watch: Watch) -> list[Any]:
    """`work(index, bounds)` for every tile, as many at a time as there are threads; the results in order."""
    results: list[Any] = []
    step = threads.thread_count()
    for first in range(0, len(tiling), step):
        watch.check()
        group = range(first, min(first + step, len(tiling)))
        results += threads.run([lambda index=index: work(index, tiling.bounds(index)) for index in group])  # type: ignore[misc]
        watch.advance(len(group) / len(tiling))
    return results
