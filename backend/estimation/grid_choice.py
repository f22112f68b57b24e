"""Which grid the terrain gets: spacing and place, from where the visible ground lies."""

from __future__ import annotations

import numpy as np

from ..context import Context
from ..contract.settings import TerrainSettings
from ..terrain import Grid

STAGE = "camera"
SPACINGS_M = tuple(2.0**k for k in range(-1, 8))
"""What the terrain network knows: 0.5 to 128 m."""
ROOM_BEHIND = 0.15
"""Share of the grid's depth kept free behind most of the skyline, for the hidden sides of its ridges."""
ROOM_IN_FRONT = 0.02
POINTS_INSIDE, SKYLINE_INSIDE, SKYLINE_WITH_ROOM = 0.97, 0.98, 0.85
WARN_CROPPED = 0.03


def choose_grid(ground: np.ndarray, skyline: np.ndarray, settings: TerrainSettings, ctx: Context) -> tuple[Grid, str]:
    """A square grid with the camera near the middle of its front edge, and why it is as it is.

    ground: (N, 3) visible points in meters, terrain frame, camera at x = y = 0.   skyline: (M, 3) those under the sky.
    The smallest spacing wins whose grid holds 97 % of the ground and 98 % of the skyline, most of it with room
    behind. A few far
    outliers do not stretch the grid: they are cropped, and told where they are more than a few.
    """
    cells = max(2, settings.resolution // settings.upsample)
    skyline = skyline if len(skyline) else ground
    if settings.dx_m > 0:
        dx, by = settings.dx_m * settings.upsample, "artist"
        why = f"spacing {dx:g} m as asked"
    else:
        dx, by = SPACINGS_M[-1], "default"
        for candidate in SPACINGS_M:
            if (_holds(ground, cells, candidate, 0.0) >= POINTS_INSIDE
                    and _holds(skyline, cells, candidate, 0.0) >= SKYLINE_INSIDE
                    and _holds(skyline, cells, candidate, ROOM_BEHIND) >= SKYLINE_WITH_ROOM):
                dx = candidate
                break
        why = (f"spacing {dx:g} m, the finest power of two with which {cells} x {cells} points hold the visible ground and "
               "room behind it")
    ctx.choice(STAGE, why, by)
    grid = _grid(cells, dx)
    lost = 1.0 - _holds(ground, cells, dx, 0.0)
    if lost > WARN_CROPPED:
        ctx.warning(STAGE, f"{100 * lost:.0f} % of the visible ground lie outside of the grid and were left out; a larger "
                           "spacing or resolution holds more.")
    return grid, why


def _grid(cells: int, dx: float) -> Grid:
    side = cells * dx
    front = -max(2.0 * dx, ROOM_IN_FRONT * side)
    return Grid(cells, cells, dx, (-0.5 * (cells - 1) * dx, front + (cells - 1) * dx))


def _holds(points: np.ndarray, cells: int, dx: float, room: float) -> float:
    """Share of the points inside of the grid, less the room behind."""
    grid = _grid(cells, dx)
    half = -grid.origin_m[0]
    far = grid.origin_m[1] - room * cells * dx
    x, y = points[:, 0], points[:, 1]
    return float(((np.abs(x) <= half) & (y <= far) & (y >= far - cells * dx)).mean())
