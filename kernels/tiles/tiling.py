"""How a grid is cut into tiles, and what is kept of the cells along their seams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np

from ..errors import KernelInputError

Bounds = tuple[int, int, int, int]
"""First row, row after the last, first column, column after the last."""

LARGEST_TERRAIN = 2**30
"""Cells: an edge between two cells is numbered in 32 bits."""


@dataclass(frozen=True)
class Tiling:
    """A grid of rows x cols cells cut into tiles of height x width cells; the last ones may be smaller."""

    rows: int
    cols: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def tile_rows(self) -> int:
        return -(-self.rows // self.height)

    @property
    def tile_cols(self) -> int:
        return -(-self.cols // self.width)

    def __len__(self) -> int:
        return self.tile_rows * self.tile_cols

    def bounds(self, index: int) -> Bounds:
        """The cells of a tile; tiles are numbered in reading order."""
        r0, c0 = (index // self.tile_cols) * self.height, (index % self.tile_cols) * self.width
        return r0, min(r0 + self.height, self.rows), c0, min(c0 + self.width, self.cols)

    def __iter__(self) -> Iterator[Bounds]:
        return (self.bounds(index) for index in range(len(self)))

    def tile_of(self, cells: np.ndarray) -> np.ndarray:
        """int64: which tile each cell (flat index in the whole grid) lies in."""
        r, c = np.divmod(cells.astype(np.int64), self.cols)
        return (r // self.height) * self.tile_cols + c // self.width


def checked_tiling(shape: tuple[int, ...], tile: Any) -> Tiling:
    """The tiles of a grid, `tile` a side or (rows, columns). Raises KernelInputError."""
    if len(shape) != 2 or min(shape) < 1:
        raise KernelInputError(f"Terrains need rows and columns, not the shape {tuple(shape)}.")
    rows, cols = int(shape[0]), int(shape[1])
    if rows * cols > LARGEST_TERRAIN:
        raise KernelInputError(f"The terrain has {rows * cols} cells; tiles take up to {LARGEST_TERRAIN}, cut it first.")
    try:
        height, width = (int(side) for side in (tile if isinstance(tile, tuple | list) else (tile, tile)))
    except (TypeError, ValueError):
        raise KernelInputError(f"`tile` must be a number of cells or a pair of them, not {tile!r}.") from None
    if min(height, width) < 1 or height * width > 2**27:
        raise KernelInputError(f"Tiles of {height} x {width} cells do not work; take 256 to 4096 a side.")
    return Tiling(rows, cols, min(height, rows), min(width, cols))


class Seams(NamedTuple):
    """The values of the outermost cells of all tiles: (tile rows, cols) twice, then (tile columns, rows) twice.

    A tuple so that jitted loops take it; `empty_seams`, `put` and `at` are its constructor and methods.
    """

    top: np.ndarray
    bottom: np.ndarray
    left: np.ndarray
    right: np.ndarray
    height: int
    width: int


def empty_seams(tiling: Tiling, dtype: Any) -> Seams:
    """Seams yet to be filled, by `put` of every tile."""
    lying, standing = (tiling.tile_rows, tiling.cols), (tiling.tile_cols, tiling.rows)
    return Seams(
        np.zeros(lying, dtype),
        np.zeros(lying, dtype),
        np.zeros(standing, dtype),
        np.zeros(standing, dtype),
        tiling.height,
        tiling.width,
    )


def put(seams: Seams, bounds: Bounds, values: np.ndarray) -> None:
    """Keep the outermost cells of a tile's values (rows, columns of the tile)."""
    for part, rim in zip(parts(seams, bounds), rims(values), strict=True):
        part[:] = rim


def parts(seams: Seams, bounds: Bounds) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Views of what is kept of a tile: its top and bottom row, its left and right column."""
    r0, r1, c0, c1 = bounds
    i, j = r0 // seams.height, c0 // seams.width
    return seams.top[i, c0:c1], seams.bottom[i, c0:c1], seams.left[j, r0:r1], seams.right[j, r0:r1]


def rims(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same four of a tile's values."""
    return values[0], values[-1], values[:, 0], values[:, -1]


@numba.njit(cache=True, nogil=True, inline="always")
def at(seams, r, c):
    """The value of a cell that lies along a seam or the border of the grid."""
    i = r // seams.height
    if r == i * seams.height:
        return seams.top[i, c]
    if r == (i + 1) * seams.height - 1 or r == seams.left.shape[1] - 1:
        return seams.bottom[i, c]
    j = c // seams.width
    if c == j * seams.width:
        return seams.left[j, r]
    return seams.right[j, r]
