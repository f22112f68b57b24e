"""Small pictures of terrains, drawn from their heights: a block seen from above and behind the picture's camera.

Ground that the picture shows is the same in every variation, so a view through its camera would tell nothing apart. Sand is seen
ground and blue invented, as in the look *Evidence*. A picture is the collection's own preview: Blender saves and undoes it.
"""

from __future__ import annotations

import math

import bpy
import numpy as np

from .result_folder import HeightGrid

SIZE = 160
"""Pixels along each side."""

FINE = 2
"""Drawn so many times larger, then averaged."""

CELLS = FINE * SIZE
"""Points of the terrain along each side that are looked at, at most."""

ELEVATION = math.radians(48.0)
"""Of the eye above the horizon: slopes up to this steep show their far sides."""

SEEN, INVENTED, WALL = ((0.90, 0.81, 0.63), (0.53, 0.61, 0.72), (0.20, 0.18, 0.17))

SUN = (-0.62, 0.36, 0.70)
"""To the sun, from the far left; length 1."""


def draw(grid: HeightGrid, evidence: np.ndarray) -> np.ndarray:
    """float32 (SIZE, SIZE, 4), row 0 at the bottom as Blender has it, colors as shown on a screen; clear beside the block.

    evidence: like the heights, 0 is invented. Touches no bpy.
    """
    step = -(-max(grid.heights.shape) // CELLS)
    coarse = grid.coarse(CELLS)
    heights, dx_m = coarse.heights, coarse.dx_m
    tones = np.where((evidence[::step, ::step] > 0)[..., None], np.float32(SEEN), np.float32(INVENTED))
    tones = tones * _light(heights, dx_m)[..., None]
    # From the near edge away: where each point would stand in the picture, and how far up the nearer ones reach already.
    rows, cols = heights.shape
    away = np.arange(rows, dtype=np.float32)[:, None] * (dx_m * math.sin(ELEVATION))
    rise = (heights[::-1] - heights.min()) * math.cos(ELEVATION)
    top = np.maximum.accumulate(away + rise, axis=0)
    scale = CELLS / max(float(top[-1].max()), dx_m * cols)    # pixels in a meter
    wide = min(CELLS, max(1, round(cols * dx_m * scale)))
    across = (np.arange(wide) * cols // wide).astype(np.intp)
    up = (np.arange(CELLS, dtype=np.float32) + 0.5) / scale
    first = np.stack([np.searchsorted(top[:, col], up) for col in across], axis=1)    # the row of points at each pixel
    is_ground = (first < rows) & (up[:, None] >= top[0, across])
    picture = np.zeros((CELLS, wide, 4), np.float32)
    picture[..., :3] = tones[::-1][np.minimum(first, rows - 1), across]
    picture[up[:, None] < top[0, across], :3] = WALL    # the block's near side
    picture[..., 3] = is_ground | (up[:, None] < top[0, across])
    picture[picture[..., 3] == 0] = 0
    return _in_the_middle(picture)


def _light(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """float32 like the heights: brightness by sun and sky."""
    fall_y, fall_x = np.gradient(heights, dx_m)
    facing = (-fall_x * SUN[0] + fall_y * SUN[1] + SUN[2]) / np.sqrt(fall_x**2 + fall_y**2 + 1.0)
    return (0.36 + 0.88 * np.clip(facing, 0.0, 1.0)).astype(np.float32)


def _in_the_middle(picture: np.ndarray) -> np.ndarray:
    """The same in a square of SIZE, with smooth edges."""
    filled = np.flatnonzero(picture[..., 3].any(axis=1))
    high = filled[-1] + 1 if filled.size else CELLS
    below, left = (CELLS - high) // 2, (CELLS - picture.shape[1]) // 2
    square = np.zeros((CELLS, CELLS, 4), np.float32)
    square[below:below + high, left:left + picture.shape[1]] = picture[:high]
    small = square.reshape(SIZE, FINE, SIZE, FINE, 4).mean(axis=(1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    return np.minimum(small, 1.0)


def put(collection: bpy.types.Collection, picture: np.ndarray) -> None:
    """Make it the preview of a collection."""
    preview = collection.preview_ensure()
    preview.image_size = SIZE, SIZE
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(picture, np.float32).ravel())


def icon_of(collection: bpy.types.Collection) -> int:
    """The number by which panels draw it; 0 where there is none, as in files of earlier versions."""
    preview = collection.preview
    return preview.icon_id if preview is not None and preview.is_image_custom else 0
