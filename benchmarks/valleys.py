"""A seeded range with valleys for the pictures: noise cut by rivers, by our own kernels."""

from __future__ import annotations

import math

import numba
import numpy as np
from scipy import ndimage

from kernels.breach import breach
from kernels.flow import flow_accumulation, flow_receivers

from . import terrains


def eroded(size: int, seed: int = 11, steps: int = 60, border: int = 48) -> np.ndarray:
    """float32 (size, size), meters: relief cut by stream power and smeared by creep, then roughened and dammed here and
    there, so that depressions are left. Cut out of a grid `border` cells wider, where all rivers end in one plain.

    Stream power is solved implicitly from the outlets up (Braun and Willett 2013), along our receivers.
    """
    rng = np.random.default_rng(seed)
    wide = size + 2 * border
    place = np.linspace(-1, 1, wide)
    dome = 1.0 - np.maximum(np.abs(place)[:, None], np.abs(place)[None, :]) ** 3
    heights = 500.0 + 260.0 * terrains.power_law(wide, 1.7, rng) * (0.3 + 0.7 * dome) + 500.0 * dome
    rough = terrains.power_law(wide, 1.25, rng)
    slides = np.maximum(terrains.power_law(wide, 1.6, rng, shortest=14.0) - 1.1, 0.0)
    for _ in range(steps):
        drained = breach(heights.astype(np.float32))
        receivers = flow_receivers(drained).ravel()
        area = flow_accumulation(drained).ravel()
        heights = cut_valleys(np.argsort(drained, axis=None), receivers, area, heights.ravel(), 0.30).reshape(wide, wide)
        heights += 5.0 * dome
        heights += 0.2 * ndimage.laplace(heights, mode="nearest")
    heights += 1.5 * rough + 60.0 * slides
    return np.ascontiguousarray(heights[border:-border, border:-border], np.float32)


@numba.njit(cache=True)
def cut_valleys(order, receivers, area, heights, strength):
    """One implicit step of stream power, m = 0.45, n = 1; `order` from the lowest up."""
    cols = int(math.sqrt(heights.size))
    for cell in order:
        target = receivers[cell]
        if target != cell:
            away = math.hypot(cell // cols - target // cols, cell % cols - target % cols)
            rate = strength * area[cell] ** 0.45 / away
            heights[cell] = (heights[cell] + rate * heights[target]) / (1.0 + rate)
    return heights
