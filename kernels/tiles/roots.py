"""The roots of all tiles in one numbering: where water leaves a tile or stays, and what its seams drain to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import codes
from .tiling import Bounds, Tiling, empty_seams, parts, rims


class Roots:
    """Nodes of the graph of tiles: 0 is all outlets, then the pits and ways out of tile after tile.

    seams: node that each outermost cell of a tile drains to, -1 without data.   cells: int32 flat cell of each node in the
    whole grid.   ways: uint8 its direction.   base: int64, tile k has nodes base[k] + 1 to base[k + 1].
    Tiles are added in any order, by several threads; `number` ends that.
    """

    def __init__(self, tiling: Tiling) -> None:
        self._tiling = tiling
        self.seams = empty_seams(tiling, np.int32)
        self._cells = [np.empty(0, np.int32)] * len(tiling)
        self._ways = [np.empty(0, np.uint8)] * len(tiling)

    def add(self, index: int, bounds: Bounds, ways: np.ndarray, labels: np.ndarray, roots: np.ndarray, numbers: np.ndarray) -> None:
        """A tile with its directions, labels of its cells, of which only the outermost count, and the cells of its roots 1, 2, ...

        numbers: which of these roots each label stands for.   All with one cell around the tile.
        """
        for part, rim in zip(parts(self.seams, bounds), rims(labels[1:-1, 1:-1]), strict=True):
            part[:] = np.where(rim > 0, numbers[rim], rim)
        i, j = np.divmod(roots.astype(np.int64), ways.shape[1])
        self._cells[index] = ((bounds[0] + i - 1) * self._tiling.cols + bounds[2] + j - 1).astype(np.int32)
        self._ways[index] = ways.ravel()[roots]

    def add_routed(self, index: int, bounds: Bounds, ways: np.ndarray) -> np.ndarray:
        """The same for routed directions. Returns the roots' cells."""
        labels, roots = codes.roots_of(ways)
        for first, last, stride in codes.rim_of(ways.shape):
            codes.follow(ways, labels, first, last, stride)
        self.add(index, bounds, ways, labels, roots, np.arange(roots.size + 1, dtype=np.int32))
        return roots

    def number(self) -> None:
        """Go over from numbers within tiles to numbers in the whole."""
        self.base = np.concatenate([[0], np.cumsum([cells.size for cells in self._cells])]).astype(np.int64)
        self.cells = np.concatenate([np.zeros(1, np.int32), *self._cells])
        self.ways = np.concatenate([np.full(1, codes.STAY, np.uint8), *self._ways])
        self._cells, self._ways = [], []
        for index, bounds in enumerate(self._tiling):
            for part in parts(self.seams, bounds):
                part[:] = self.numbered(index, part)

    def numbered(self, index: int, labels: np.ndarray) -> np.ndarray:
        """Nodes of labels within a tile."""
        return np.where(labels > 0, labels + np.int32(self.base[index]), labels)


@dataclass(frozen=True)
class ByTile:
    """Values at cells, sorted by tile."""

    tiling: Tiling
    cells: np.ndarray
    values: np.ndarray
    start: np.ndarray

    def of(self, index: int, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        """Cells of that tile numbered within its frame, int64, and their values."""
        mine = slice(self.start[index], self.start[index + 1])
        return within(bounds, self.cells[mine], self.tiling.cols), self.values[mine]


def within(bounds: Bounds, cells: np.ndarray, cols: int) -> np.ndarray:
    """Cells (flat in the whole grid) numbered within the frame of the tile that they are in."""
    r, c = np.divmod(cells, cols)
    return (r - bounds[0] + 1) * (bounds[3] - bounds[2] + 2) + c - bounds[2] + 1


def by_tile(tiling: Tiling, cells: np.ndarray, values: np.ndarray) -> ByTile:
    """Sort values at cells (int64, flat in the whole grid) by tile; the order within a tile stays."""
    owner = tiling.tile_of(cells)
    order = np.argsort(owner, kind="stable")
    return ByTile(tiling, cells[order], values[order], np.searchsorted(owner[order], np.arange(len(tiling) + 1)))
