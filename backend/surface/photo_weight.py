"""Where the photograph may be projected: cells that its camera sees, how squarely it sees them, and never sky or foreground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from kernels.view_bound import view_bound

from ..camera import Camera
from ..terrain import Grid, Terrain

FRAME_FADE = 0.015
"""Share of the picture's width over which the photograph fades toward its border."""

MASK_FADE = 0.004
"""Share of the picture's width over which it fades toward sky and foreground, inside of the ground."""

STRETCH_CELLS = (10.0, 30.0)
"""Length on the ground of one pixel of the working picture, in cells: up to the first it is used, from the second on not."""

NEAREST_CELLS = 3.0
"""Ground nearer to the camera's plane than this is coarser than anything the picture shows there."""

DEPTH_CELLS = 0.3
"""Ground so little below the line of sight, in grid spacings, counts as seen: the grid's own roughness hides no more."""

SPECKS = (0.35, 0.75)
"""Share of seen cells around a seen cell: below the first it is a speck, from the second on it counts in full."""


@dataclass(frozen=True)
class PhotoWeight:
    """Per cell of the grid, each (rows, cols).

    weight: float32 0..1, exactly 0 where the photograph must not be.   facing: float32 0..1, cosine between the ground's
    normal and the way to the camera.   column, row: float32, place in the picture of the camera's size, in pixels.
    distance_m: float32, along the optical axis; negative behind the camera.
    """

    weight: np.ndarray
    facing: np.ndarray
    column: np.ndarray
    row: np.ndarray
    distance_m: np.ndarray


def photo_weight(terrain: Terrain, camera: Camera, ground: np.ndarray) -> PhotoWeight:
    """Weigh every cell of the finished terrain, whatever the evidence says of it.

    ground: bool (h, w), the picture's pixels that show it, at any size.
    """
    points = cell_points(terrain.grid, terrain.heights)
    column, row, distance = camera.project(points)
    facing = facing_camera(terrain, camera, points)
    seen = seen_cells(terrain, camera)
    around = ndimage.uniform_filter(seen.astype(np.float32), 5)
    weight = seen * _rise(around, *SPECKS)
    weight *= _inside_frame(camera, column, row, distance, NEAREST_CELLS * terrain.grid.dx_m)
    weight *= _on_ground(ground, camera, column, row)
    pixel_m = np.maximum(distance, 0.0) / camera.focal_px / np.maximum(facing, 1e-3)
    weight *= 1.0 - _rise(pixel_m / terrain.grid.dx_m, *STRETCH_CELLS)
    return PhotoWeight(weight.astype(np.float32), facing, column, row, distance)


def cell_points(grid: Grid, heights: np.ndarray) -> np.ndarray:
    """float32 (rows, cols, 3): the cells' centers in the terrain frame."""
    points = np.empty((*heights.shape, 3), np.float32)
    points[..., 0], points[..., 1], points[..., 2] = grid.x()[None, :], grid.y()[:, None], heights
    return points


def seen_cells(terrain: Terrain, camera: Camera) -> np.ndarray:
    """bool (rows, cols): cells that no nearer ground hides from the camera, within the azimuths of its picture.

    Hidden means more than DEPTH_CELLS below the lowest line of sight that passes over the cell.
    """
    azimuth, _ = camera.azimuth_and_tangent(width=64, height=64)
    margin = 0.5 * (azimuth.max() - azimuth.min()) / 64
    low, high = float(azimuth.min() - margin), float(azimuth.max() + margin)
    bound = view_bound(terrain.heights, None, terrain.grid.dx_m, terrain.grid.origin_m, camera.position_m, low, high)
    return terrain.heights + np.float32(DEPTH_CELLS * terrain.grid.dx_m) >= bound


def facing_camera(terrain: Terrain, camera: Camera, points: np.ndarray) -> np.ndarray:
    """float32 (rows, cols): cosine between normal and the way to the camera; 0 where the ground turns away."""
    fall_y, fall_x = np.gradient(terrain.heights, terrain.grid.dx_m)
    way = np.asarray(camera.position_m, np.float32) - points
    toward = -fall_x * way[..., 0] + fall_y * way[..., 1] + way[..., 2]    # rows run toward -y
    length = np.sqrt(fall_x**2 + fall_y**2 + 1.0) * np.sqrt((way * way).sum(-1))
    return np.clip(toward / np.maximum(length, 1e-6), 0.0, 1.0).astype(np.float32)


def _inside_frame(camera: Camera, column: np.ndarray, row: np.ndarray, distance: np.ndarray, nearest_m: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        border = np.minimum(np.minimum(column, camera.width - column), np.minimum(row, camera.height - row))
        inside = _rise(np.nan_to_num(border, nan=-1.0, posinf=-1.0, neginf=-1.0), 0.0, FRAME_FADE * camera.width)
    return inside * (distance > nearest_m)


def _on_ground(ground: np.ndarray, camera: Camera, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """0 on every pixel that is not ground, rising to 1 a few pixels inside of it."""
    height, width = ground.shape
    inside = ndimage.distance_transform_edt(ground) - 1.0
    depth = np.clip(inside / max(1.0, MASK_FADE * width), 0.0, 1.0)
    return sample(depth, column * width / camera.width, row * height / camera.height)


def sample(layer: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Nearest values of a picture's layer (height, width, ...) at places in its pixels; the border's outside of it."""
    height, width = layer.shape[:2]
    with np.errstate(invalid="ignore"):
        c = np.clip(np.nan_to_num(column, nan=0.0, posinf=0.0, neginf=0.0), 0, width - 1).astype(np.int32)
        r = np.clip(np.nan_to_num(row, nan=0.0, posinf=0.0, neginf=0.0), 0, height - 1).astype(np.int32)
    return layer[r, c]


def _rise(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
