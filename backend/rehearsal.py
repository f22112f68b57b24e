"""Compiles (later: loads) the kernels on a toy terrain while the artist still chooses a picture.

The very first start of an installation compiles for some 17 s of CPU; later ones load what was compiled.
"""

from __future__ import annotations

import numpy as np

from .camera import Camera
from .context import Context
from .contract.settings import TerrainSettings
from .scene import Segmentation, VisibleTerrain
from .terrain import Grid, Terrain

SIDE = 64


def rehearse() -> None:
    """Run what the stages run, on 64 x 64 cells and with the same types, and throw it away."""
    from kernels.rasterize import rasterize_surface
    from kernels.view_bound import view_bound

    from . import metrics, preview
    from .completion import procedural_start
    from .surface import analysis

    grid = Grid(SIDE, SIDE, 8.0, (-252.0, 512.0))
    camera = Camera(64, 48, 1.0, 0.0, 0.0, (0.0, 0.0, 90.0))
    ground = (np.abs(grid.x())[None, :] * 0.3 + grid.y()[:, None] * 0.2).astype(np.float32)
    points = np.stack([*np.meshgrid(grid.x(), grid.y()), ground], -1).astype(np.float32)
    rasterize_surface(points, np.ones((SIDE - 1, SIDE - 1), bool), SIDE, SIDE, grid.dx_m, grid.origin_m)
    mask = np.abs(points[..., 0]) < 60
    heights = np.where(mask, ground, np.float32(np.nan))
    bound = view_bound(heights, mask, grid.dx_m, grid.origin_m, camera.position_m, -0.4, 0.4)
    visible = VisibleTerrain(grid, camera, heights, mask, np.zeros_like(mask))
    start = procedural_start.start(visible, bound, TerrainSettings(), Context())
    terrain = Terrain(grid, start, {"visible": heights, "bound": bound, "evidence": mask.astype(np.uint8)})
    land = np.arange(48)[:, None] > np.full((1, 64), 20)
    metrics.measure(terrain, camera, Segmentation(land, ~land, np.zeros_like(land), "rehearsal"))
    preview.sunlight(terrain, 0.0, with_shadows=True)
    analysis.analyze(start, grid.dx_m)
