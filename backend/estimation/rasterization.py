"""The visible heights Z_V and their exact mask M_V (P2P 4.2), from the points seen as a surface.

A splat of points leaves holes far away and noise near by. So four neighboring pixels make two triangles unless they
span a jump of distance, and a cell is visible only where a triangle covers its center (upper envelope).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from kernels.rasterize import rasterize_surface

from ..context import Context
from ..contract.errors import ImplausibleGeometry
from ..contract.settings import TerrainSettings
from ..scene import PosedScene, Segmentation, VisibleTerrain
from .silhouettes import STRIP_CELLS, skimmed_heights, strips

STAGE = "visible"
JUMP = 0.08
"""Change of log range from pixel to pixel, at 1000 pixels across, that tears the surface."""
FEWEST_CELLS = 200


def rasterize(posed: PosedScene, segmentation: Segmentation, settings: TerrainSettings, ctx: Context) -> VisibleTerrain:
    """Lay the visible surface on the grid, ridges kept by `silhouettes`. Raises ImplausibleGeometry for no cells."""
    grid, camera, mask = posed.grid, posed.camera, posed.mask
    jump = JUMP * 1000.0 / mask.shape[1]
    log_range = horizontal_log_range(posed)
    valid = whole_quads(mask, log_range, jump)
    ctx.progress(0.1, "laying out the visible ground")
    points = np.where(mask[..., None], posed.points, np.float32(0.0))
    heights, covered = rasterize_surface(points, valid, grid.rows, grid.cols, grid.dx_m, grid.origin_m)
    if covered.sum() < FEWEST_CELLS:
        raise ImplausibleGeometry("Almost none of the visible ground falls on the grid; choose another spacing.")
    ctx.progress(0.6, "keeping ridges where the picture has them")
    land, known = segmentation.terrain | mask, nearest_known(log_range, mask, segmentation.terrain)
    quads = strips(segmentation.sky, land, known, camera, STRIP_CELLS * grid.dx_m, jump)
    skimmed, on_strip = skimmed_heights(quads, grid)
    silhouette = on_strip & ~covered
    heights = np.where(covered, heights, np.where(silhouette, skimmed, np.float32(np.nan))).astype(np.float32)
    ctx.choice(STAGE, f"{100 * covered.mean():.0f} % of the grid is seen in the picture", "default")
    return VisibleTerrain(grid, camera, heights, covered | silhouette, silhouette)


def horizontal_log_range(posed: PosedScene) -> np.ndarray:
    """float32 (H, W): log of the horizontal distance from the camera in meters; 0 outside of the mask."""
    x, y, _ = posed.camera.position_m
    points = np.where(posed.mask[..., None], posed.points, np.float32(1.0))
    return np.log(np.maximum(np.hypot(points[..., 0] - x, points[..., 1] - y), 1e-3)).astype(np.float32)


def nearest_known(log_range: np.ndarray, mask: np.ndarray, land: np.ndarray) -> np.ndarray:
    """Land whose points were removed as stray takes the range of the nearest point: its ridge is still in the picture."""
    if not (land & ~mask).any():
        return log_range
    nearest = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return log_range[tuple(nearest)]


def whole_quads(mask: np.ndarray, log_range: np.ndarray, jump: float) -> np.ndarray:
    """bool (H-1, W-1): quads whose four pixels are ground and lie on one surface."""
    corners = [mask[:-1, :-1], mask[:-1, 1:], mask[1:, :-1], mask[1:, 1:]]
    ranges = np.stack([log_range[:-1, :-1], log_range[:-1, 1:], log_range[1:, :-1], log_range[1:, 1:]])
    return np.logical_and.reduce(corners) & (ranges.max(axis=0) - ranges.min(axis=0) <= jump)
