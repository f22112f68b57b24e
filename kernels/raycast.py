"""Ray casting of a bilinear heightfield from a pinhole camera: range images, world points, sun visibility.

Rays walk over a pyramid of block maxima and skip every block they pass above; in the last block, the patch between four
cell centers, the crossing with the bilinear surface is the root of a quadratic, so that no step length decides the
accuracy (the idea of the maximum mipmap of Tevs, Ihrke and Seidel 2008). What lies below the surface is solid; patches
with a NaN corner are holes; outside of the outermost cell centers there is nothing.

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_NUDGE = 1e-7  # cells; only decides to which patch a point on an edge belongs


class RaycastInputError(ValueError):
    """Heights, spacing or camera from which no picture can be cast."""


@numba.njit(cache=True)
def _pyramid(heights):
    """Maxima of patches (level 0) and of 2 x 2 blocks of the level below, flat, with offsets and sizes per level."""
    rows, cols = heights.shape[0] - 1, heights.shape[1] - 1
    levels, r, c, total = 1, rows, cols, rows * cols
    while r > 1 or c > 1:
        r, c = (r + 1) // 2, (c + 1) // 2
        total += r * c
        levels += 1
    flat = np.full(total, -np.inf, np.float32)
    offsets = np.zeros(levels, np.int64)
    widths = np.zeros(levels, np.int64)
    widths[0] = cols
    for i in range(rows):
        for j in range(cols):
            top = max(max(heights[i, j], heights[i, j + 1]), max(heights[i + 1, j], heights[i + 1, j + 1]))
            if not math.isnan(heights[i, j] + heights[i, j + 1] + heights[i + 1, j] + heights[i + 1, j + 1]):
                flat[i * cols + j] = top
    r, c = rows, cols
    for level in range(1, levels):
        below, below_width = offsets[level - 1], c
        nr, nc = (r + 1) // 2, (c + 1) // 2
        offsets[level] = below + r * c
        widths[level] = nc
        for i in range(nr):
            for j in range(nc):
                top = np.float32(-np.inf)
                for k in range(2 * i, min(2 * i + 2, r)):
                    for m in range(2 * j, min(2 * j + 2, c)):
                        top = max(top, flat[below + k * below_width + m])
                flat[offsets[level] + i * nc + j] = top
        r, c = nr, nc
    return flat, offsets, widths


@numba.njit(cache=True, error_model="numpy")
def _first_root(heights, row, col, x, y, z, ux, uy, uz, t0, t1):
    """First t in [t0, t1] at which the ray is at or below the bilinear patch, or -1."""
    a, b = heights[row, col], heights[row, col + 1]
    c, d = heights[row + 1, col], heights[row + 1, col + 1]
    px, py = x + ux * t0 - col, y + uy * t0 - row
    hx, hy, hxy = float(b) - a, float(c) - a, float(a) - b - c + d
    # gap(t0 + s) = q0 + q1 s + q2 s^2, positive above ground
    q0 = z + uz * t0 - (a + hx * px + hy * py + hxy * px * py)
    if q0 <= 0.0:
        return t0
    q1 = uz - (hx * ux + hy * uy + hxy * (px * uy + py * ux))
    q2 = -hxy * ux * uy
    length = t1 - t0
    root = -1.0
    if abs(q2) * length < 1e-9 * (abs(q1) + 1e-12):
        if q1 < 0.0:
            root = -q0 / q1
    else:
        inside = q1 * q1 - 4.0 * q2 * q0
        if inside >= 0.0:
            q = -0.5 * (q1 + math.copysign(math.sqrt(inside), q1))
            r0, r1 = q / q2, (q0 / q if q != 0.0 else np.inf)
            low, high = min(r0, r1), max(r0, r1)
            root = low if low >= 0.0 else high
    if 0.0 <= root <= length * (1.0 + 1e-9) + 1e-9:
        return t0 + root
    return -1.0


@numba.njit(cache=True, error_model="numpy")
def _walk(heights, flat, offsets, widths, x, y, z, ux, uy, uz, t_start, t_limit):
    """Horizontal cells to the first ground along the unit vector (ux, uy) that climbs uz meters a cell, or inf."""
    rows, cols = heights.shape[0] - 1, heights.shape[1] - 1
    t, t_end = t_start, t_limit
    for axis in range(2):
        p, u, size = (x, ux, float(cols)) if axis == 0 else (y, uy, float(rows))
        if abs(u) < 1e-12:
            if p < 0.0 or p > size:
                return np.inf
        else:
            near, far = (0.0 - p) / u, (size - p) / u
            t, t_end = max(t, min(near, far)), min(t_end, max(near, far))
    top = len(offsets) - 1
    level = max(0, top - 2)
    while t < t_end:
        scale = 1 << level
        ahead = t + _NUDGE
        patch_col = min(max(int(x + ux * ahead), 0), cols - 1)
        patch_row = min(max(int(y + uy * ahead), 0), rows - 1)
        block_col, block_row = patch_col >> level, patch_row >> level
        out = t_end
        if ux > 1e-12:
            out = min(out, ((block_col + 1) * scale - x) / ux)
        elif ux < -1e-12:
            out = min(out, (block_col * scale - x) / ux)
        if uy > 1e-12:
            out = min(out, ((block_row + 1) * scale - y) / uy)
        elif uy < -1e-12:
            out = min(out, (block_row * scale - y) / uy)
        out = max(out, ahead)
        lowest = z + uz * (out if uz < 0.0 else t)
        if lowest > flat[offsets[level] + block_row * widths[level] + block_col]:
            t = out
            if level < top:
                level += 1
        elif level > 0:
            level -= 1
        else:
            if flat[patch_row * cols + patch_col] > -np.inf:
                hit = _first_root(heights, patch_row, patch_col, x, y, z, ux, uy, uz, t, out)
                if hit >= 0.0:
                    return hit
            t = out
            level = 1 if top > 0 else 0
    return np.inf


@numba.njit(cache=True, parallel=True, error_model="numpy")
def _image(heights, flat, offsets, widths, x, y, z, dx, axes, tan_x, width, height, limit):
    out = np.empty((height, width), np.float32)
    for i in numba.prange(height):
        down = ((i + 0.5) / height * 2.0 - 1.0) * tan_x * height / width
        for j in range(width):
            right = ((j + 0.5) / width * 2.0 - 1.0) * tan_x
            vx = axes[0, 0] * right + axes[0, 1] * down + axes[0, 2]
            vy = axes[1, 0] * right + axes[1, 1] * down + axes[1, 2]
            vz = axes[2, 0] * right + axes[2, 1] * down + axes[2, 2]
            ground = max(math.hypot(vx, vy), 1e-6)
            t = _walk(heights, flat, offsets, widths, x, y, z, vx / ground, -vy / ground, vz / ground * dx, 0.0, limit)
            out[i, j] = t * dx
    return out


@numba.njit(cache=True, parallel=True, error_model="numpy")
def _lit(heights, flat, offsets, widths, points, ux, uy, uz, lift):
    n = points.shape[0]
    out = np.ones(n, np.bool_)
    for k in numba.prange(n):
        x, y, z = points[k, 0], points[k, 1], points[k, 2]
        if not math.isnan(z):
            out[k] = not math.isfinite(_walk(heights, flat, offsets, widths, x, y, z + lift, ux, uy, uz, 0.01, np.inf))
    return out


def block_maxima(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What rays skip by; pass it to `render_range` when many pictures show the same ground."""
    return _pyramid(_check(heights, 1.0))


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
    flat, offsets, widths = _pyramid(grid) if maxima is None else maxima
    x, y = (camera_m[0] - origin_m[0]) / dx_m, (origin_m[1] - camera_m[1]) / dx_m
    limit = math.inf if max_range_m is None else max_range_m / dx_m
    return _image(
        grid,
        flat,
        offsets,
        widths,
        float(x),
        float(y),
        float(camera_m[2]),
        float(dx_m),
        camera_axes(pitch_rad, yaw_rad, roll_rad),
        math.tan(0.5 * fov_x_rad),
        width,
        height,
        limit,
    )


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
    flat, offsets, widths = _pyramid(grid) if maxima is None else maxima
    cells = np.empty((points.size // 3, 3))
    flat_points = points.reshape(-1, 3)
    cells[:, 0] = (flat_points[:, 0] - origin_m[0]) / dx_m
    cells[:, 1] = (origin_m[1] - flat_points[:, 1]) / dx_m
    cells[:, 2] = flat_points[:, 2]
    lit = _lit(
        grid,
        flat,
        offsets,
        widths,
        cells,
        math.sin(sun_azimuth_rad),
        -math.cos(sun_azimuth_rad),
        math.tan(sun_elevation_rad) * dx_m,
        0.02 * dx_m,
    )
    return lit.reshape(points.shape[:-1])
