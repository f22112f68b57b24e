"""Keep the farthest ground on the grid by drawing it nearer along its rays.

One picture can hold a meadow at 10 m and a ridge at 60 km; a grid fine enough for the one does not reach the other. A
distant ridge looks the same from the camera wherever it stands on its rays, and its distance is the least certain of
all; so ground beyond most of the grid's reach is compressed smoothly, order kept, and the picture from the camera stays.
"""

from __future__ import annotations

import numpy as np

from ..terrain import Grid

ROOM_BEHIND = 0.13
"""Share of the grid's depth kept free behind the farthest ground, for the hidden sides of its ridges."""
ROOM_BESIDE = 0.02
BEGIN = 0.7
"""Share of the reach up to which ground stays where it is."""


def reach_m(grid: Grid, azimuth_rad: np.ndarray) -> np.ndarray:
    """Horizontal distance from the camera (x = y = 0) at which visible ground must end, per azimuth; same shape."""
    side = grid.rows * grid.dx_m
    behind = grid.origin_m[1] - ROOM_BEHIND * side
    beside = -grid.origin_m[0] - ROOM_BESIDE * side
    with np.errstate(divide="ignore"):
        ahead = np.where(np.cos(azimuth_rad) > 1e-6, behind / np.maximum(np.cos(azimuth_rad), 1e-6), np.inf)
        across = beside / np.maximum(np.abs(np.sin(azimuth_rad)), 1e-9)
    return np.minimum(ahead, across)


def share_within(points: np.ndarray, grid: Grid, share_of_reach: float = 1.0) -> float:
    """Share of (N, 3) points, terrain frame, that lie within this share of the reach."""
    distance = np.hypot(points[:, 0], points[:, 1])
    return float((distance <= share_of_reach * reach_m(grid, np.arctan2(points[:, 0], points[:, 1]))).mean())


def draw_nearer(points: np.ndarray, camera_z_m: float, grid: Grid) -> tuple[np.ndarray, float, float]:
    """Compress (N, 3) points beyond BEGIN of the reach along their rays from (0, 0, camera_z_m).

    Returns the points, same dtype, the share of them that moved by more than a tenth of their distance, and the
    distance in meters from which that happens.
    """
    distance = np.hypot(points[:, 0], points[:, 1])
    limit = reach_m(grid, np.arctan2(points[:, 0], points[:, 1]))
    begin = BEGIN * limit
    span = limit - begin
    beyond = np.maximum(distance - begin, 0.0)
    near = np.minimum(distance, begin) + span * -np.expm1(-beyond / span)
    factor = near / np.maximum(distance, 1e-6)
    moved = factor < 0.9
    origin = np.array([0.0, 0.0, camera_z_m])
    drawn = (origin + (points - origin) * factor[:, None]).astype(points.dtype)
    return drawn, float(moved.mean()), float(distance[moved].min()) if moved.any() else float("inf")
