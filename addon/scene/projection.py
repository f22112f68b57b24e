"""The photograph's place on the terrain: where every point of the grid appears in the picture, as a UV map.

Exact at every point; between points straight, as everything on a mesh is. No bpy here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .result_folder import HeightGrid

CAMERA_UV = "Camera UV"

FARTHEST_UV = 2.0
"""Points far outside of the picture, or behind the camera, are kept this near to it: no renderer chokes on them."""

SLAB_CELLS = 1 << 17
"""Cells at a time: some milliseconds."""


def camera_uv(points: np.ndarray, camera: dict[str, Any]) -> np.ndarray:
    """float32 (..., 2): u to the right, v up, 0 to 1 over the picture.

    points: float32 (..., 3) in the terrain frame.   camera: of report.json; a pinhole with square pixels, centered.
    """
    right, up, ahead = camera_axes(*camera["blender_euler_rad"])
    way = points - np.asarray(camera["position_m"], np.float32)
    depth = way @ ahead
    scale = 0.5 / math.tan(math.radians(camera["fov_x_deg"]) / 2)
    share = np.float32(scale) / np.where(depth > 0, depth, np.float32(np.nan))
    uv = np.empty((*points.shape[:-1], 2), np.float32)
    uv[..., 0] = 0.5 + (way @ right) * share
    uv[..., 1] = 0.5 + (way @ up) * share * np.float32(camera["width"] / camera["height"])
    np.nan_to_num(uv, copy=False, nan=-1.0)
    return np.clip(uv, 1.0 - FARTHEST_UV, FARTHEST_UV, out=uv)


def camera_axes(x: float, y: float, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float32 (3,) each: right, up and ahead of a Blender camera with these XYZ Euler angles in radians."""
    (cx, sx), (cy, sy), (cz, sz) = ((math.cos(angle), math.sin(angle)) for angle in (x, y, z))
    right = (cy * cz, cy * sz, -sy)
    up = (sx * sy * cz - cx * sz, sx * sy * sz + cx * cz, sx * cy)
    back = (cx * sy * cz + sx * sz, cx * sy * sz - sx * cz, cx * cy)
    return tuple(np.array(axis, np.float32) for axis in (right, up, [-v for v in back]))  # type: ignore[return-value]


def corner_uv_slabs(grid: HeightGrid, camera: dict[str, Any]) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of the corners and float32 (corners, 2) for them, in the order of `grid_mesh.grid_faces`."""
    rows, cols = grid.heights.shape
    step = max(1, SLAB_CELLS // cols)
    x = (grid.origin_m[0] + grid.dx_m * np.arange(cols)).astype(np.float32)
    for first in range(0, rows - 1, step):
        last = min(first + step, rows - 1)
        points = np.empty((last - first + 1, cols, 3), np.float32)
        points[..., 0] = x
        points[..., 1] = (grid.origin_m[1] - grid.dx_m * np.arange(first, last + 1))[:, None]
        points[..., 2] = grid.heights[first:last + 1]
        uv = camera_uv(points, camera)
        corners = np.empty((last - first, cols - 1, 4, 2), np.float32)
        corners[..., 0, :], corners[..., 1, :] = uv[:-1, :-1], uv[1:, :-1]    # far left, near left, near right, far right
        corners[..., 2, :], corners[..., 3, :] = uv[1:, 1:], uv[:-1, 1:]
        yield slice(4 * first * (cols - 1), 4 * last * (cols - 1)), corners.reshape(-1, 2)
