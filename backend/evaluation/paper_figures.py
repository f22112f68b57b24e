"""The ablations of Pixels2Peaks on our own data: figures 10, 13, 15 and 16 (figure 14 is among the completion variants)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from kernels.breach import breach
from kernels.fill import mean_depression_depth

from ..camera import Camera
from ..completion import diffusion, polish, procedural_start
from ..context import Context
from ..contract.settings import TerrainSettings
from ..metrics import occlusion_error, visible_elevation_error
from ..networks.terrain import TerrainNetwork
from ..scene import VisibleTerrain
from ..terrain import Grid
from .relief_statistics import curvatures, distance, octaves, slopes_deg

HYDROLOGY_SWEEP = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Factors on the tuned weight, figure 16."""
CRATER_SIDE, CRATER_DX = 256, 10.0


def crater(seed: int = 0) -> np.ndarray:
    """float32 (256, 256) m: a hill with a closed crater of about a third of its width, rough as real ground (figure 10a)."""
    rng = np.random.default_rng(seed)
    axis = np.arange(CRATER_SIDE) - (CRATER_SIDE - 1) / 2
    radius = np.hypot(axis[:, None], axis[None, :]) * CRATER_DX
    cone = 340.0 * np.exp(-((radius / 900.0) ** 2))
    bowl = 170.0 * np.exp(-((radius / 330.0) ** 4))
    rough = sum(
        amplitude * _unit(gaussian_filter(rng.standard_normal((CRATER_SIDE, CRATER_SIDE)), cells, mode="wrap"))
        for cells, amplitude in ((1.0, 1.2), (2.0, 2.5), (4.0, 5.0), (8.0, 9.0), (16.0, 14.0))
    )
    return (cone - bowl + 0.4 * rough).astype(np.float32)


def nothing_seen(shape: tuple[int, int], dx_m: float, mask: np.ndarray | None = None,
                 heights: np.ndarray | None = None) -> VisibleTerrain:
    """A terrain of which a camera far away sees nothing, or the cells of `mask`."""
    known = np.zeros(shape, bool) if mask is None else mask
    values = np.where(known, 0.0 if heights is None else heights, np.nan).astype(np.float32)
    camera = Camera(1000, 700, 1.0, 0.0, 0.0, (0.0, -1e6, 1e5))
    return VisibleTerrain(Grid(*shape, dx_m, (0.0, 0.0)), camera, values, known, np.zeros(shape, bool))


def flow_guidance(network: TerrainNetwork) -> tuple[dict[str, Any], np.ndarray]:
    """Figure 10: water in the crater before, after unguided and guided diffusion; the cut that breaching still needs.

    Returns numbers and a uint8 strip of shaded heights.
    """
    start = crater()
    free = np.full(start.shape, np.inf, np.float32)
    scene = nothing_seen(start.shape, CRATER_DX)
    grids = {"before": start}
    for label, weight in (("unguided", 0.0), ("guided", 1.0), ("guided x 5", 5.0)):
        settings = TerrainSettings(hydrology_weight=weight, geomorphology_weight=0.0, view_weight=0.0)
        grids[label] = diffusion.complete(start, scene, free, settings, Context(seed=0), network)
    rows = {}
    for label, heights in grids.items():
        report = breach(heights, return_report=True)[1]
        rows[label] = {
            "mdd_m": mean_depression_depth(heights),
            "cut_needed_m": report.max_cut_m,
            "lowered_at_most_m": float((start - heights).max()),
        }
    rows["breached only"] = {"mdd_m": 0.0, "cut_needed_m": 0.0, "lowered_at_most_m": rows["before"]["cut_needed_m"]}
    return rows, np.hstack([_shaded(h, CRATER_DX) for h in grids.values()])


def geomorphology(network: TerrainNetwork, real: np.ndarray, dx_m: float, side: int = 1024) -> tuple[dict[str, Any], np.ndarray]:
    """Figure 13: a quarter of each side is fixed, the rest completed with and without the term of slope and curvature.

    real: (n, n), n >= side / 4.   Distances (Wasserstein over the fixed part's standard deviation) of the made ground's
    slopes and curvatures from the fixed ground's.
    """
    quarter = side // 4
    mask = np.zeros((side, side), bool)
    mask[:quarter, :quarter] = True
    heights = np.zeros((side, side), np.float32)
    heights[:quarter, :quarter] = real[:quarter, :quarter]
    visible = nothing_seen((side, side), dx_m, mask, heights)
    free = np.full((side, side), np.inf, np.float32)
    start = procedural_start.start(visible, free, TerrainSettings(), Context(seed=0))
    rows, pictures = {}, []
    inner = np.ascontiguousarray(real[:quarter, :quarter])
    for label, weight in (("without", 0.0), ("with", 1.0)):
        settings = TerrainSettings(geomorphology_weight=weight)
        made = diffusion.complete(start, visible, free, settings, Context(seed=0), network)
        away = np.ascontiguousarray(made[quarter:, quarter:])
        rows[label] = {
            "slope_distance": distance(slopes_deg(away, dx_m), slopes_deg(inner, dx_m)),
            "curvature_distance": distance(curvatures(away, dx_m), curvatures(inner, dx_m)),
        }
        pictures.append(_shaded(made[::2, ::2], 2 * dx_m))
    return rows, np.hstack(pictures)


