"""Ray casting of a bilinear heightfield from a pinhole camera: range images, world points, sun visibility.

Rays walk over a pyramid of block maxima and skip every block they pass above; in the last block, the patch between four
cell centers, the crossing with the bilinear surface is the root of a quadratic, so that no step length decides the
accuracy (the idea of the maximum mipmap of Tevs, Ihrke and Seidel 2008). What lies below the surface is solid; patches
with a NaN corner are holes; outside of the outermost cell centers there is nothing.

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
"""

from __future__ import annotations

import math

import numpy as np

from .cpu import raycast as walks
from .cpu.sharing import share
from .cpu.threads import bands, thread_count
from .errors import KernelInputError

_PIECES_A_THREAD = 8
"""Sky costs nothing and ground much: threads take narrow bands of rows as they become free."""
_LEAST_POINTS = 512


class RaycastInputError(KernelInputError):
    """Heights, spacing or camera from which no picture can be cast."""


def block_maxima(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What rays skip by; pass it to `render_range` when many pictures show the same ground."""
    return walks.pyramid(_check(heights, 1.0))


def _check(heights: np.ndarray, dx_m: float) -> np.ndarray:
    if heights.ndim != 2 or min(heights.shape) < 2:
        raise RaycastInputError(f"Heights must be a grid of at least 2 x 2 cells, not {heights.shape}.")
    if not (math.isfinite(dx_m) and dx_m > 0):
        raise RaycastInputError(f"Spacing must be positive, not {dx_m}.")
    return np.ascontiguousarray(heights, np.float32)


def camera_axes(pitch_rad: float, yaw_rad: float = 0.0, roll_rad: float = 0.0) -> np.ndarray:
    """float64 (3, 3): camera vector (x right, y down, z forward) to terrain frame.

    Pitch up, yaw to the right, roll clockwise seen from behind the camera.
    """
    cp, sp, cy, sy = math.cos(pitch_rad), math.sin(pitch_rad), math.cos(yaw_rad), math.sin(yaw_rad)
    pitch = np.array([[1.0, 0.0, 0.0], [0.0, sp, cp], [0.0, -cp, sp]])
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    roll = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.array([[cy, sy, 0.0], [-sy, cy, 0.0], [0.0, 0.0, 1.0]]) @ pitch @ roll


def pixel_rays(
    pitch_rad: float, fov_x_rad: float, width: int, height: int, yaw_rad: float = 0.0, roll_rad: float = 0.0
) -> np.ndarray:
    """float32 (height, width, 3): terrain-frame direction of every pixel center, scaled to z-depth 1."""
    tan_x = math.tan(0.5 * fov_x_rad)
    camera = np.ones((height, width, 3))
    camera[..., 0] = (((np.arange(width) + 0.5) / width * 2 - 1) * tan_x)[None, :]
    camera[..., 1] = (((np.arange(height) + 0.5) / height * 2 - 1) * tan_x * height / width)[:, None]
    return (camera @ camera_axes(pitch_rad, yaw_rad, roll_rad).T).astype(np.float32)


def render_range(
    heights: np.ndarray,
    dx_m: float,
    origin_m: tuple[float, float],
    camera_m: tuple[float, float, float],
    pitch_rad: float,
    fov_x_rad: float,
    width: int,
    height: int,
    max_range_m: float | None = None,
    yaw_rad: float = 0.0,
    maxima: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    roll_rad: float = 0.0,
) -> np.ndarray:
    """Horizontal distance in meters from the camera to the ground in every pixel; inf = sky.

    heights: (rows, cols) meters, NaN = hole.   dx_m: spacing.   origin_m: x, y of cell (0, 0), the far left one.
    camera_m: x, y, z in the terrain frame, inside or outside of the grid.   Returns float32 (height, width).
    Pixels are square, the principal point is the center.   maxima: of `block_maxima(heights)`, to save time.
    Raises RaycastInputError for a degenerate grid, field of view or picture.
    """
    grid = _check(heights, dx_m)
    if not 0 < fov_x_rad < math.pi or width < 1 or height < 1:
        raise RaycastInputError(f"No camera has {width} x {height} pixels over {fov_x_rad} rad.")
    flat, offsets, widths = walks.pyramid(grid) if maxima is None else maxima
    x, y = (camera_m[0] - origin_m[0]) / dx_m, (origin_m[1] - camera_m[1]) / dx_m
    limit = math.inf if max_range_m is None else max_range_m / dx_m
    out = np.empty((height, width), np.float32)
    axes, tan_x = camera_axes(pitch_rad, yaw_rad, roll_rad), math.tan(0.5 * fov_x_rad)
    camera = float(x), float(y), float(camera_m[2]), float(dx_m), axes, tan_x, float(limit)
    share(
        bands(height, _PIECES_A_THREAD * thread_count(), -(-_LEAST_POINTS // width)),
        lambda first, last: walks.image(grid, flat, offsets, widths, *camera, out, first, last),
    )
    return out


def world_points(
    ranges: np.ndarray,
    camera_m: tuple[float, float, float],
    pitch_rad: float,
    fov_x_rad: float,
    yaw_rad: float = 0.0,
    roll_rad: float = 0.0,
) -> np.ndarray:
    """float32 (H, W, 3) terrain-frame points of a picture of `render_range`; NaN where it saw the sky."""
    rays = pixel_rays(pitch_rad, fov_x_rad, ranges.shape[1], ranges.shape[0], yaw_rad, roll_rad)
    ground = np.maximum(np.hypot(rays[..., 0], rays[..., 1]), 1e-6)
    along = np.where(np.isfinite(ranges), ranges, np.nan) / ground
    return (rays * along[..., None] + np.asarray(camera_m, np.float32)).astype(np.float32)


def z_depth(ranges: np.ndarray, pitch_rad: float, fov_x_rad: float) -> np.ndarray:
    """float32 (H, W): depth along the optical axis of a picture of `render_range`; inf stays inf."""
    rays = pixel_rays(pitch_rad, fov_x_rad, ranges.shape[1], ranges.shape[0])
    return (ranges / np.maximum(np.hypot(rays[..., 0], rays[..., 1]), 1e-6)).astype(np.float32)


def sunlit(
    heights: np.ndarray,
    dx_m: float,
    origin_m: tuple[float, float],
    points: np.ndarray,
    sun_azimuth_rad: float,
    sun_elevation_rad: float,
    maxima: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Whether each point (..., 3) sees the sun, bool (...); azimuth 0 = along +y, right is positive."""
    grid = _check(heights, dx_m)
    flat, offsets, widths = walks.pyramid(grid) if maxima is None else maxima
    cells = np.empty((points.size // 3, 3))
    flat_points = points.reshape(-1, 3)
    cells[:, 0] = (flat_points[:, 0] - origin_m[0]) / dx_m
    cells[:, 1] = (origin_m[1] - flat_points[:, 1]) / dx_m
    cells[:, 2] = flat_points[:, 2]
    sun = math.sin(sun_azimuth_rad), -math.cos(sun_azimuth_rad), math.tan(sun_elevation_rad) * dx_m, 0.02 * dx_m
    lit = np.empty(len(cells), bool)
    share(
        bands(len(cells), _PIECES_A_THREAD * thread_count(), _LEAST_POINTS),
        lambda first, last: walks.lit(grid, flat, offsets, widths, cells, *sun, lit, first, last),
    )
    return lit.reshape(points.shape[:-1])
