"""The height above which hidden ground would be seen: Z_max (P2P algorithm 2).

Three kinds of rays cap what the picture does not show: those that end on visible ground farther away (the kernel's
running maxima along each azimuth), those that reach the sky (they cap everything at that azimuth), and the lowest ones
that see ground (they pass over all nearer cells). Rays through the foreground say nothing.
"""

from __future__ import annotations

import numpy as np

from kernels.view_bound import view_bound

from ..camera import Camera
from ..context import Context
from ..contract.settings import TerrainSettings
from ..scene import PosedScene, Segmentation, VisibleTerrain
from .silhouettes import ray

STAGE = "bound"
EYE_HEIGHT_M = 2.0
"""Ground around the camera stays at least this far below it."""
AROUND_CELLS = 2.5


def bound(visible: VisibleTerrain, posed: PosedScene, segmentation: Segmentation, settings: TerrainSettings,
          ctx: Context) -> np.ndarray:
    """float32 (rows, cols): Z_max in meters, +inf where no ray passes and on visible cells, silhouettes included."""
    grid, camera = visible.grid, visible.camera
    edges = camera.azimuth_and_tangent()[0][:, [0, -1]]
    ctx.progress(0.05, "tracing what must stay hidden")
    z_max = view_bound(visible.heights, visible.mask, grid.dx_m, grid.origin_m, camera.position_m,
                       float(edges[:, 0].min()), float(edges[:, 1].max()))
    ctx.progress(0.6, "capping by the sky")
    x = (grid.x() - camera.position_m[0]).astype(np.float32)[None, :]
    y = (grid.y() - camera.position_m[1]).astype(np.float32)[:, None]
    distance, azimuth = np.hypot(x, y), np.arctan2(x, y)
    z_camera = np.float32(camera.position_m[2])
    sky = sample(*sky_tangents(segmentation.sky, camera), azimuth)
    z_max = np.fmin(z_max, z_camera + distance * sky)
    azimuths, tangents, ranges = lowest_ground(posed)
    before = distance < sample(azimuths, ranges, azimuth)
    z_max = np.where(before, np.fmin(z_max, z_camera + distance * sample(azimuths, tangents, azimuth)), z_max)
    around = distance < AROUND_CELLS * grid.dx_m
    z_max = np.where(around, np.minimum(z_max, z_camera - np.float32(EYE_HEIGHT_M)), z_max)
    return np.where(visible.mask, np.float32(np.inf), z_max).astype(np.float32)


def sky_tangents(sky: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and tangent of the elevation of the lowest sky ray of each picture column, both float64 (W,), by azimuth.

    NaN where the column does not begin with sky: nothing caps it. Below foreground the sky's rays still count, for they
    pass over whatever the foreground hides.
    """
    height, width = sky.shape
    first = np.where(sky.all(axis=0), height, np.argmin(sky, axis=0)).astype(np.float64)
    sine, cosine, tangent = ray(camera, np.arange(width) + 0.5, first, width, height)
    azimuth = np.arctan2(sine, cosine)
    order = np.argsort(azimuth, kind="stable")
    return azimuth[order], np.where(sky[0], tangent, np.nan)[order]


def lowest_ground(posed: PosedScene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Azimuth, tangent and horizontal range (m) of the lowest ground in each picture column, by azimuth; NaN for none."""
    mask, camera = posed.mask, posed.camera
    height, width = mask.shape
    last = height - 1 - np.argmax(mask[::-1], axis=0)
    columns = np.arange(width)
    sine, cosine, tangent = ray(camera, columns + 0.5, last + 1.0, width, height)
    point = posed.points[last, columns]
    x, y, _ = camera.position_m
    some = mask.any(axis=0)
    ranges = np.where(some, np.hypot(point[:, 0] - x, point[:, 1] - y), np.nan)
    azimuth = np.arctan2(sine, cosine)
    order = np.argsort(azimuth, kind="stable")
    return azimuth[order], np.where(some, tangent, np.nan)[order], ranges[order]


def sample(azimuths: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """float32: `values` (n,) over rising `azimuths` (n,) read at `at`, linear; NaN beyond both ends and beside NaN."""
    return np.interp(at, azimuths, values, left=np.nan, right=np.nan).astype(np.float32)
