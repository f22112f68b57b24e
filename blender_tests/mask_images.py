"""What tests of masks share: classes and their colors, pixels of an image, a stroke of a brush."""

from __future__ import annotations

import bpy
import numpy as np

SKY, TERRAIN, FOREGROUND, UNKNOWN = range(4)

COLORS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)], np.float32)


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """float32 (H, W, 4), row 0 at the top."""
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], 4)[::-1]


def paint(image: bpy.types.Image, rows: slice, cols: slice, color, share: float = 1.0) -> None:
    """As a brush does: mix a color into some pixels."""
    pixels = pixels_of(image).copy()
    pixels[rows, cols, :3] += share * (np.float32(color) - pixels[rows, cols, :3])
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
