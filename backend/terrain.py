"""The terrain: heights on a grid that knows its spacing and its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Grid:
    """A regular grid in the terrain frame.

    rows, cols: row 0 is the farthest (+y), column 0 the leftmost (-x).   dx_m: spacing.
    origin_m: (x, y) of the center of cell (0, 0), the far left one.   Raises ValueError when it is no grid.
    """

    rows: int
    cols: int
    dx_m: float
    origin_m: tuple[float, float]

    def __post_init__(self) -> None:
        if self.rows < 2 or self.cols < 2:
            raise ValueError(f"A grid needs at least 2 x 2 cells, not {self.rows} x {self.cols}.")
        if not (np.isfinite(self.dx_m) and self.dx_m > 0):
            raise ValueError(f"Grid spacing must be positive, not {self.dx_m}.")

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.rows, self.cols

    def x(self) -> np.ndarray:
        """float64 (cols,): x of the cell centers in meters."""
        return self.origin_m[0] + self.dx_m * np.arange(self.cols)

    def y(self) -> np.ndarray:
        """float64 (rows,): y of the cell centers in meters, falling."""
        return self.origin_m[1] - self.dx_m * np.arange(self.rows)

    def refined(self, factor: int) -> Grid:
        """The same ground in cells `factor` times smaller."""
        dx = self.dx_m / factor
        shift = 0.5 * (self.dx_m - dx)
        origin = (self.origin_m[0] - shift, self.origin_m[1] + shift)
        return Grid(self.rows * factor, self.cols * factor, dx, origin)


@dataclass(frozen=True)
class Terrain:
    """Heights with their grid and named layers on the same grid.

    heights: float32 (rows, cols), meters, finite.   layers: name -> (rows, cols) array, for example `evidence` uint8
    (EVIDENCE below), `visible` float32 Z_V with NaN, `bound` float32 Z_max with +inf.   crs: WKT or None.
    """

    grid: Grid
    heights: np.ndarray
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    crs: str | None = None

    def __post_init__(self) -> None:
        if self.heights.dtype != np.float32 or self.heights.shape != self.grid.shape:
            raise ValueError(f"Heights must be float32 {self.grid.shape}, not {self.heights.dtype} {self.heights.shape}.")
        if not np.isfinite(self.heights).all():
            raise ValueError("Heights must be finite.")
        for name, layer in self.layers.items():
            if layer.shape != self.grid.shape:
                raise ValueError(f"Layer {name} has shape {layer.shape}, the grid {self.grid.shape}.")


EVIDENCE_INFERRED, EVIDENCE_VISIBLE, EVIDENCE_MOVED = 0, 1, 2
"""Values of the layer `evidence`: invented, seen in the picture, seen but moved by drainage or smoothing."""
