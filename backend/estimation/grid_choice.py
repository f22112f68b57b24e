"""Which grid the terrain gets: spacing and place, from where the visible ground lies."""

from __future__ import annotations

import numpy as np

from ..context import Context
from ..contract.settings import TerrainSettings
from ..terrain import Grid
from .far_ground import share_within

STAGE = "camera"
SPACINGS_M = tuple(2.0**k for k in range(-1, 8))
"""What the terrain network knows: 0.5 to 128 m."""
ROOM_IN_FRONT = 0.02
NEARLY, GROUND_NEARLY_IN_PLACE = 0.85, 0.9
"""A grid must hold 90 % of the visible ground within 85 % of its reach, where far_ground moves it by some percent at most."""
SKYLINE_WITHIN = 0.7
"""Share of the skyline that must stand within the grid's reach."""


def choose_grid(ground: np.ndarray, skyline: np.ndarray, settings: TerrainSettings, ctx: Context) -> tuple[Grid, str]:
    """A square grid with the camera near the middle of its front edge, and why it is as it is.

    ground: (N, 3) visible points in meters, terrain frame, camera at x = y = 0.   skyline: (M, 3) those under the sky.
    The smallest spacing wins whose grid holds 90 % of the ground about where it is and 70 % of the skyline within its reach.
    """
    cells = max(2, settings.resolution // settings.upsample)
    skyline = skyline if len(skyline) else ground
    if settings.dx_m > 0:
        dx, by = settings.dx_m * settings.upsample, "artist"
        why = f"spacing {dx:g} m as asked"
    else:
        dx, by = SPACINGS_M[-1], "default"
        for candidate in SPACINGS_M:
            grid = grid_of(cells, candidate)
            if (share_within(ground, grid, NEARLY) >= GROUND_NEARLY_IN_PLACE and share_within(skyline, grid) >= SKYLINE_WITHIN):
                dx = candidate
                break
        why = (f"spacing {dx:g} m, the finest power of two with which {cells} x {cells} points hold most of the visible "
               "ground where it is")
    ctx.choice(STAGE, why, by)
    return grid_of(cells, dx), why


def grid_of(cells: int, dx: float) -> Grid:
    """The square grid of `cells` x `cells` points with the camera at x = y = 0 near its front edge."""
    side = cells * dx
    front = -max(2.0 * dx, ROOM_IN_FRONT * side)
    return Grid(cells, cells, dx, (-0.5 * (cells - 1) * dx, front + (cells - 1) * dx))
