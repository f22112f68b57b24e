# mypy: ignore-errors
# (types of numba.cuda are those of its implementation, not of what may be written in a kernel)
"""Standing water on the GPU: one gather a cell once the levels of the basins are known, and sums in a fixed order."""

from __future__ import annotations

from numba import boolean, cuda, float32, float64, int32, uint8

from .launch import THREADS
from .state import ALONE, FIXED, UNDRAINED


@cuda.jit(cache=True)
def raise_to_level(z, labels, level, filled, depth, sums):
    """float32 (n,) `filled`, heights raised to the level of their basins, `depth`, and float64 (blocks,) sums of depth.

    Cells without data keep their value and hold no water.
    """
    parts = cuda.shared.array(THREADS, float64)
    tid = cuda.threadIdx.x
    total = float64(0.0)
    for cell in range(cuda.grid(1), z.size, cuda.gridsize(1)):
        height = z[cell]
        label = labels[cell]
        water = float32(0.0)
        if 0 < label < level.size and level[label] > height:
            water = level[label] - height
            height = level[label]
        filled[cell] = height
        depth[cell] = water
        total += float64(water)
    parts[tid] = total
    cuda.syncthreads()
    if tid == 0:
        for k in range(1, cuda.blockDim.x):
            total += parts[k]
        sums[cuda.blockIdx.x] = total


@cuda.jit(cache=True)
def mark_undrained(labels, parent, fixed, kept, state):
    """uint8 (n,) `kept`: FIXED where `fixed` (bool (n,) or (0,)) says so, plus ALONE in basins whose water does not get out."""
    mine = 0
    for cell in range(cuda.grid(1), labels.size, cuda.gridsize(1)):
        mark = 0
        if fixed.size > 0 and fixed[cell]:
            mark = FIXED
        label = labels[cell]
        if 0 < label < parent.size and parent[label] != 0:
            mark |= ALONE
            mine += 1
        kept[cell] = mark
    if mine > 0:
        cuda.atomic.add(state, UNDRAINED, mine)


@cuda.jit(cache=True)
def copy_grid(source, target):
    """float32 or float64 (rows, cols) of any strides into float32 (n,)."""
    cols = source.shape[1]
    for cell in range(cuda.grid(1), target.size, cuda.gridsize(1)):
        target[cell] = float32(source[cell // cols, cell % cols])


@cuda.jit(cache=True)
def copy_receivers(source, target):
    """int32 (rows, cols) of any strides into int32 (n,)."""
    cols = source.shape[1]
    for cell in range(cuda.grid(1), target.size, cuda.gridsize(1)):
        target[cell] = source[cell // cols, cell % cols]


@cuda.jit(cache=True)
def copy_mask(source, target):
    """bool (rows, cols) of any strides into bool (n,)."""
    cols = source.shape[1]
    for cell in range(cuda.grid(1), target.size, cuda.gridsize(1)):
        target[cell] = source[cell // cols, cell % cols]


KERNELS = [
    ("raise_to_level", raise_to_level, (float32[::1], int32[::1], float32[::1], float32[::1], float32[::1], float64[::1])),
    ("mark_undrained", mark_undrained, (int32[::1], int32[::1], boolean[::1], uint8[::1], int32[::1])),
    ("copy_grid", copy_grid, (float64[:, :], float32[::1])),
    ("copy_receivers", copy_receivers, (int32[:, :], int32[::1])),
    ("copy_mask", copy_mask, (boolean[:, :], boolean[::1])),
]
