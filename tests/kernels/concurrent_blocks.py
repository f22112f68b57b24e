"""Numba's CUDA simulator with all blocks of a grid at work at once.

The simulator runs one block after another and lets blocks wait for each other only if there is one. Here every thread of every
block is a thread of Python's, barriers are real ones, and each block has its own shared memory, so that what goes wrong between
blocks of a cooperative kernel goes wrong here too.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
from numba.core import types
from numba.cuda.simulator import kernel as simulator
from numba.cuda.simulator import kernelapi
from numba.np import numpy_support


@contextlib.contextmanager
def blocks_at_once(launch: Any, blocks: int, threads: int) -> Iterator[None]:
    """Within: kernels of `launch` (kernels.cuda.launch) get up to `blocks` blocks of `threads` threads, all running together."""
    with (
        mock.patch.object(simulator, "BlockManager", _Grid),
        mock.patch.object(kernelapi.GridGroup, "sync", _wait_for_all),
        mock.patch.object(kernelapi.FakeCUDAShared, "array", _shared_array),
        mock.patch.object(launch, "THREADS", threads),
        mock.patch.object(launch, "MOST_BLOCKS", blocks),
        mock.patch.object(launch, "resident_blocks", lambda kernel, arguments: blocks),
    ):
        yield


class _Grid:
    """Stands in for the simulator's manager of one block: starts all blocks with the first and has done the others then."""

    def __init__(self, function: Any, grid_dim: tuple[int, ...], block_dim: tuple[int, ...], debug: bool) -> None:
        self._function, self._grid_dim, self._block_dim = function, grid_dim, block_dim

    def run(self, grid_point: tuple[int, ...], *arguments: Any) -> None:
        if any(grid_point):
            return
        size = int(np.prod(self._block_dim))
        everybody = threading.Barrier(size * int(np.prod(self._grid_dim)))
        threads: list[_Thread] = []
        for block in np.ndindex(*self._grid_dim):
            barrier, votes = threading.Barrier(size), [0] * size
            for place in np.ndindex(*self._block_dim):
                threads.append(_Thread(self._function, arguments, block, place, self._block_dim, barrier, votes, everybody))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        faults = [thread.fault for thread in threads if thread.fault is not None]
        faults.sort(key=lambda fault: isinstance(fault, threading.BrokenBarrierError))
        if faults:
            raise faults[0]


class _Thread(threading.Thread):
    """A thread of a block, with what the simulator's kernel functions ask of it."""

    def __init__(
        self,
        function: Any,
        arguments: tuple[Any, ...],
        block: tuple[int, ...],
        place: tuple[int, ...],
        block_dim: tuple[int, ...],
        barrier: threading.Barrier,
        votes: list[int],
        everybody: threading.Barrier,
    ) -> None:
        super().__init__(daemon=True)
        self._function, self._arguments = function, arguments
        self._barrier, self._votes, self.everybody = barrier, votes, everybody
        self.blockIdx, self.threadIdx = kernelapi.Dim3(*block), kernelapi.Dim3(*place)
        self.thread_id = place[0] + block_dim[0] * (place[1] + block_dim[1] * place[2])
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            self._function(*self._arguments)
        except BaseException as fault:
            self.fault = fault
            self._barrier.abort()
            self.everybody.abort()

    def syncthreads(self) -> None:
        self._barrier.wait()

    def syncthreads_count(self, value: Any) -> int:
        self._votes[self.thread_id] = 1 if value else 0
        self._barrier.wait()
        count = sum(self._votes)
        self._barrier.wait()
        return count

    def syncthreads_or(self, value: Any) -> int:
        return 1 if self.syncthreads_count(value) else 0

    def syncthreads_and(self, value: Any) -> int:
        return 1 if self.syncthreads_count(value) == len(self._votes) else 0


def _wait_for_all(group: Any) -> None:
    thread = threading.current_thread()
    assert isinstance(thread, _Thread)
    thread.everybody.wait()


def _shared_array(shared: Any, shape: Any, dtype: Any) -> np.ndarray:
    """One array a block and line of code; filled with garbage, as on a GPU."""
    kind = np.dtype(numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype)
    caller = traceback.extract_stack(sys._getframe(), limit=2)[0]
    block = threading.current_thread().blockIdx  # type: ignore[attr-defined]
    key = (caller.filename, caller.lineno, block.x, block.y, block.z)
    with _allocating:
        if key not in shared._allocations:
            shared._allocations[key] = np.full(shape, 7, kind)
        return shared._allocations[key]


_allocating = threading.Lock()
