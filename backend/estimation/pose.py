"""Pitch and scale (P2P 4.2, eq. 1): how the camera looked and how large the scene is.

The paper searches the pitch at which the mean slope of the points, seen from above, equals the prior's. Two pitches can
do that, and a flat curve leaves it to noise; so the mismatch in slope, in units of the prior's spread, is weighed with
a prior on the pitch itself: the network's, or that of 3000 mountain photographs (GeoPose3K). The best cell of the grid
search is refined by golden section. Scale: robust percentiles of height onto the expected relief.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..camera import Camera
from ..context import Context
from ..contract.errors import ImplausibleGeometry
from ..contract.settings import TerrainSettings
from ..scene import PitchCandidate, Pointmap, PosedScene, Prior, Segmentation
from ..terrain import Grid
from .far_ground import draw_nearer
from .grid_choice import SPACINGS_M, choose_grid, grid_of
from .plan_slope import cells_for, mean_slope
from .pointmap import heightfield_points

STAGE = "camera"
SAMPLES = 40_000
STEP_RAD = math.radians(1.0)
TOLERANCE_RAD = math.radians(0.02)
LIMITS_RAD = (math.radians(-75.0), math.radians(60.0))
REACH = 4.0
"""How many spreads around the expected pitch are searched."""
HEIGHT_PERCENTILES = (0.5, 99.5)
SLOPE_OF_POINTS_RAD = {"bundled": (math.radians(-9.4), math.radians(6.4))}
"""By provider of the points: how far their mean slope at the true pitch lies from the expected one, mean and standard
deviation. Smooth distances make ground look gentler. Measured by `python -m backend evaluate scene`."""
WARN_MOVED = 0.02
RELIEF_ROUNDS, RELIEF_TOLERANCE = 8, 0.005
LEAST_RELIEF = 0.015
"""Relief over median distance that the scale goes by at least: in a plain the range of heights is noise."""


def solve(pointmap: Pointmap, segmentation: Segmentation, prior: Prior, settings: TerrainSettings,
          ctx: Context) -> PosedScene:
    """Turn, scale and place the points; choose the grid. Raises ImplausibleGeometry."""
    mask = pointmap.mask
    height, width = mask.shape
    roll = math.radians(settings.roll_deg)
    points = pointmap.points[mask]
    if len(points) < 100:
        raise ImplausibleGeometry("Too few points of the terrain are left to find the camera.")
    view = Camera(width, height, pointmap.fov_x_rad, 0.0, roll)
    candidates: list[PitchCandidate] = []
    if settings.fix_pitch:
        pitch = math.radians(settings.pitch_deg)
        ctx.choice(STAGE, f"pitch {settings.pitch_deg:.1f} degrees", "artist")
    else:
        ctx.progress(0.1, "searching the pitch")
        bias, doubt = SLOPE_OF_POINTS_RAD.get(pointmap.provider, (0.0, 0.0))
        candidates = find_pitch(points[:: max(1, len(points) // SAMPLES)], view, prior, ctx, bias, doubt)
        pitch = _report(candidates, prior, bias, ctx)
    if roll:
        ctx.choice(STAGE, f"roll {settings.roll_deg:.1f} degrees", "artist")
    ctx.progress(0.6, "scaling to the relief")
    turned = Camera(width, height, pointmap.fov_x_rad, pitch, roll)
    log_depth = np.log(np.where(mask, pointmap.points[..., 2], np.float32(1.0)))
    world = turned.to_terrain(heightfield_points(log_depth, mask, turned))
    seen = world[mask]
    least = LEAST_RELIEF * float(np.median(np.hypot(seen[:, 0], seen[:, 1])))
    scale, lowest, is_flat = scale_and_floor(seen[:, 2], prior.elevation_range_m.value, least)
    if is_flat:
        ctx.warning(STAGE, "The visible ground is nearly level: the terrain is low, and its size is little more than a guess.")
    under_sky = np.zeros_like(mask)
    under_sky[1:] = mask[1:] & segmentation.sky[:-1]
    grid, why = choose_grid(seen * scale - [0, 0, lowest], world[under_sky] * scale - [0, 0, lowest], settings, ctx)
    relief_m = prior.elevation_range_m.value if prior.elevation_range_m.source == "artist" and not is_flat else 0.0
    placed, floor, moved, beyond_m = place(seen, scale, lowest, grid, relief_m)
    while relief_m > 0 and not holds_relief(placed, relief_m):
        if settings.dx_m > 0 or grid.dx_m >= SPACINGS_M[-1]:
            ctx.warning(STAGE, f"A relief of {relief_m:.0f} m does not fit on {grid.cols} points of {grid.dx_m:g} m with this "
                               "view; choose a larger spacing or leave it at 0.")
            break
        grid = grid_of(grid.cols, 2 * grid.dx_m)
        why = f"spacing {grid.dx_m:g} m, so that the known relief fits"
        ctx.choice(STAGE, why, "default")
        placed, floor, moved, beyond_m = place(seen, scale, lowest, grid, relief_m)
    world[mask], lowest = placed, floor
    camera = Camera(width, height, pointmap.fov_x_rad, pitch, roll, (0.0, 0.0, -lowest))
    if moved > WARN_MOVED:
        ctx.warning(STAGE, f"{100 * moved:.0f} % of the visible ground, all beyond {beyond_m / 1000:.1f} km, were drawn nearer "
                           "to stay on the grid; from the camera they look the same. A larger spacing leaves them in place.")
    return PosedScene(camera, world, mask, grid, {"grid": why}, tuple(candidates))


def place(points: np.ndarray, scale: float, lowest: float, grid: Grid,
          relief_m: float) -> tuple[np.ndarray, float, float, float]:
    """Scale points (N, 3) with the camera at their origin, floor them at 0, draw what is far nearer.

    Far ground loses height when it is drawn nearer; a known relief (relief_m > 0) is then restored by a larger scale.
    Returns the points, float32, the lowest ground below the camera, and what `draw_nearer` says of them.
    """
    for _ in range(RELIEF_ROUNDS):
        scaled = (points * np.float32(scale) - np.array([0, 0, lowest], np.float32)).astype(np.float32)
        drawn, moved, beyond_m = draw_nearer(scaled, -lowest, grid)
        if relief_m <= 0 or holds_relief(drawn, relief_m):
            break
        more = relief_m / robust_relief_m(drawn)
        scale, lowest = scale * more, lowest * more
    return drawn, lowest, moved, beyond_m


def robust_relief_m(points: np.ndarray) -> float:
    """Range of the heights of (N, 3) points, outliers left out."""
    return float(np.subtract(*np.percentile(points[:, 2], HEIGHT_PERCENTILES[::-1])))


def holds_relief(points: np.ndarray, relief_m: float) -> bool:
    """Whether (N, 3) points have this relief."""
    return abs(robust_relief_m(points) - relief_m) < RELIEF_TOLERANCE * relief_m


def scale_and_floor(heights: np.ndarray, relief_m: float, least: float = 0.0) -> tuple[float, float, bool]:
    """Factor that stretches the robust range of `heights` onto relief_m, the lowest ground after that, and `is_flat`.

    least: range, in the unit of `heights`, below which they are flat: then relief_m stands for this range, or a plain
    would grow to a giant one. Raises ImplausibleGeometry where there is no range at all.
    """
    low, high = np.percentile(heights, HEIGHT_PERCENTILES)
    if not high - low > 1e-6 * max(1e-6, float(np.abs(heights).max())):
        raise ImplausibleGeometry("All of the visible ground came out at one height; nothing sets its scale.")
    scale = relief_m / max(float(high - low), least)
    return scale, float(low) * scale, bool(high - low < least)


def find_pitch(points: np.ndarray, view: Camera, prior: Prior, ctx: Context, slope_bias_rad: float = 0.0,
               slope_doubt_rad: float = 0.0) -> list[PitchCandidate]:
    """Local minima of the cost, best first (eq. 1 with a prior on pitch).

    points: (N, 3) camera frame.   cost(pitch) = ((slope - expected) / spread)^2 + ((pitch - expected) / spread)^2.
    slope_bias_rad, slope_doubt_rad: how far the slope of such points lies from the truth, mean and standard deviation.
    """
    slope_spread = max(math.hypot(prior.mean_slope_rad.spread, slope_doubt_rad), 1e-3)
    expected = prior.pitch_rad
    reach = max(REACH * expected.spread, 5 * STEP_RAD)
    low, high = max(LIMITS_RAD[0], expected.value - reach), min(LIMITS_RAD[1], expected.value + reach)

    def at(pitch: float) -> np.ndarray:
        return points @ Camera(view.width, view.height, view.fov_x_rad, pitch, view.roll_rad).rotation().T

    cells = cells_for(at(expected.value))

    def slope(pitch: float) -> float:
        return mean_slope(at(pitch), cells)

    def cost(pitch: float) -> float:
        miss = (slope(pitch) - slope_bias_rad - prior.mean_slope_rad.value) / slope_spread
        away = (pitch - expected.value) / max(expected.spread, 1e-3)
        return miss * miss + away * away if math.isfinite(miss) else math.inf

    pitches = np.linspace(low, high, max(3, math.ceil((high - low) / STEP_RAD) + 1))
    costs = []
    for k, pitch in enumerate(pitches):
        ctx.progress(0.1 + 0.4 * k / len(pitches), "searching the pitch")
        costs.append(cost(float(pitch)))
    if not np.isfinite(costs).any():
        raise ImplausibleGeometry("At no pitch do the points make ground whose slope can be told.")
    found = []
    for k, value in enumerate(costs):
        left, right = costs[max(k - 1, 0)], costs[min(k + 1, len(costs) - 1)]
        if math.isfinite(value) and value <= left and value <= right:
            best = golden_section(cost, float(pitches[max(k - 1, 0)]), float(pitches[min(k + 1, len(costs) - 1)]))
            found.append(PitchCandidate(best, cost(best), slope(best)))
    return sorted(found, key=lambda candidate: candidate.cost)


def golden_section(cost: Callable[[float], float], low: float, high: float, tolerance: float = TOLERANCE_RAD) -> float:
    """Where `cost` is least between low and high, for a cost with one minimum there."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    cost_a, cost_b = cost(a), cost(b)
    while high - low > tolerance:
        if cost_a <= cost_b:
            high, b, cost_b = b, a, cost_a
            a = high - ratio * (high - low)
            cost_a = cost(a)
        else:
            low, a, cost_a = a, b, cost_b
            b = low + ratio * (high - low)
            cost_b = cost(b)
    return 0.5 * (low + high)


def _report(candidates: list[PitchCandidate], prior: Prior, slope_bias_rad: float, ctx: Context) -> float:
    """Record the choice and the runner-up; the pitch of the best."""
    best = candidates[0]
    text = (f"pitch {math.degrees(best.pitch_rad):.1f} degrees gives a mean slope of {math.degrees(best.slope_rad):.1f} "
            f"where {math.degrees(prior.mean_slope_rad.value + slope_bias_rad):.1f} are expected of such points")
    if len(candidates) > 1:
        second = candidates[1]
        text += (f"; {math.degrees(second.pitch_rad):.1f} degrees fit second best (cost {second.cost:.2f} against "
                 f"{best.cost:.2f})")
    ctx.choice(STAGE, text, "pitch search")
    return best.pitch_rad
