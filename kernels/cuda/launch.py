"""Grids of threads: plain kernels, and cooperative ones whose blocks wait for each other.

A cooperative kernel replaces a loop of launches that the host would have to end: its grid is as large as the GPU can run
at once, and all loops stride over it. All work goes to the default stream, so that nothing waits for the host.
"""

from __future__ import annotations

import warnings
from typing import Any

from numba import cuda
from numba.core.errors import NumbaPerformanceWarning

from kernels.arrays import simulated

warnings.filterwarnings("ignore", "Grid size", NumbaPerformanceWarning)  # small grids are meant to be small

THREADS = 8 if simulated() else 256
MOST_BLOCKS = 2 if simulated() else 4096
_resident: dict[tuple[int, int], int] = {}
"""Blocks of a kernel that a GPU runs at once, by kernel and GPU."""


def plain(kernel: Any, work: int, *arguments: Any, threads_each: int = 1) -> int:
    """Start a kernel that strides over `work` cells (threads_each=1) or over `work` tiles, a block each (threads_each=0).

    Returns the number of blocks.
    """
    wanted = -(-work // THREADS) if threads_each else work
    blocks = max(1, min(wanted, MOST_BLOCKS))
    kernel[blocks, THREADS](*arguments)
    return blocks


def cooperative(kernel: Any, work: int, *arguments: Any) -> None:
    """Start a kernel with grid-wide synchronization over up to `work` threads, as many blocks as fit at once."""
    blocks = max(1, min(-(-work // THREADS), resident_blocks(kernel, arguments)))
    kernel[blocks, THREADS](*arguments)


def resident_blocks(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Blocks of a cooperative kernel that this GPU runs at once; one in the simulator, which can do no more."""
    if simulated():
        return 1
    key = (id(kernel), cuda.get_current_device().id)
    if key not in _resident:
        compiled = kernel.compile(tuple(kernel.typeof_pyval(argument) for argument in arguments))
        _resident[key] = int(compiled.max_cooperative_grid_blocks(THREADS))
    return _resident[key]
