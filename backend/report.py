"""report.json: every number, every choice and who made it. A stable interface, described in docs/report.md."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .camera import Camera
from .contract.settings import TerrainSettings
from .contract.version import VERSION
from .picture import Picture
from .runner import StageRecord
from .scene import PitchCandidate, PosedScene, Prior
from .terrain import Grid, Terrain

FORMAT = 1
"""Grows when a name in report.json changes its meaning; names may be added without that."""


def build(picture: Picture, posed: PosedScene, prior: Prior, terrain: Terrain, metrics: dict[str, float | None],
          records: Iterable[StageRecord], notes: list[dict[str, object]], settings: TerrainSettings,
          device: str, seconds: float, surface: dict[str, Any]) -> dict[str, Any]:
    """The report as a JSON object: degrees, meters, seconds, GB; null where a number does not exist.

    posed: its camera is the terrain's.   seconds: of the whole run.   surface: colors and snow line (surface/cover.py).
    """
    from .estimation.pose import robust_relief_m  # here, because it loads much

    stages: list[dict[str, Any]] = [{
        "name": r.name, "seconds": round(r.seconds, 3), "cpu_seconds": round(r.cpu_seconds, 3),
        "peak_memory_gb": round(r.peak_memory_gb, 3),
        "provider": r.provider, "cached": r.cached,
    } for r in records]
    return without_nan({
        "format": FORMAT,
        "version": VERSION,
        "seed": settings.seed,
        "picture": picture_values(picture),
        "camera": camera_values(posed.camera, terrain.grid, terrain.heights) | {
            "pitch_candidates": [candidate_values(candidate) for candidate in posed.candidates]},
        "prior": prior_values(prior),
        "terrain": terrain_values(terrain) | {"visible_relief_m": robust_relief_m(posed.points[posed.mask])},
        "surface": surface,
        "metrics": {name: None if value is None else float(value) for name, value in metrics.items()},
        "stages": stages,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(sum(s["cpu_seconds"] for s in stages), 3),
        "peak_memory_gb": max((s["peak_memory_gb"] for s in stages), default=0.0),
        "device": device,
        "settings": settings.to_dict(),
        "choices": [n for n in notes if "choice" in n],
        "warnings": [n for n in notes if "warning" in n],
    })


def picture_values(picture: Picture) -> dict[str, Any]:
    """The picture's file, its sizes and what EXIF tells of its lens."""
    height, width = picture.rgb.shape[:2]
    return {
        "path": str(picture.path), "sha256": picture.sha256, "width": width, "height": height,
        "original_width": picture.original_size[0] or width, "original_height": picture.original_size[1] or height,
        "exif_fov_x_deg": None if picture.exif_fov_x_rad is None else math.degrees(picture.exif_fov_x_rad),
    }


def unfinished(picture: Picture, posed: PosedScene, grid: Grid, heights: np.ndarray, settings: TerrainSettings,
               stage: str) -> dict[str, Any]:
    """The report of a terrain that is taken after `stage`, before it is finished: what is known then, under the same names."""
    return without_nan({
        "format": FORMAT, "version": VERSION, "seed": settings.seed, "unfinished": True, "stage": stage,
        "picture": picture_values(picture),
        "camera": camera_values(posed.camera, grid, heights),
        "terrain": terrain_values(Terrain(grid, heights)),
        "metrics": {}, "settings": settings.to_dict(), "choices": [], "warnings": [],
    })


def camera_values(camera: Camera, grid: Grid, heights: np.ndarray) -> dict[str, Any]:
    """The camera for report and wire. `heights` may hold NaN (a preview): the nearest known cell gives the ground."""
    x, y, z = camera.position_m
    return {
        "pitch_deg": math.degrees(camera.pitch_rad), "roll_deg": math.degrees(camera.roll_rad),
        "fov_x_deg": math.degrees(camera.fov_x_rad), "fov_y_deg": math.degrees(camera.fov_y_rad),
        "height_above_ground_m": z - ground_height(grid, heights, x, y), "position_m": [x, y, z],
        "width": camera.width, "height": camera.height, "blender_euler_rad": list(camera.blender_euler_rad()),
    }


def candidate_values(candidate: PitchCandidate) -> dict[str, float]:
    """What the pitch search knows of one pitch."""
    return {"pitch_deg": math.degrees(candidate.pitch_rad), "cost": candidate.cost,
            "mean_slope_deg": math.degrees(candidate.slope_rad)}


def ground_height(grid: Grid, heights: np.ndarray, x: float, y: float) -> float:
    """Height of the known cell nearest to (x, y), which may lie outside of the grid. NaN where nothing is known."""
    col = min(max(round((x - grid.origin_m[0]) / grid.dx_m), 0), grid.cols - 1)
    row = min(max(round((grid.origin_m[1] - y) / grid.dx_m), 0), grid.rows - 1)
    if np.isfinite(heights[row, col]):
        return float(heights[row, col])
    rows, cols = np.nonzero(np.isfinite(heights))
    if not rows.size:
        return math.nan
    nearest = np.argmin((rows - row) ** 2 + (cols - col) ** 2)
    return float(heights[rows[nearest], cols[nearest]])


def prior_values(prior: Prior) -> dict[str, Any]:
    """What was believed before the geometry was solved, with one standard deviation each and who said so."""
    sources = {"mean_slope": prior.mean_slope_rad.source, "elevation_range": prior.elevation_range_m.source,
               "pitch": prior.pitch_rad.source}
    return {
        "mean_slope_deg": math.degrees(prior.mean_slope_rad.value),
        "elevation_range_m": prior.elevation_range_m.value,
        "pitch_deg": math.degrees(prior.pitch_rad.value),
        "spread": {
            "mean_slope_deg": math.degrees(prior.mean_slope_rad.spread),
            "elevation_range_m": prior.elevation_range_m.spread,
            "pitch_deg": math.degrees(prior.pitch_rad.spread),
        },
        "source": ", ".join(dict.fromkeys(sources.values())),
        "sources": sources,
    }


def terrain_values(terrain: Terrain) -> dict[str, Any]:
    """Grid and range of heights. origin_m: x, y of the center of cell (0, 0), the far left one."""
    return grid_values(terrain.grid) | {
        "min_m": float(terrain.heights.min()), "max_m": float(terrain.heights.max()), "crs": terrain.crs}


def grid_values(grid: Grid) -> dict[str, Any]:
    """Size, spacing and place of a grid."""
    return {"rows": grid.rows, "cols": grid.cols, "dx_m": grid.dx_m, "origin_m": [float(v) for v in grid.origin_m]}


def without_nan(value: Any) -> Any:
    """The same JSON value with None for NaN and infinity (which JSON does not know) and plain Python numbers."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
