"""What travels between the estimation stages: masks, points, priors, the posed scene and the visible terrain."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .camera import Camera
from .terrain import Grid


@dataclass(frozen=True)
class Segmentation:
    """Three disjoint masks, bool (H, W), on the picture's working grid; `provider` says who drew them.

    A pixel in none of them is unknown. The sky bounds the terrain from above, the foreground hides it (P2P 4.1).
    Raises ValueError when masks overlap or differ in shape.
    """

    terrain: np.ndarray
    sky: np.ndarray
    foreground: np.ndarray
    provider: str

    def __post_init__(self) -> None:
        masks = (self.terrain, self.sky, self.foreground)
        if any(m.dtype != bool or m.shape != self.terrain.shape for m in masks):
            raise ValueError("Masks must be bool and of one shape.")
        if (self.terrain & self.sky).any() or (self.terrain & self.foreground).any() or (self.sky & self.foreground).any():
            raise ValueError("Masks must be disjoint.")


@dataclass(frozen=True)
class Pointmap:
    """Points of the terrain pixels in the camera frame.

    points: float32 (H, W, 3), x right, y down, z forward; NaN where `mask` is False.   mask: bool (H, W).
    fov_x_rad: horizontal field of view of the whole picture.   metric: whether the unit is the meter (else free scale).
    """

    points: np.ndarray
    mask: np.ndarray
    fov_x_rad: float
    metric: bool
    provider: str

    def __post_init__(self) -> None:
        if self.points.dtype != np.float32 or self.points.shape != (*self.mask.shape, 3) or self.mask.dtype != bool:
            raise ValueError("A pointmap needs float32 (H, W, 3) points and a bool (H, W) mask.")


@dataclass(frozen=True)
class Estimate:
    """A value, its spread (standard deviation, same unit) and who said so."""

    value: float
    spread: float
    source: str


@dataclass(frozen=True)
class Prior:
    """What is believed about the scene before its geometry is solved (P2P 4.2).

    mean_slope_rad: mean slope of the visible terrain.   elevation_range_m: its relief.   pitch_rad: camera pitch.
    """

    mean_slope_rad: Estimate
    elevation_range_m: Estimate
    pitch_rad: Estimate


@dataclass(frozen=True)
class PitchCandidate:
    """A local minimum of the pitch search: the pitch, its cost (a sum of two squared deviations), the mean slope there."""

    pitch_rad: float
    cost: float
    slope_rad: float


@dataclass(frozen=True)
class PosedScene:
    """The scene in meters in the terrain frame: the camera stands at x = y = 0 and looks along +y.

    points: float32 (H, W, 3) terrain frame, NaN outside `mask`.   grid: the grid chosen for the terrain.
    candidates: what the pitch search found, best first; empty where the pitch was given.
    """

    camera: Camera
    points: np.ndarray
    mask: np.ndarray
    grid: Grid
    why: dict[str, str] = field(default_factory=dict)
    candidates: tuple[PitchCandidate, ...] = ()


@dataclass(frozen=True)
class VisibleTerrain:
    """Z_V and M_V of the paper.

    heights: float32 (rows, cols), NaN where `mask` is False.   mask: bool, exact occupancy.
    silhouette: bool, hidden cells right behind a ridge seen against the sky or against farther ground whose height is the
        one at which the skimming ray passes: they keep the rendered ridge where the picture has it. They are part of
        `mask` as well, so that every stage treats them as known.
    """

    grid: Grid
    camera: Camera
    heights: np.ndarray
    mask: np.ndarray
    silhouette: np.ndarray

    def __post_init__(self) -> None:
        if self.heights.shape != self.grid.shape or self.mask.shape != self.grid.shape:
            raise ValueError("Visible heights and mask must have the grid's shape.")
        if not np.isfinite(self.heights[self.mask]).all():
            raise ValueError("Visible heights must be finite where the mask says so.")
