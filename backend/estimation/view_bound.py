"""The height above which hidden ground would be seen: Z_max (P2P algorithm 2).

Two kinds of rays cap what the picture does not show: those that end on visible ground farther away and those that reach
the sky. Rays through the foreground say nothing. Nothing rises over the camera's own place either.
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
    azimuths, tangents = sky_tangents(segmentation.sky, camera)
    z_max = view_bound(visible.heights, visible.mask, grid.dx_m, grid.origin_m, camera.position_m,
                       float(edges[:, 0].min()), float(edges[:, 1].max()), azimuths, tangents)
    x, y = (grid.x() - camera.position_m[0])[None, :], (grid.y() - camera.position_m[1])[:, None]
    around = np.hypot(x, y) < AROUND_CELLS * grid.dx_m
    z_max = np.where(around, np.minimum(z_max, camera.position_m[2] - EYE_HEIGHT_M), z_max)
    return np.where(visible.mask, np.inf, z_max).astype(np.float32)


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
