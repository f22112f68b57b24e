"""A made-up valley with ridges, seen by a camera whose truth is known, and the stages' inputs for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backend.camera import Camera
from backend.networks.scene import ScenePrediction
from backend.scene import Estimate, Pointmap, Prior, Segmentation
from kernels.raycast import render_range, world_points

DX_M = 8.0
CELLS = 512


def valley(seed: int = 3) -> np.ndarray:
    """float32 (512, 512): two ridges across the view over rolling ground, higher with distance, 0 to about 900 m."""
    rng = np.random.default_rng(seed)
    y = (CELLS - 1 - np.arange(CELLS))[:, None] * DX_M
    x = (np.arange(CELLS) - 0.5 * (CELLS - 1))[None, :] * DX_M
    heights = 0.05 * y + 260.0 * np.exp(-(((y - 1500 - 0.25 * x) / 350.0) ** 2)) * (0.7 + 0.3 * np.sin(x / 260.0))
    heights = heights + 700.0 * np.exp(-(((y - 3100 + 0.1 * x) / 500.0) ** 2)) * (0.75 + 0.25 * np.sin(x / 400.0 + 1.0))
    for wavelength, height in ((900.0, 40.0), (400.0, 15.0), (150.0, 4.0)):
        turn, phase = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi)
        heights = heights + height * np.sin((x * math.cos(turn) + y * math.sin(turn)) / wavelength * 2 * math.pi + phase)
    return heights.astype(np.float32)


@dataclass(frozen=True)
class View:
    """A picture of the valley: its heights, camera, ranges (inf = sky) and points in the camera frame."""

    heights: np.ndarray
    origin_m: tuple[float, float]
    camera: Camera
    ranges: np.ndarray
    world: np.ndarray

    @property
    def segmentation(self) -> Segmentation:
        land = np.isfinite(self.ranges)
        return Segmentation(land, ~land, np.zeros_like(land), "truth")

    def pointmap(self, unit: float = 1.0) -> Pointmap:
        """Exact points, divided by `unit` so that the scale is lost."""
        land = np.isfinite(self.ranges)
        points = (self.camera.from_terrain(self.world) / np.float32(unit)).astype(np.float32)
        return Pointmap(np.where(land[..., None], points, np.float32(np.nan)), land, self.camera.fov_x_rad, False, "truth")

    @property
    def relief_m(self) -> float:
        """Between the percentiles that the scale goes by."""
        heights = self.world[np.isfinite(self.ranges)][:, 2]
        return float(np.subtract(*np.percentile(heights, [99.5, 0.5])))


def view(pitch_deg: float = 3.0, fov_deg: float = 55.0, width: int = 480, height: int = 320, roll_deg: float = 0.0) -> View:
    """The valley from 120 m over its near edge."""
    heights = valley()
    origin = (-0.5 * (CELLS - 1) * DX_M, (CELLS - 1) * DX_M)
    z = float(heights[-1, CELLS // 2]) + 120.0
    camera = Camera(width, height, math.radians(fov_deg), math.radians(pitch_deg), math.radians(roll_deg), (0.0, 0.0, z))
    ranges = render_range(heights, DX_M, origin, camera.position_m, camera.pitch_rad, camera.fov_x_rad, width, height)
    points = world_points(ranges, camera.position_m, camera.pitch_rad, camera.fov_x_rad)
    return View(heights, origin, camera, ranges, points)


def prior(slope_rad: float, relief_m: float, pitch_rad: float = 0.0, pitch_spread_rad: float = 0.3) -> Prior:
    """A prior sure of slope and relief, unsure of pitch."""
    return Prior(Estimate(slope_rad, math.radians(0.5), "truth"), Estimate(relief_m, 1.0, "truth"),
                 Estimate(pitch_rad, pitch_spread_rad, "GeoPose3K"))


def prediction(labels: np.ndarray, log_depth: np.ndarray | None = None, **values: float) -> ScenePrediction:
    """A sure network: labels (h, w) of 0 sky, 1 terrain, 2 foreground."""
    probabilities = np.stack([np.where(labels == k, 0.96, 0.02) for k in range(3)]).astype(np.float32)
    depth = np.linspace(3.0, 0.0, labels.shape[0], dtype=np.float32)[:, None] + np.zeros(labels.shape, np.float32)
    numbers = {"fov_x": 0.96, "fov_x_spread": 0.1, "pitch": 0.0, "pitch_spread": 0.07, "roll": 0.0, "mean_slope": 0.4,
               "mean_slope_spread": 0.1, "log_relief": 6.3, "log_relief_spread": 0.5} | values
    return ScenePrediction(probabilities, depth if log_depth is None else log_depth, **numbers)
