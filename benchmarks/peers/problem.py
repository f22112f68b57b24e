"""What every peer is given: one terrain and the same parameters. NumPy only, so that it runs in any environment."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

SPACING_M = 10.0
EPSILON_M = 1e-3  # least drop a cell, for all that take one
SUN_AZIMUTH_RAD = math.radians(300.0)  # clockwise from north
SUN_ELEVATION_RAD = math.radians(20.0)
CAMERA_ABOVE_M = 300.0


@dataclass
class Task:
    """One piece of work, ready to run. `run` is timed; what only turns its result into an array goes into `array`.

    note: what the peer does, in a few words.   seconds: replaces the wall clock (a GPU's own clock).
    workspace_bytes: scratch memory held, where the library can tell.   files: true if `run` reads and writes files.
    """

    run: Callable[[], object]
    note: str = ""
    array: Callable[[object], object] = field(default=lambda result: result)
    seconds: Callable[[], float] | None = None
    workspace_bytes: Callable[[], int] | None = None
    files: bool = False


@dataclass(frozen=True)
class Problem:
    """heights: float32 (rows, cols), meters; row 0 is the north.   threads: how many to use, of as many cores."""

    heights: np.ndarray
    threads: int
    folder: str  # for peers that need files

    def camera(self) -> tuple[int, int]:
        """Row and column of the camera's foot: the highest cell near the left border."""
        width = max(8, self.heights.shape[1] // 16)
        row, col = divmod(int(np.argmax(self.heights[:, 2:width])), width - 2)
        return row, col + 2

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As many random points as cells: x and y in cells, float32 (n,), within the grid; z of the cell they fall into."""
        rng = np.random.default_rng(3)
        rows, cols = self.heights.shape
        x = rng.random(rows * cols, np.float32) * np.float32(cols)
        y = rng.random(rows * cols, np.float32) * np.float32(rows)
        # float32 rounds up at the far side
        x, y = np.minimum(x, np.nextafter(np.float32(cols), 0)), np.minimum(y, np.nextafter(np.float32(rows), 0))
        return x, y, self.heights[y.astype(np.int32), x.astype(np.int32)]

    def surface(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of a picture of half the side, shaken within the cells they show: x, y in cells and z, float32 (h, w)."""
        rng = np.random.default_rng(3)
        h, w = self.heights.shape[0] // 2, self.heights.shape[1] // 2
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        y, x = y * 2 + 0.5 + rng.random((h, w), np.float32), x * 2 + 0.5 + rng.random((h, w), np.float32)
        return x, y, np.ascontiguousarray(self.heights[: 2 * h : 2, : 2 * w : 2])

    def path(self, name: str) -> str:
        """A file in the folder of this process."""
        return os.path.join(self.folder, name)  # noqa: PTH118 (peers want strings)
