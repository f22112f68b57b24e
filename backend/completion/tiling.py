"""SpotDiffusion in two dimensions (Frolov et al. 2025, P2P 5.4): contiguous tiles, no overlap, moved at every step.

Seams of one step lie inside tiles of the next one, so they vanish without any blending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

TILE = 256
"""Side of a tile in cells: the crops the network was trained on. Tiles at the rim are between half and 1.5 of it."""


@dataclass(frozen=True)
class Layout:
    """How one step cuts a grid: mirrored padding (top, bottom, left, right) and the tiles of the padded grid.

    rows, cols: edges of the tiles, ascending, the first 0, the last the padded side; multiples of the unit.
    """

    padding: tuple[int, int, int, int]
    rows: tuple[int, ...]
    cols: tuple[int, ...]

    def tiles(self) -> Iterator[tuple[slice, slice]]:
        """Every tile of the padded grid once, row by row."""
        for top, bottom in zip(self.rows, self.rows[1:], strict=False):
            for left, right in zip(self.cols, self.cols[1:], strict=False):
                yield slice(top, bottom), slice(left, right)

    def __len__(self) -> int:
        return (len(self.rows) - 1) * (len(self.cols) - 1)


def layout(shape: tuple[int, int], unit: int, rng: np.random.Generator | None, tile: int = TILE) -> Layout:
    """Cut `shape` into tiles whose corner is drawn from `rng` (at the origin without one).

    unit: what tile sides must be multiples of. The grid is padded, at most by unit - 1 on each side, so that any corner
    is possible, not only multiples of the unit.
    """
    edges, padding = [], []
    for side in shape:
        corner = int(rng.integers(tile)) if rng is not None else 0
        before = -corner % unit
        after = -(before + side) % unit
        length = before + side + after
        first = (corner + before) % tile
        inner = [e for e in range(first, length, tile) if e > 0]
        # A narrow rest joins its neighbor: the network has not seen slivers.
        if inner and inner[0] < tile // 2:
            inner.pop(0)
        if inner and length - inner[-1] < tile // 2:
            inner.pop()
        edges.append((0, *inner, length))
        padding += [before, after]
    return Layout((padding[0], padding[1], padding[2], padding[3]), edges[0], edges[1])


def mirror(grid: torch.Tensor, padding: tuple[int, int, int, int]) -> torch.Tensor:
    """(rows, cols) -> padded grid; rims wider than the grid repeat the mirror image."""
    top, bottom, left, right = padding
    rows, cols = grid.shape
    padded = grid[None, None]
    while any((top, bottom, left, right)):
        step = (min(left, cols - 1), min(right, cols - 1), min(top, rows - 1), min(bottom, rows - 1))
        padded = functional.pad(padded, step, mode="reflect")
        left, right, top, bottom = left - step[0], right - step[1], top - step[2], bottom - step[3]
        rows, cols = padded.shape[2:]
    return padded[0, 0]


def extend(grid: np.ndarray, rim: int) -> np.ndarray:
    """Add `rim` cells of ground on all sides that go on with the slope at the border: 2 x border - mirror image.

    Diffusion runs on the extended grid and cuts the rim off: a plain mirror would flatten the ground at the border.
    """
    return np.pad(grid, rim, mode="reflect", reflect_type="odd")


def for_each_tile(
    grids: tuple[torch.Tensor, ...],
    cut: Layout,
    work: Callable[..., torch.Tensor],
    before_tile: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Apply `work` to the same tile of all `grids` (rows, cols) and put the answers together, unpadded.

    work: tiles (1, 1, h, w) -> (1, 1, h, w).   before_tile: called before each tile; it may raise to stop.
    """
    padded = [mirror(grid, cut.padding) for grid in grids]
    result = torch.empty_like(padded[0])
    for rows, cols in cut.tiles():
        before_tile()
        result[rows, cols] = work(*(grid[None, None, rows, cols] for grid in padded))[0, 0]
    top, bottom, left, right = cut.padding
    return result[top : result.shape[0] - bottom, left : result.shape[1] - right]
