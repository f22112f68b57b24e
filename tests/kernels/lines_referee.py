"""Shadow and horizon by marching from every cell over the bilinear surface. Slow, obvious."""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True)
def marched_horizon(heights, dx, azimuth, step):
    """Largest tangent of the bilinear surface toward the azimuth, `step` cells apart; -inf where nothing lies that way."""
    rows, cols = heights.shape
    tangents = np.full((rows, cols), -np.inf)
    right, down = math.sin(azimuth), -math.cos(azimuth)
    for row in range(rows):
        for col in range(cols):
            k = 1
            while True:
                away = k * step
                r, c = row + away * down, col + away * right
                if r < -1e-9 or c < -1e-9 or r > rows - 1 + 1e-9 or c > cols - 1 + 1e-9:
                    break
                top, left = min(int(max(r, 0.0)), max(rows - 2, 0)), min(int(max(c, 0.0)), max(cols - 2, 0))
                bottom, other = min(top + 1, rows - 1), min(left + 1, cols - 1)
                f, g = r - top, c - left
                near = (1.0 - g) * heights[top, left] + g * heights[top, other]
                far = (1.0 - g) * heights[bottom, left] + g * heights[bottom, other]
                tangents[row, col] = max(tangents[row, col], ((1.0 - f) * near + f * far - heights[row, col]) / (away * dx))
                k += 1
    return tangents
