"""The procedural start (P2P 5.3, algorithm 3): octaves of noise, drained and below the view bound.

Differences from a literal reading, each for a reason:
- The coarsest level is a screened membrane through the seen cells that sinks to their middle height: plain smoothing
  makes a plateau behind every ridge and runs away as a ramp outside of the frustum.
- Noise has the amplitude real terrain has in that octave, in units of the seen ground's own steepness, and fades in
  with distance from seen cells, so that there is no step where sight ends.
- Seen cells are not raised to infinity for breaching, they are `fixed`: hidden valleys may drain through them.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..context import Context
from ..contract.settings import TerrainSettings
from ..scene import VisibleTerrain
from .drainage import drain, talus
from .fluvial import carve
from .height_unit import seen_scale

RIM = 64
"""Cells added around the grid while it is filled."""
COARSEST_SIDE = 16
"""The coarsest level has at least this many cells on its shorter side."""
OCTAVES = {
    10.0: (0.049, 0.093, 0.180, 0.334, 0.603, 1.074, 1.843, 2.735),
    30.0: (0.052, 0.098, 0.178, 0.304, 0.458, 0.612, 0.846, 0.817),
    90.0: (0.060, 0.108, 0.175, 0.264, 0.370, 0.477, 0.623, 0.767),
}
"""Standard deviation of real heights per octave (cells of 1, 2, 4 ... spacings) in relief scales, by spacing in m:
medians over the training and validation library."""
FLUVIAL_LEVEL = 4
"""Level (cells of 2^k spacings) at which rivers are carved; diffusion remakes what is finer."""
RIVER_SLOPE, RIVER_RELIEF = 1.4, 2.0
"""RMS slope of river landscapes over that of the seen ground (their finer relief is missing), and most relief."""
NOISE_ON_RIVERS = 0.4
"""Share of the noise in the octaves finer than the rivers."""
LIFT = 0.3
"""Share of the seen relief by which seen ground is raised while hidden ways out are sought (drainage.py)."""
TALUS = 1.7
"""Steepest hidden valley side over the RMS slope of seen ground; levels from TALUS_LEVEL on keep to it."""
TALUS_LEVEL = 2
SHOULDER = 1.3
"""How much more steeply than TALUS hidden ground may fall away from seen ground."""
EYE_HEIGHT_M = 2.0
BOWL_CELLS = 12
"""Radius around the camera in which ground stays below a bowl."""
DEEPEST = 1.5
"""Seen reliefs below the lowest seen ground to which the bound shapes hidden ground."""
LARGEST_SHARE = 0.22
"""No octave has a standard deviation of more than this share of the seen relief."""
SMOOTHINGS = 2
"""Steps of Laplacian diffusion per level."""
NOISE_GAIN = 3.0
"""Smoothing and doubling eat noise: measured, so that octaves end with the amplitudes above."""


def start(
    visible: VisibleTerrain, bound: np.ndarray, settings: TerrainSettings, ctx: Context, enclosed: bool = False
) -> np.ndarray:
    """Fill the hidden cells.

    bound: float32 (rows, cols) Z_max, +inf where free, read on hidden cells only.   enclosed: hidden ground lies between seen
    ground and goes on from one side to the other; else it sinks to the middle height.   Returns finite float32 heights in
    m, the seen ones where there are, below the bound elsewhere (see DEEPEST).   Raises ValueError when nothing is seen.
    """
    known, dx = visible.mask, visible.grid.dx_m
    bound = under_camera(bound, visible)
    if not known.any():
        raise ValueError("Nothing is visible, so there is nothing to continue.")
    if known.all():
        return visible.heights.astype(np.float32)
    rng = ctx.rng("start")
    levels = max(0, int(np.log2(min(known.shape) / COARSEST_SIDE)))
    scale = seen_scale(visible)
    slope = scale / (16.0 * dx)
    relief = float(np.ptp(visible.heights[known]))
    # A bound far below all that is seen comes from a few stray rays: hold to it at the end, do not shape valleys by it.
    bound = np.maximum(bound, float(visible.heights[known].min()) - DEEPEST * relief)
    amplitudes = np.minimum(octave_amplitudes(dx, levels + 1) * scale, LARGEST_SHARE * relief)

    # A rim of free ground around the grid, cut off at the end: smoothing flattens what lies at a border.
    rim = min(RIM, min(known.shape) // 4)
    heights = np.pad(np.where(known, visible.heights, 0.0).astype(np.float64), rim)
    limit = np.pad(np.where(known, np.inf, bound).astype(np.float64), rim, constant_values=np.inf)

    pyramid = [(heights, np.pad(known, rim), limit)]
    for _ in range(levels):
        pyramid.append(_halve(*pyramid[-1]))
    current = None
    for level in range(levels, -1, -1):
        ctx.progress((levels - level) / (levels + 1), "Continuing the seen ground")
        ground, seen, ceiling = pyramid[level]
        if current is None:
            current = membrane(ground, seen, np.inf if enclosed else 0.5 * relief / (slope * dx) / 2**level)
        else:
            current = _double(current)[: seen.shape[0], : seen.shape[1]]
        distance = distance_transform_edt(~seen) if seen.any() else np.full(seen.shape, 4.0)
        near = np.clip(distance / 3.0, 0.0, 1.0)
        # Rivers bring their own fine relief.
        share = 1.0 if level >= min(FLUVIAL_LEVEL, levels) else NOISE_ON_RIVERS
        noise = share * rng.uniform(-1.0, 1.0, seen.shape) * (3.0**0.5 * NOISE_GAIN * amplitudes[level])
        # Leave room below the bound for the octaves to come, or it cuts them to planes along the rays.
        room = float(np.sqrt(np.square(amplitudes[:level]).sum()))
        current = np.where(seen, ground, current + noise * near)
        if level == min(FLUVIAL_LEVEL, levels):
            current = _with_rivers(current, ground, seen, dx * 2**level, slope, relief, enclosed)
        softness = amplitudes[level] * np.maximum(near, 0.05)
        current = _constrain(current, seen, ground, ceiling - room * near, softness, LIFT * relief)
        if level >= min(TALUS_LEVEL, levels):
            # Hidden ground neither rises nor falls from its surroundings or from seen ground more steeply than that.
            rise = TALUS * slope * dx * 2**level
            feet = -talus(np.where(seen, -ground, np.inf), SHOULDER * rise, reach=2 * COARSEST_SIDE)
            for _ in range(2):  # what drains the first valley sides gets sides of its own
                sides = talus(current, rise, reach=2 * COARSEST_SIDE)
                current = np.maximum(np.minimum(current, sides), np.minimum(feet, ceiling))
                current = np.where(seen, ground, current)
                current = drain(current.astype(np.float32), seen, LIFT * relief)
    assert current is not None
    return current[rim:-rim, rim:-rim].astype(np.float32)


def under_camera(bound: np.ndarray, visible: VisibleTerrain) -> np.ndarray:
    """The bound, lowered around the camera so that it stands on the ground and not in it.

    No ray looks at what is behind and beside the camera. A bowl with the seen ground's slope is enough of a promise.
    """
    grid, (x, y, z) = visible.grid, visible.camera.position_m
    distance = np.hypot(grid.x()[None, :] - x, grid.y()[:, None] - y)
    bowl = z - EYE_HEIGHT_M + np.maximum(distance - grid.dx_m, 0.0) * seen_scale(visible) / (16.0 * grid.dx_m)
    return np.where(distance < BOWL_CELLS * grid.dx_m, np.minimum(bound, bowl), bound).astype(np.float32)


def _with_rivers(
    current: np.ndarray, ground: np.ndarray, seen: np.ndarray, cell_m: float, slope: float, relief: float, enclosed: bool
) -> np.ndarray:
    """Rivers and ridges on hidden ground."""

    def spread(difference: np.ndarray) -> np.ndarray:
        return membrane(difference, seen, np.inf if enclosed else 0.5 * relief / max(slope, 1e-3) / cell_m)

    return carve(current, seen, cell_m, RIVER_SLOPE * slope, RIVER_RELIEF * relief, spread)


def octave_amplitudes(dx_m: float, count: int) -> np.ndarray:
    """(count,) standard deviations of OCTAVES at this spacing, interpolated in log dx; the last one goes on."""
    spacings = np.log(list(OCTAVES))
    table = np.array(list(OCTAVES.values()))
    row = np.array([np.interp(np.log(dx_m), spacings, column) for column in table.T])
    return row[np.minimum(np.arange(count), len(row) - 1)]


def below(heights: np.ndarray, ceiling: np.ndarray, softness: np.ndarray) -> np.ndarray:
    """A minimum with a round edge: never above `ceiling`, and relief that reaches it is pressed, not cut flat.

    Heights more than a few `softness` (m, per cell) below stay as they are.
    """
    capped = np.isfinite(ceiling)
    gap = np.where(capped, (np.where(capped, ceiling, 0.0) - heights) / np.maximum(softness, 1e-6), 50.0)
    pressed = np.where(capped, ceiling, 0.0) - softness * np.logaddexp(0.0, gap)
    return np.where(capped & (gap < 20.0), pressed, heights)


def _constrain(
    heights: np.ndarray, seen: np.ndarray, ground: np.ndarray, ceiling: np.ndarray, softness: np.ndarray, lift: float
) -> np.ndarray:
    """Algorithm 3, Constrain: smooth, breach, restore, clamp. Hidden cells only."""
    for _ in range(SMOOTHINGS):
        padded = np.pad(heights, 1, mode="edge")
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        heights = np.where(seen, ground, 0.5 * heights + 0.125 * around)
    heights = below(heights, ceiling, softness)
    drained = drain(heights.astype(np.float32), seen, lift)
    return np.where(seen, ground, np.minimum(drained, ceiling))


def membrane(ground: np.ndarray, seen: np.ndarray, reach: float) -> np.ndarray:
    """Solve laplacian(z) = (z - middle) / reach^2 on hidden cells with seen cells given and free borders.

    reach: distance in cells over which a ridge sinks to the middle height of what is seen; infinite: it does not.
    """
    if not seen.any():
        return np.full(ground.shape, float(ground.mean()))
    middle = float(np.median(ground[seen]))
    pull = 1.0 / max(reach, 0.5) ** 2
    z = np.where(seen, ground, middle)
    for _ in range(4 * sum(ground.shape)):
        padded = np.pad(z, 1, mode="edge")
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        z = np.where(seen, ground, (around + pull * middle) / (4.0 + pull))
    return z


def _halve(heights: np.ndarray, seen: np.ndarray, ceiling: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D_2 of heights, mask and bound: means of what counts; seen and bounded where at least half of the cells are."""
    pad = [(0, side % 2) for side in seen.shape]
    seen_share = _sum4(np.pad(seen, pad, mode="edge").astype(np.float64))
    total = _sum4(np.pad(np.where(seen, heights, 0.0), pad, mode="edge"))
    capped = np.isfinite(ceiling)
    capped_share = _sum4(np.pad(capped, pad, mode="edge").astype(np.float64))
    caps = _sum4(np.pad(np.where(capped, ceiling, 0.0), pad, mode="edge"))
    some, any_cap = np.maximum(seen_share, 1.0), np.maximum(capped_share, 1.0)
    return total / some, seen_share >= 2.0, np.where(capped_share >= 2.0, caps / any_cap, np.inf)


def _sum4(grid: np.ndarray) -> np.ndarray:
    return grid[0::2, 0::2] + grid[0::2, 1::2] + grid[1::2, 0::2] + grid[1::2, 1::2]


def _double(grid: np.ndarray) -> np.ndarray:
    """U_2: linear interpolation at the centers of four cells for each one."""
    for axis in (0, 1):
        moved = np.moveaxis(grid, axis, 0)
        padded = np.concatenate([moved[:1], moved, moved[-1:]])
        fine = np.empty((2 * moved.shape[0], *moved.shape[1:]))
        fine[0::2] = 0.75 * moved + 0.25 * padded[:-2]
        fine[1::2] = 0.75 * moved + 0.25 * padded[2:]
        grid = np.moveaxis(fine, 0, axis)
    return grid
