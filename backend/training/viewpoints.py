"""Random standpoints in real terrain: what a photographer would take, and its geometry pixel by pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from kernels.raycast import block_maxima, render_range, world_points, z_depth

from .elevation_data import ElevationFile, read_elevation
from .fractal_noise import fractal_noise, sample_grid

PLAN_CELLS = 128  # the plan grid on which the mean slope of the visible ground is taken


@dataclass(frozen=True)
class View:
    """Geometry of one picture, in meters and radians; arrays (H, W) are NaN (points) or inf (depth) in the sky.

    heights, maxima, dx_m, origin_m: the ground, in a frame whose camera stands at x = y = 0 and looks along yaw.
    points: (H, W, 3) of that frame.   normals: (H, W, 3) unit.   water: bool, pixels on a lake.
    curvature: (H, W) height above the neighborhood's mean, in cells (ridges positive).
    """

    heights: np.ndarray
    maxima: tuple[np.ndarray, np.ndarray, np.ndarray]
    dx_m: float
    origin_m: tuple[float, float]
    camera_m: tuple[float, float, float]
    pitch_rad: float
    yaw_rad: float
    fov_x_rad: float
    ranges: np.ndarray
    depth: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    curvature: np.ndarray
    water: np.ndarray
    water_level_m: float | None
    mean_slope_rad: float
    relief_m: float

    @property
    def sky(self) -> np.ndarray:
        """Pixels that see no ground, bool (H, W)."""
        return ~np.isfinite(self.ranges)


def mean_visible_slope(points: np.ndarray, heights: np.ndarray, dx_m: float, origin_m: tuple[float, float]) -> float:
    """Mean rotation-invariant slope (radians) of the visible ground: over the occupied cells of a plan grid.

    points: (N, 3) visible points. The plan grid has PLAN_CELLS cells across the longer side of the points' robust
    extent, never finer than dx; the ground is averaged over such a cell before its gradient is taken. Each occupied
    cell counts once, as in P2P eq. 1, so that neither near nor steep ground weighs more for covering more pixels.
    """
    low, high = np.percentile(points[:, :2], [1, 99], axis=0)
    cell = max(float((high - low).max()) / PLAN_CELLS, dx_m)
    smooth = (
        ndimage.uniform_filter(heights, max(1, round(cell / dx_m)), mode="nearest") if cell > 1.5 * dx_m else heights
    )
    gy, gx = np.gradient(smooth, dx_m)
    slope = np.arctan(np.hypot(gx, gy))
    keys = np.floor((points[:, :2] - low) / cell).astype(np.int64)
    _, first = np.unique(keys[:, 0] * 1_000_003 + keys[:, 1], return_index=True)
    chosen = points[first]
    return float(sample_grid(slope, (chosen[:, 0] - origin_m[0]) / dx_m, (origin_m[1] - chosen[:, 1]) / dx_m).mean())


def detailed_crop(
    rng: np.random.Generator, heights: np.ndarray, dx_m: float, cells: int
) -> tuple[np.ndarray, float] | None:
    """A random window without gaps, turned and mirrored, twice as fine, with detail proportional to slope; or None."""
    rows, cols = heights.shape
    h, w = min(rows, cells), min(cols, cells)
    r, c = int(rng.integers(rows - h + 1)), int(rng.integers(cols - w + 1))
    crop = heights[r : r + h, c : c + w]
    if not np.isfinite(crop).all() or np.ptp(crop) < 60:
        return None
    crop = np.rot90(crop, int(rng.integers(4)))
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = crop * np.float32(rng.uniform(0.75, 1.8))
    fine = ndimage.zoom(crop, 2, order=1, mode="nearest", grid_mode=True)
    fine = ndimage.gaussian_filter(fine, 0.6)
    dx_m = dx_m / 2
    gy, gx = np.gradient(ndimage.gaussian_filter(fine, 1.5), dx_m)
    steep = np.hypot(gx, gy)
    detail = fractal_noise(rng, fine.shape[0], fine.shape[1], rng.uniform(1.8, 2.6))
    if rng.random() < 0.5:  # sharp crests instead of round bumps
        detail = -np.abs(detail)
    detail -= ndimage.gaussian_filter(detail, 4)
    detail /= detail.std()
    fine = fine + detail * steep**1.2 * np.float32(dx_m * rng.uniform(0.05, 0.45))
    return np.ascontiguousarray(fine, np.float32), dx_m


def _stand(rng: np.random.Generator, heights: np.ndarray, dx_m: float) -> tuple[int, int, float]:
    """Cell and height above ground of a camera: on the ground mostly, on high ground often, in the air sometimes."""
    rows, cols = heights.shape
    picks = [
        (int(rng.integers(rows // 12, rows - rows // 12)), int(rng.integers(cols // 12, cols - cols // 12)))
        for _ in range(int(rng.choice([1, 1, 3, 6])))
    ]
    r, c = max(picks, key=lambda p: heights[p]) if rng.random() < 0.75 else min(picks, key=lambda p: heights[p])
    above = rng.choice(
        [2.0, rng.uniform(2, 15), rng.uniform(10, 60), math.exp(rng.uniform(math.log(60), math.log(600)))],
        p=[0.4, 0.25, 0.2, 0.15],
    )
    return r, c, float(above)


def _acceptable(rng: np.random.Generator, ranges: np.ndarray, dx_m: float, relief_m: float) -> bool:
    """Landscape pictures show something far, have a sky mostly, and relief more often than a plain."""
    seen = np.isfinite(ranges)
    share = seen.mean()
    if share < 0.08 or (share > 0.985 and rng.random() < 0.75) or (share < 0.2 and rng.random() < 0.6):
        return False
    far = np.quantile(ranges[seen], 0.85)
    if (relief_m < 0.2 * far and rng.random() < 0.85) or (relief_m < 200 and rng.random() < 0.6):
        return False
    return far > max(12 * dx_m, 150) and not (np.quantile(ranges[seen], 0.5) < 6 * dx_m and rng.random() < 0.8)


def random_view(
    rng: np.random.Generator, files: list[ElevationFile], width: int, height: int, cache: dict | None = None
) -> View:
    """Draw terrain, standpoint and camera until they make a landscape picture of `width` x `height` pixels."""
    cache = {} if cache is None else cache
    odds = np.array([0.4 if file.dx_m < 9 else 1.0 for file in files])
    while True:
        file = files[int(rng.choice(len(files), p=odds / odds.sum()))]
        if file.path not in cache:
            cache[file.path] = read_elevation(file)
        made = detailed_crop(rng, cache[file.path], file.dx_m, int(rng.choice([160, 224, 320])))
        if made is None:
            continue
        heights, dx_m = made
        level = None
        if rng.random() < 0.28:
            level = float(np.quantile(heights, rng.uniform(0.02, 0.35)))
            heights = np.maximum(heights, np.float32(level))
        # mirrored ground around it, or the horizon would lie too low wherever the window ends
        inner, margin = heights, max(heights.shape) // 2
        heights = np.pad(heights, margin, mode="symmetric")
        maxima = block_maxima(heights)
        for _ in range(16):
            r, c, above = _stand(rng, inner, dx_m)
            fov = math.radians(float(np.clip(rng.normal(52, 15), 24, 88)))
            wide = rng.random() < 0.15
            pitch = math.radians(float(rng.uniform(-28, 25) if wide else np.clip(rng.normal(-2, 8.8), -28, 28)))
            yaw = float(rng.uniform(-math.pi, math.pi))
            camera = (0.0, 0.0, float(inner[r, c]) + min(above, 0.7 * float(np.ptp(inner))))
            origin = (-(c + margin) * dx_m, (r + margin) * dx_m)
            rows = max(12, 36 * height // width)
            small = render_range(heights, dx_m, origin, camera, pitch, fov, 36, rows, None, yaw, maxima)
            z = world_points(small, camera, pitch, fov, yaw)[..., 2]
            relief = float(np.nanmax(z) - np.nanmin(z)) if np.isfinite(z).any() else 0.0
            if _acceptable(rng, small, dx_m, relief):
                return view_geometry(heights, maxima, dx_m, origin, camera, pitch, fov, yaw, width, height, level)


def view_geometry(
    heights: np.ndarray,
    maxima: tuple[np.ndarray, np.ndarray, np.ndarray],
    dx_m: float,
    origin_m: tuple[float, float],
    camera_m: tuple[float, float, float],
    pitch_rad: float,
    fov_x_rad: float,
    yaw_rad: float,
    width: int,
    height: int,
    water_level_m: float | None,
) -> View:
    """Cast one picture and look up what its pixels show."""
    ranges = render_range(heights, dx_m, origin_m, camera_m, pitch_rad, fov_x_rad, width, height, None, yaw_rad, maxima)
    points = world_points(ranges, camera_m, pitch_rad, fov_x_rad, yaw_rad)
    seen = np.isfinite(ranges)
    x = np.where(seen, (points[..., 0] - origin_m[0]) / dx_m, 0)
    y = np.where(seen, (origin_m[1] - points[..., 1]) / dx_m, 0)
    gy, gx = np.gradient(heights, dx_m)
    normals = np.stack([-sample_grid(gx, x, y), sample_grid(gy, x, y), np.ones(x.shape, np.float32)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    bump = (heights - ndimage.uniform_filter(heights, 9)) / dx_m
    water = (
        seen & (points[..., 2] < water_level_m + 0.05 + 0.002 * dx_m)
        if water_level_m is not None
        else np.zeros_like(seen)
    )
    ground = points[seen]
    relief = float(np.subtract(*np.percentile(ground[:, 2], [99.5, 0.5])))
    return View(
        heights,
        maxima,
        dx_m,
        origin_m,
        camera_m,
        pitch_rad,
        yaw_rad,
        fov_x_rad,
        ranges,
        z_depth(ranges, pitch_rad, fov_x_rad),
        points,
        normals.astype(np.float32),
        sample_grid(bump, x, y),
        water,
        water_level_m,
        mean_visible_slope(ground, heights, dx_m, origin_m),
        max(relief, 1.0),
    )
