"""Upper bound of hidden ground: the height above which it would be seen (P2P algorithm 2).

Algorithm 2 marches every camera ray and lowers each cell below it. In one vertical plane only the steepness of rays
matters: a hidden cell at horizontal distance d reaches at most z_cam + d * t, t the lowest tangent of all rays that pass
over it. Those rays end on visible cells farther out or in the sky, so t is a minimum over what follows, and never less than
the horizon, the maximum over visible cells before. One walk out and one walk back along an azimuth give both for all of
its cells; no ray is marched twice. Cells not visible are transparent: only what the picture shows hides or is passed over.

Azimuths go through quarter points of the border's cells, two a cell, so that every cell is crossed by several, and the
minimum over them is kept. The exact answer that this is held against (R3) takes one ray through the center of every cell:
the bound errs low, on the safe side, and lies more than 1 m over R3 at 0.3 % of hidden cells (0.1 to 0.6 % by view).

Frame: x right, y away from the camera, z up, meters; cell (r, c) lies at x = origin_x + c dx, y = origin_y - r dx.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from .arrays import Device, choose, like, on_gpu, on_host
from .errors import HIGHEST_M, KernelInputError, checked_mask, checked_number, checked_positive, checked_shape
from .rays import FARTHEST_CELLS
from .workspace import Workspace


def view_bound(
    heights: Any,
    visible: Any,
    dx_m: float,
    origin_m: tuple[float, float],
    camera_m: tuple[float, float, float],
    azimuth_min_rad: float,
    azimuth_max_rad: float,
    sky_azimuth_rad: np.ndarray | None = None,
    sky_tangent: np.ndarray | None = None,
    *,
    device: Device = "auto",
    workspace: Workspace | None = None,
) -> Any:
    """Z_max of hidden ground seen from one camera: float32 (rows, cols), meters.

    heights: (rows, cols), meters, read only where visible; NumPy, PyTorch or CuPy, and the result is of the same kind.
    visible: bool (rows, cols); the rest is transparent. None for a whole terrain that hides itself, see below.
    dx_m: cell size, meters.   origin_m: world (x, y) of the center of cell (0, 0).   camera_m: world (x, y, z), in the grid
    or beside it.   azimuth_min_rad, azimuth_max_rad: what the camera sees, 0 toward +y, positive to the right.
    sky_azimuth_rad, sky_tangent: (n,) azimuths in rising order and the tangent of the elevation of the lowest ray there
    that reaches the sky; linear between samples, NaN (foreground) and azimuths beyond the samples say nothing.

    A hidden cell at distance d gets z_cam + d * max(horizon, lowest tangent farther out), the least over the rays that
    cross it; `horizon` is the highest tangent of visible cells before it, `farther out` are visible cells and the sky. With
    nothing farther out no ray passes: +inf, unless no sky is given at all; then sky is taken to begin at the horizon.
    +inf also at visible cells and where the center of the cell lies outside of the azimuths seen.
    visible=None: all cells get z_cam + d * horizon, over all cells before them: terrain that reaches it is seen. Nothing
    farther out counts, the sky neither. -inf where nothing lies before, the camera's own cell among them: any height is seen.

    Two rays a border cell, cell by cell in integers (`rays.py`): same bits for any number of threads and on a GPU. O(n).
    Raises KernelInputError on shapes or types that do not fit, heights in use that are not finite, azimuths out of order,
    and cameras more than 2^29 cells away.
    Source: P2P section 4.4, algorithm 2, in the limit of dense rays; 0.3 % of hidden cells are more than 1 m
    over a ray through each cell's center (tests/kernels/test_view_bound_exact.py, on ridged and fractal terrain).
    """
    dx_m = checked_positive(dx_m, "dx_m")
    if np.shape(origin_m) != (2,) or np.shape(camera_m) != (3,):
        raise KernelInputError("origin_m must be (x, y) and camera_m (x, y, z).")
    origin_m = checked_number(origin_m[0], "origin_m x"), checked_number(origin_m[1], "origin_m y")
    camera_m = (checked_number(camera_m[0], "camera_m x"), checked_number(camera_m[1], "camera_m y"),
                checked_number(camera_m[2], "camera_m z"))
    low, high = checked_number(azimuth_min_rad, "azimuth_min_rad"), checked_number(azimuth_max_rad, "azimuth_max_rad")
    if high <= low:
        raise KernelInputError(f"The azimuths from {low} to {high} rad enclose nothing; azimuth_max_rad must be the larger.")
    farthest = max(abs(camera_m[0] - origin_m[0]), abs(camera_m[1] - origin_m[1])) / dx_m
    if farthest > FARTHEST_CELLS:
        raise KernelInputError(f"The camera stands {farthest:.0f} cells from the grid's corner; are its units those of dx_m?")
    sky = _sky(sky_azimuth_rad, sky_tangent)
    where = choose(device, heights)
    grid, seen = heights, visible
    if where == "cpu" or not on_gpu(heights):
        grid = checked_shape(on_host(heights))
        seen = None if visible is None else checked_mask(on_host(visible, "visible mask"), grid.shape, "visible")
        if not importlib.import_module(".cpu.finite", __package__).all_within(grid, HIGHEST_M, seen):
            raise KernelInputError(f"The heights contain NaN, infinity or values beyond {HIGHEST_M:.0e} m at visible cells.")
    module = importlib.import_module(f".{where}.view_bound", __package__)
    scratch = Workspace() if where == "cpu" and workspace is None else workspace
    return like(module.view_bound(grid, seen, dx_m, origin_m, camera_m, low, high, *sky, scratch), heights)


def _sky(azimuth: np.ndarray | None, tangent: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Checked samples of the sky, float64 (n,) each; none become empty arrays."""
    if azimuth is None and tangent is None:
        return np.empty(0), np.empty(0)
    if azimuth is None or tangent is None:
        raise KernelInputError("sky_azimuth_rad and sky_tangent go together")
    azimuths, tangents = np.ascontiguousarray(azimuth, np.float64), np.ascontiguousarray(tangent, np.float64)
    if azimuths.ndim != 1 or azimuths.shape != tangents.shape:
        raise KernelInputError(f"sky_azimuth_rad {azimuths.shape} and sky_tangent {tangents.shape} must be one (n,)")
    if not np.isfinite(azimuths).all() or (np.diff(azimuths) < 0).any():
        raise KernelInputError("sky_azimuth_rad must be finite and must not fall")
    return azimuths, tangents
