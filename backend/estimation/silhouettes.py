"""Keep ridges where the picture has them.

A grid samples a ridge at cell centers and loses up to a cell of it, so a rendered skyline would sink by up to slope
times spacing. So behind every edge of the visible ground, against the sky or against farther ground, the ray that skims
the edge is followed until its strip is two cells wide: hidden cells there get the height at which it passes. They neither
hide anything the picture shows nor show anything it hides.
"""

from __future__ import annotations

import numpy as np

from kernels.rasterize import rasterize_surface

from ..camera import Camera
from ..terrain import Grid

STRIP_CELLS = 2.0
LEAST_SINE = 1.0 / 6.0
"""Of the angle between ray and ridge, below which a strip gets no longer: a ridge may run nearly along the gaze."""
ROW_REACH = 3
"""Rows within which the edges of neighboring columns belong to one ridge inside the terrain."""


def edge_pixels(sky: np.ndarray, mask: np.ndarray, log_range: np.ndarray, jump: float) -> tuple[np.ndarray, np.ndarray]:
    """bool (H, W) each: pixels of the ground right under sky; right under ground farther by `jump` in log range."""
    under_sky, under_ground = np.zeros_like(mask), np.zeros_like(mask)
    under_sky[1:] = mask[1:] & sky[:-1]
    farther = np.where(mask[1:] & mask[:-1], log_range[:-1] - log_range[1:], 0.0)
    under_ground[1:] = farther > jump
    return under_sky, under_ground


def _sides(edges: np.ndarray, log_range: np.ndarray, rows: np.ndarray, cols: np.ndarray, side: int, reach: int,
           jump: float) -> tuple[np.ndarray, np.ndarray]:
    """Row of the edge and log range at a pixel's left (-1) or right (+1) border: halfway to the neighbor's edge."""
    height, width = edges.shape
    row, log_r = rows.astype(np.float64), log_range[rows, cols].astype(np.float64)
    to = np.clip(cols + side, 0, width - 1)
    open_ = (cols + side >= 0) & (cols + side < width)
    for shift in sorted(range(-reach, reach + 1), key=abs):
        at = np.clip(rows + shift, 0, height - 1)
        fits = open_ & edges[at, to] & (np.abs(log_range[at, to] - log_range[rows, cols]) < jump)
        row = np.where(fits, 0.5 * (rows + at), row)
        log_r = np.where(fits, 0.5 * (log_range[at, to] + log_range[rows, cols]), log_r)
        open_ = open_ & ~fits
    return row, log_r


def strips(sky: np.ndarray, mask: np.ndarray, log_range: np.ndarray, camera: Camera, length_m: float,
           jump: float) -> np.ndarray:
    """float64 (N, 2, 2, 3): for each edge pixel the ground its skimming rays pass over: near then far, left then right.

    sky, mask: bool (H, W).   log_range: log of the horizontal range in meters.   length_m: width of the strips.
    """
    height, width = mask.shape
    under_sky, under_ground = edge_pixels(sky, mask, log_range, jump)
    parts = []
    for edges, reach in ((under_sky, max(ROW_REACH, height // 40)), (under_ground, ROW_REACH)):
        rows, cols = np.nonzero(edges)
        sides = []
        for side in (-1, 1):
            row, log_r = _sides(edges, log_range, rows, cols, side, reach, jump)
            sine, cosine, tangent = ray(camera, cols + 0.5 + 0.5 * side, row, width, height)
            sides.append((np.stack([sine, cosine, tangent], axis=-1), np.exp(log_r)[:, None]))
        (left, left_m), (right, right_m) = sides
        across = np.hypot(*(left * left_m - right * right_m)[:, :2].T)[:, None]
        along = np.abs(left_m - right_m)
        sine_to_ridge = np.sqrt(np.maximum(across**2 - along**2, 0.0)) / np.maximum(across, 1e-9)
        length = length_m / np.maximum(sine_to_ridge, LEAST_SINE)
        place = np.asarray(camera.position_m)
        near_left, far_left = left * left_m + place, left * (left_m + length) + place
        near_right, far_right = right * right_m + place, right * (right_m + length) + place
        parts.append(np.stack([np.stack([near_left, near_right], 1), np.stack([far_left, far_right], 1)], axis=1))
    return np.concatenate(parts)


def ray(camera: Camera, u: np.ndarray, v: np.ndarray, width: int, height: int) -> tuple[np.ndarray, ...]:
    """Sine and cosine of the azimuth and tangent of the elevation of rays through (u, v) on a width x height picture."""
    tan_x = np.tan(0.5 * camera.fov_x_rad)
    tan_y = tan_x * camera.height / camera.width
    d = np.stack([(2.0 * u / width - 1) * tan_x, (2.0 * v / height - 1) * tan_y, np.ones(np.shape(u))], axis=-1)
    d = d @ camera.rotation().T
    ground = np.maximum(np.hypot(d[..., 0], d[..., 1]), 1e-9)
    return d[..., 0] / ground, d[..., 1] / ground, d[..., 2] / ground


def skimmed_heights(quads: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Heights float32 (rows, cols) of the strips where they cover a cell's center, and where they do."""
    if not len(quads):
        return np.full(grid.shape, np.nan, np.float32), np.zeros(grid.shape, bool)
    surface = quads.reshape(-1, 2, 3)
    valid = np.zeros((len(surface) - 1, 1), bool)
    valid[::2] = True
    return rasterize_surface(surface, valid, grid.rows, grid.cols, grid.dx_m, grid.origin_m)