def initialization(network: TerrainNetwork, visible: VisibleTerrain, bound: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Figure 15: pure noise (t = 1), Laplacian interpolation, algorithm 3 without polish, everything."""
    middle = float(visible.heights[visible.mask].mean())
    flat = np.where(visible.mask, visible.heights, middle).astype(np.float32)
    smooth = procedural_start.membrane(flat.astype(np.float64), visible.mask, reach=1e6).astype(np.float32)
    best = procedural_start.start(visible, bound, TerrainSettings(), Context(seed=0))
    rows, pictures = {}, []
    completed = best
    for label, begin, noise in (("(a) pure noise", flat, 1.0), ("(b) Laplacian diffusion", smooth, 0.5),
                                ("(c) algorithm 3, no polish", best, 0.5)):
        settings = TerrainSettings(start_noise=noise)
        completed = diffusion.complete(begin, visible, bound, settings, Context(seed=0), network)
        rows[label] = promises(completed, visible, bound)
        pictures.append(_shaded(completed, visible.grid.dx_m))
    terrain = polish.polish(completed, visible, bound, TerrainSettings(), Context(seed=0), network)
    rows["(d) everything"] = promises(terrain.heights, visible, bound)
    return rows, np.hstack([*pictures, _shaded(terrain.heights, visible.grid.dx_m)])


def hydrology_sweep(network: TerrainNetwork, views: Sequence[tuple[VisibleTerrain, np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Figure 16: water and likeness to real terrain against the weight of the drainage term, means over views.

    views: what is seen, the bound, and the real heights.   Instead of FID and KID on pictures: distances of slope and curvature,
    and relief of the finest octave over the real one.
    """
    rows: dict[str, list[dict[str, float]]] = {f"{weight:g}": [] for weight in HYDROLOGY_SWEEP}
    for visible, bound, real in views:
        start, dx = procedural_start.start(visible, bound, TerrainSettings(), Context(seed=0)), visible.grid.dx_m
        for weight in HYDROLOGY_SWEEP:
            settings = TerrainSettings(hydrology_weight=weight)
            made = diffusion.complete(start, visible, bound, settings, Context(seed=0), network)
            rows[f"{weight:g}"].append({
                "mdd_m": mean_depression_depth(made),
                "slope_distance": distance(slopes_deg(made, dx), slopes_deg(real, dx)),
                "curvature_distance": distance(curvatures(made, dx), curvatures(real, dx)),
                "finest_octave": float(octaves(made)[0] / octaves(real)[0]),
            })
    return {weight: {key: float(np.mean([row[key] for row in found])) for key in found[0]} for weight, found in rows.items()}


def steps_against_many(network: TerrainNetwork, visible: VisibleTerrain, bound: np.ndarray) -> dict[str, Any]:
    """Relief per octave (finest first) left by 8 steps over that left by 100, unguided."""
    start = procedural_start.start(visible, bound, TerrainSettings(), Context(seed=0))
    few, many = (
        diffusion.complete(start, visible, bound, TerrainSettings(
            steps=n, hydrology_weight=0.0, geomorphology_weight=0.0, view_weight=0.0), Context(seed=0), network)
        for n in (8, 100))
    return {"octaves_8_over_100": (octaves(few) / octaves(many)).round(3).tolist()}


def promises(heights: np.ndarray, visible: VisibleTerrain, bound: np.ndarray) -> dict[str, float]:
    """MDD, VVE and OVE (P2P 7.3), m."""
    return {
        "mdd_m": mean_depression_depth(heights),
        "vve_m": visible_elevation_error(heights, visible.heights),
        "ove_m": occlusion_error(heights, visible.heights, bound),
    }


def _unit(grid: np.ndarray) -> np.ndarray:
    return grid / grid.std()


def _shaded(heights: np.ndarray, dx_m: float) -> np.ndarray:
    down, right = np.gradient(heights.astype(np.float64), dx_m)
    light = (0.5 * right + 0.5 * down + 0.707) / np.sqrt(1.0 + right**2 + down**2)
    return np.asarray(np.clip(light * 255.0, 0, 255), np.uint8)
