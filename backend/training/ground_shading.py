"""Color of the ground: albedo from slope, height and noise; sun, shadows and sky light; water; haze."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from kernels.raycast import sunlit

from .fractal_noise import fractal_noise, sample_periodic
from .viewpoints import View

ROCK = np.array(
    [
        [0.42, 0.40, 0.38],
        [0.55, 0.50, 0.44],
        [0.50, 0.36, 0.27],
        [0.30, 0.30, 0.32],
        [0.62, 0.60, 0.57],
        [0.45, 0.30, 0.25],
        [0.24, 0.22, 0.20],
    ]
)
PLANTS = np.array(
    [
        [0.10, 0.20, 0.06],
        [0.16, 0.28, 0.08],
        [0.28, 0.34, 0.12],
        [0.45, 0.40, 0.18],
        [0.05, 0.11, 0.05],
        [0.40, 0.22, 0.08],
        [0.22, 0.30, 0.16],
    ]
)
BARE = np.array([[0.55, 0.48, 0.36], [0.48, 0.42, 0.34], [0.62, 0.52, 0.38], [0.70, 0.62, 0.48], [0.40, 0.36, 0.30]])
SNOW = np.array([0.92, 0.94, 0.98])


@dataclass(frozen=True)
class Light:
    """Sun direction (terrain frame azimuth, elevation), sun and sky color (3,), linear."""

    azimuth_rad: float
    elevation_rad: float
    sun: np.ndarray
    ambient: np.ndarray


def random_light(rng: np.random.Generator) -> Light:
    """Noon, low sun, overcast, dusk and moonlight."""
    kind = rng.choice(5, p=[0.42, 0.22, 0.2, 0.11, 0.05])
    elevation = math.radians(
        float(
            [rng.uniform(25, 70), rng.uniform(4, 25), rng.uniform(20, 80), rng.uniform(2, 8), rng.uniform(15, 60)][kind]
        )
    )
    warm = np.clip(1 - elevation / math.radians(30), 0, 1) * rng.uniform(0.3, 1)
    sun = (
        np.array([1.0, 0.95 - 0.35 * warm, 0.88 - 0.6 * warm])
        * [1.0, 0.9, 0.12, 0.45, 0.3][kind]
        * rng.uniform(0.9, 1.6)
    )
    blue = rng.uniform(0, 1)
    ambient = (
        np.array([0.42 - 0.12 * blue, 0.44 - 0.04 * blue, 0.46 + 0.1 * blue])
        * [0.5, 0.42, 1.0, 0.3, 0.22][kind]
        * rng.uniform(0.45, 1.1)
    )
    return Light(float(rng.uniform(-math.pi, math.pi)), elevation, sun, ambient)


def _octaves(rng: np.random.Generator, view: View, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """World-anchored noise at periods from 1.5 m to 3 km a feature, each faded where a pixel cannot resolve it."""
    footprint = np.where(view.sky, 1e9, view.depth) * 2 * math.tan(view.fov_x_rad / 2) / view.ranges.shape[1]
    texture = fractal_noise(rng, 256, 256, beta=float(rng.uniform(0.8, 1.8)))
    out = []
    for period in (1.5, 8.0, 40.0, 220.0, 1200.0):
        scale = 16.0 / (period * rng.uniform(0.7, 1.4))
        fade = np.clip(period / (footprint + 1e-6) - 0.7, 0, 1)
        out.append(sample_periodic(texture, x * scale + rng.uniform(0, 256), y * scale + rng.uniform(0, 256)) * fade)
    return out


def _pick(rng: np.random.Generator, palette: np.ndarray) -> np.ndarray:
    mixed = palette[rng.integers(len(palette))] * 0.7 + palette[rng.integers(len(palette))] * 0.3
    return mixed * rng.uniform(0.6, 1.35) * rng.uniform(0.88, 1.12, 3)


def _albedo(rng: np.random.Generator, view: View, z: np.ndarray, octaves: list[np.ndarray]) -> np.ndarray:
    rough = sum(o * w for o, w in zip(octaves, rng.dirichlet(np.ones(5)) * 2.2, strict=True))
    other = sum(o * w for o, w in zip(octaves, rng.dirichlet(np.ones(5)) * 2.2, strict=True))
    steep = np.degrees(np.arccos(np.clip(view.normals[..., 2], 0, 1)))
    low, high = np.nanpercentile(z, [2, 98])
    z = np.nan_to_num(z, nan=low)
    level = (z - low) / max(high - low, 1.0)
    style = rng.choice(4, p=[0.45, 0.2, 0.2, 0.15])  # alpine, bare, all green, snow
    rock, plants, bare, meadow = _pick(rng, ROCK), _pick(rng, PLANTS), _pick(rng, BARE), _pick(rng, PLANTS)
    # rock bands and colored strata
    color = np.broadcast_to(rock, (*z.shape, 3)) * (1 + rng.uniform(0.05, 0.3) * rough[..., None])
    if rng.random() < 0.35:
        thick = max((high - low) * rng.uniform(0.02, 0.12), 1.0)
        strata = sample_periodic(fractal_noise(rng, 256, 4, 1.2), np.zeros_like(z), z / thick * 8 + rough * 3)
        tint = 1 + rng.uniform(0.05, 0.35) * strata[..., None] * rng.uniform(0.5, 1.2, 3)
        color = color * tint
    if style in (0, 2):
        limit = rng.uniform(24, 42) if style == 0 else rng.uniform(40, 70)
        tree_line = rng.uniform(0.15, 1.0) if style == 0 else rng.uniform(0.8, 2.0)
        grows = 1 / (1 + np.exp(-np.clip((limit - steep + 7 * rough) / 3, -20, 20)))
        grows *= 1 / (1 + np.exp(-np.clip((tree_line - level + 0.15 * other) / 0.05, -20, 20)))
        forest = 1 / (1 + np.exp(-np.clip((other + rng.uniform(-1.2, 1.2)) / 0.25, -20, 20)))
        grain = 1 + rng.uniform(0.1, 0.5) * octaves[1][..., None] * forest[..., None] + 0.1 * octaves[0][..., None]
        green = (plants * forest[..., None] * rng.uniform(0.35, 0.9) + meadow * (1 - forest[..., None])) * grain
        color = color * (1 - grows[..., None]) + green * grows[..., None]
    else:
        flat = 1 / (1 + np.exp(-np.clip((rng.uniform(12, 32) - steep + 6 * rough) / 4, -20, 20)))
        color = color * (1 - flat[..., None]) + bare * (1 + 0.15 * other[..., None]) * flat[..., None]
    if style == 3 or rng.random() < 0.3:
        line = rng.uniform(-0.5, 0.2) if style == 3 else rng.uniform(0.3, 0.9)
        lies = 1 / (1 + np.exp(-np.clip((level - line + 0.2 * other) / 0.04, -20, 20)))
        lies *= 1 / (1 + np.exp(-np.clip((rng.uniform(35, 60) - steep + 9 * rough) / 3, -20, 20)))
        color = color * (1 - lies[..., None]) + SNOW * rng.uniform(0.8, 1.05) * lies[..., None]
    if rng.random() < 0.06:  # dunes: one smooth color
        color = np.broadcast_to(_pick(rng, BARE), color.shape) * (1 + 0.06 * rough[..., None])
    return np.clip(color, 0.01, 1.1)


def shade_ground(rng: np.random.Generator, view: View, light: Light) -> np.ndarray:
    """Linear RGB (H, W, 3) of the ground before haze and water; arbitrary in the sky."""
    seen = ~view.sky
    points = np.where(seen[..., None], view.points, 0)
    z = np.where(seen, view.points[..., 2], np.nan)
    octaves = _octaves(rng, view, points[..., 0], points[..., 1] + points[..., 2] * 0.7)
    albedo = _albedo(rng, view, z, octaves)
    direction = np.array(
        [
            math.sin(light.azimuth_rad) * math.cos(light.elevation_rad),
            math.cos(light.azimuth_rad) * math.cos(light.elevation_rad),
            math.sin(light.elevation_rad),
        ]
    )
    normals = view.normals
    bump = sum(o * w for o, w in zip(octaves, rng.uniform(0.0, 0.5, 5), strict=True))
    slope = np.sqrt(np.clip(1 - normals[..., 2] ** 2, 0, 1))
    lean = (0.1 + 1.3 * slope) * rng.uniform(0.2, 1.4)
    normals = normals + np.stack([bump, np.roll(bump, 3, 1), np.zeros_like(bump)], -1) * lean[..., None]
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    direct = np.clip(normals @ direction, 0, 1)
    if light.sun.max() > 0.25 and rng.random() < 0.75:
        lit = sunlit(
            view.heights,
            view.dx_m,
            view.origin_m,
            np.where(seen[..., None], view.points, np.nan),
            light.azimuth_rad,
            light.elevation_rad,
            view.maxima,
        )
        direct = direct * ndimage.uniform_filter(lit.astype(np.float32), 3 if rng.random() < 0.5 else 1)
    if rng.random() < 0.2:  # cloud shadows
        patch = sample_periodic(fractal_noise(rng, 64, 64, 3), points[..., 0] / 300, points[..., 1] / 300)
        direct = direct * np.clip(0.6 + patch, 0.15, 1)
    hollow = np.clip(1 + view.curvature * rng.uniform(0.0, 0.5), 0.55, 1.25) * (0.55 + 0.45 * normals[..., 2])
    return (albedo * (direct[..., None] * light.sun + hollow[..., None] * light.ambient)).astype(np.float32)


def add_water(rng: np.random.Generator, view: View, image: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """Put a mirroring, rippled or rough surface on the lake; `image` has its sky in place already."""
    if not view.water.any():
        return image
    height, width = view.water.shape
    focal = 0.5 * width / math.tan(view.fov_x_rad / 2)
    horizon = height / 2 + focal * math.tan(view.pitch_rad)
    rough = rng.choice([0.0, 0.6, 3.0, 12.0], p=[0.3, 0.25, 0.25, 0.2]) * height / 192
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    below = np.clip(rows - horizon, 0, None)
    period = np.maximum(below, 1)
    ripple = fractal_noise(rng, height, width, 1.0, stretch=6.0)
    mirrored = 2 * horizon - rows + ripple * rough * np.clip(period / 20, 0.3, 3)
    source = np.clip(np.rint(mirrored), 0, height - 1).astype(int)
    reflected = image[source, cols.astype(int)]
    beyond = mirrored < 0
    reflected = np.where(beyond[..., None], sky[np.clip(source, 0, None), cols.astype(int)], reflected)
    if rough > 0:
        reflected = ndimage.gaussian_filter(reflected, (0.3 * rough + 0.3, 0.4, 0))
    deep = rng.uniform(0.01, 0.14) * np.array([rng.uniform(0.2, 0.8), rng.uniform(0.6, 1.2), rng.uniform(0.8, 1.4)])
    grazing = np.clip(1 - below / (0.8 * focal), 0, 1)[..., None] ** 2
    share = np.clip(rng.uniform(0.35, 0.95) * (0.35 + 0.65 * grazing), 0, 0.97)
    surface = reflected * share + deep * (1 - share)
    if rough > 2:
        surface = surface * (1 + 0.12 * ripple[..., None]) + np.clip(ripple - 1.6, 0, 1)[..., None] * 0.1
    soft = ndimage.uniform_filter(view.water.astype(np.float32), 3)[..., None] * view.water[..., None]
    return image * (1 - soft) + surface * soft


def add_haze(rng: np.random.Generator, view: View, image: np.ndarray, horizon_color: np.ndarray) -> np.ndarray:
    """Air light that grows with distance and sinks with height, from crystal clear to thick."""
    seen = ~view.sky
    far = float(np.quantile(view.depth[seen], 0.95))
    visibility = far * math.exp(rng.uniform(math.log(0.8), math.log(60)))
    z = np.where(seen, view.points[..., 2], 0)
    relative = (z - np.nanmin(np.where(seen, view.points[..., 2], np.nan))) / max(view.relief_m, 1)
    thin = np.exp(-np.clip(relative, 0, 1.5) * rng.uniform(0, 2.5))
    extinction = np.array([0.8, 0.95, 1.15]) ** rng.uniform(0, 1)
    path = np.where(seen, view.depth, 0) / visibility
    through = np.exp(-np.clip(path * thin, 0, 30)[..., None] * 1.6 * extinction)
    tint = horizon_color * rng.uniform(0.75, 1.05) * np.array([rng.uniform(0.85, 1), rng.uniform(0.92, 1), 1])
    return image * through + tint * (1 - through)
