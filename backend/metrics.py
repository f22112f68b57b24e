"""The promises of a terrain, measured on the finished grid (P2P section 7; `docs/report.md` says how to read them)."""

from __future__ import annotations

import numpy as np

from kernels.fill import mean_depression_depth
from kernels.raycast import render_range

from .camera import Camera
from .scene import Segmentation
from .terrain import Terrain

SKYLINE_WIDTH_PX = 1000
"""Width at which the skyline error is told, whatever the picture's size."""


def visible_elevation_error(heights: np.ndarray, visible: np.ndarray) -> float:
    """VVE (P2P 7.3): mean over the whole grid of M_V |Z - Z_V|, meters.

    heights: (rows, cols).   visible: Z_V, (rows, cols), NaN where M_V is 0.
    """
    return float(np.abs(np.where(np.isnan(visible), 0.0, heights - visible)).mean(dtype=np.float64))


def occlusion_error(heights: np.ndarray, visible: np.ndarray, bound: np.ndarray) -> float:
    """OVE (P2P 7.3): mean over the whole grid of (1 - M_V) max(Z - Z_max, 0), meters.

    bound: Z_max, (rows, cols), +inf where no ray passes.
    """
    above = np.maximum(heights - bound, 0.0)
    return float(np.where(np.isnan(visible), above, 0.0).mean(dtype=np.float64))


def visible_error(heights: np.ndarray, visible: np.ndarray) -> tuple[float, float, float]:
    """How far visible cells moved: (mean m, 99th percentile m, mean as a share of the visible relief).

    Unlike VVE this is a mean over visible cells only, so that it does not shrink where little is seen.
    """
    seen = ~np.isnan(visible)
    if not seen.any():
        return 0.0, 0.0, 0.0
    error = np.abs(heights[seen] - visible[seen])
    relief = float(visible[seen].max() - visible[seen].min())
    mean = float(error.mean(dtype=np.float64))
    return mean, float(np.percentile(error, 99)), mean / relief if relief > 0 else 0.0


def skyline_rows(sky: np.ndarray, land: np.ndarray) -> np.ndarray:
    """float64 (columns,): row of the border between sky and land in pixels; NaN where a column says nothing.

    sky, land: bool (H, W). A column counts where it has sky at its top and what comes right below that sky is land: not
    foreground (a tree's outline is not the mountain's) and not unknown. Row r means: the border lies on top of pixel r.
    """
    height = sky.shape[0]
    first = np.argmin(sky, axis=0)                  # first pixel that is not sky
    has_sky = sky[0] & ~sky.all(axis=0)
    columns = np.arange(sky.shape[1])
    counts = has_sky & land[np.minimum(first, height - 1), columns]
    return np.where(counts, first.astype(np.float64), np.nan)


def rendered_skyline_rows(terrain: Terrain, camera: Camera, width: int, supersample: int = 2) -> np.ndarray:
    """float64 (width,): row of the terrain's skyline seen by `camera`, for a picture `width` pixels wide.

    `supersample` rays a pixel row and column make it exact to half of a pixel over that number. Where the terrain never
    reaches a column's view the row is the picture's height.
    """
    w, h = width * supersample, max(1, round(width * camera.height / camera.width)) * supersample
    depth = render_range(terrain.heights, terrain.grid.dx_m, terrain.grid.origin_m, camera.position_m, camera.pitch_rad,
                         camera.fov_x_rad, w, h, roll_rad=camera.roll_rad)
    land = np.isfinite(depth)
    first = np.where(land.any(axis=0), np.argmax(land, axis=0), h).astype(np.float64)
    return first.reshape(width, supersample).mean(axis=1) / supersample


def skyline_error_px(terrain: Terrain, camera: Camera, segmentation: Segmentation,
                     width: int = SKYLINE_WIDTH_PX) -> tuple[float, float] | tuple[None, None]:
    """Vertical distance in pixels, at `width` pixels across, between the picture's skyline and the terrain's.

    Median and 90th percentile over the columns whose picture shows land right below sky; None without such a column.
    """
    seen = skyline_rows(segmentation.sky, segmentation.terrain)
    scale = width / segmentation.sky.shape[1]
    columns = np.minimum(((np.arange(width) + 0.5) / scale).astype(int), seen.size - 1)
    wanted = seen[columns] * scale
    counts = np.isfinite(wanted)
    if not counts.any():
        return None, None
    distance = np.abs(rendered_skyline_rows(terrain, camera, width)[counts] - wanted[counts])
    return float(np.median(distance)), float(np.percentile(distance, 90))


def measure(terrain: Terrain, camera: Camera, segmentation: Segmentation) -> dict[str, float | None]:
    """Every metric of the report, by its name there."""
    visible, bound = terrain.layers["visible"], terrain.layers["bound"]
    seen = visible
    if (silhouette := terrain.layers.get("silhouette")) is not None:    # helps the ridge's outline, was not seen itself
        seen = np.where(silhouette.astype(bool), np.float32(np.nan), visible)
    mean, p99, share = visible_error(terrain.heights, seen)
    skyline, skyline_p90 = skyline_error_px(terrain, camera, segmentation)
    return {
        "vve_m": visible_elevation_error(terrain.heights, visible),
        "ove_m": occlusion_error(terrain.heights, visible, bound),
        "mdd_m": float(mean_depression_depth(terrain.heights)),
        "skyline_error_px": skyline,
        "skyline_error_p90_px": skyline_p90,
        "visible_error_m": mean,
        "visible_error_p99_m": p99,
        "visible_error_share_of_relief": share,
        "visible_share_of_grid": float((~np.isnan(seen)).mean()),
    }
