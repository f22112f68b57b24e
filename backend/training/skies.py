"""Skies of many kinds: gradients, glows, cirrus, cumulus, textured and dark overcast, plumes, stars, low fog."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .fractal_noise import fractal_noise, sample_periodic

# zenith and horizon, linear RGB
PALETTES = (
    ((0.10, 0.25, 0.62), (0.55, 0.70, 0.90)),
    ((0.05, 0.14, 0.45), (0.35, 0.52, 0.80)),
    ((0.45, 0.48, 0.52), (0.70, 0.72, 0.74)),
    ((0.75, 0.77, 0.80), (0.92, 0.93, 0.94)),
    ((0.12, 0.13, 0.30), (0.95, 0.50, 0.22)),
    ((0.20, 0.20, 0.42), (0.90, 0.55, 0.55)),
    ((0.01, 0.015, 0.05), (0.05, 0.07, 0.14)),
    ((0.03, 0.05, 0.12), (0.25, 0.16, 0.12)),
    ((0.60, 0.45, 0.25), (0.90, 0.75, 0.45)),
    ((0.10, 0.11, 0.13), (0.28, 0.29, 0.31)),
    ((0.25, 0.45, 0.55), (0.70, 0.80, 0.75)),
    ((0.30, 0.22, 0.35), (0.75, 0.45, 0.40)),
    ((0.20, 0.40, 0.75), (0.80, 0.86, 0.93)),
    ((0.55, 0.62, 0.70), (0.80, 0.80, 0.78)),
)


def _planar(
    rng: np.random.Generator, elevation: np.ndarray, azimuth: np.ndarray, beta: float, stretch: float, scale: float
) -> np.ndarray:
    """Noise on a cloud layer seen from below: it crowds toward the horizon."""
    above = np.clip(elevation, -1.4, 1.4)
    reach = 1.0 / (0.10 + 0.12 * np.logaddexp(0, above / 0.12))
    texture = fractal_noise(rng, 256, 256, beta, stretch)
    turn = rng.uniform(0, math.pi)
    x, y = reach * np.sin(azimuth), reach * np.cos(azimuth)
    u, v = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    return sample_periodic(texture, u * scale + rng.uniform(0, 256), v * scale + rng.uniform(0, 256))


def random_sky(
    rng: np.random.Generator, azimuth: np.ndarray, elevation: np.ndarray, brightness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Linear RGB sky (H, W, 3) for pixels of the given directions (radians), and the color at the horizon (3,)."""
    zenith, horizon = (np.array(c) for c in PALETTES[int(rng.integers(len(PALETTES)))])
    zenith, horizon = zenith * rng.uniform(0.8, 1.2, 3), horizon * rng.uniform(0.85, 1.15, 3)
    if horizon.max() > 0.3:
        level = np.clip(brightness, 0.25, 1.3) * rng.uniform(0.8, 1.5)
        zenith, horizon = zenith * level, horizon * level
    rise = 1 - np.exp(-np.clip(elevation, 0, None) / rng.uniform(0.08, 0.6))
    sky = horizon + (zenith - horizon) * rise[..., None]
    if rng.random() < 0.3:
        away = np.hypot(azimuth - rng.uniform(-0.6, 0.6), elevation - rng.uniform(0, 0.5))
        sky = sky + (np.exp(-away / rng.uniform(0.05, 0.5)) * rng.uniform(0.2, 1.5))[..., None] * np.array(
            [1, 0.85, 0.6]
        )
    kind = rng.choice(7, p=[0.22, 0.14, 0.19, 0.19, 0.14, 0.06, 0.06])
    height, width = azimuth.shape
    bright = horizon * rng.uniform(0.9, 1.6) + 0.1 * level_of(horizon)
    dark = bright * rng.uniform(0.15, 0.7) * np.array([rng.uniform(0.85, 1), rng.uniform(0.9, 1), 1])
    if kind == 1:
        streaks = _planar(rng, elevation, azimuth, rng.uniform(2, 3), rng.uniform(2, 6), rng.uniform(4, 20))
        cover = np.clip((streaks + rng.uniform(-1, 0.5)) * rng.uniform(0.2, 0.7), 0, 0.9)
        sky = sky * (1 - cover[..., None]) + bright * cover[..., None]
    elif kind == 2:  # cumulus: hard edges, light top, dark base
        field = _planar(rng, elevation, azimuth, rng.uniform(2.2, 3.2), rng.uniform(0.6, 1.6), rng.uniform(3, 20))
        if rng.random() < 0.6:
            field = fractal_noise(rng, height, width, rng.uniform(2.4, 3.4), rng.uniform(1.0, 3.0))
        field = field + rng.uniform(-1, 0.8)
        cover = np.clip(field / rng.uniform(0.05, 0.6), 0, 1)[..., None]
        lift = field - np.roll(field, int(rng.integers(2, 9)), 0)
        lightness = np.clip(0.55 + lift * rng.uniform(0.3, 1.2), 0, 1)[..., None]
        sky = sky * (1 - cover) + (dark + (bright - dark) * lightness) * cover
    elif kind == 3:  # textured overcast
        field = _planar(rng, elevation, azimuth, rng.uniform(1.8, 3.0), rng.uniform(0.5, 1.5), rng.uniform(2, 14))
        field = field * 0.6 + 0.6 * fractal_noise(rng, height, width, rng.uniform(2, 3), rng.uniform(1.0, 4.0))
        sky = dark + (bright - dark) * np.clip(0.5 + field * rng.uniform(0.1, 0.5), 0, 1.2)[..., None]
    elif kind == 4:  # banks of cloud in layers above the horizon, like ridges of cloud
        for _ in range(int(rng.integers(1, 4))):
            edge = (
                rng.uniform(0, 0.45)
                + 0.05 * rng.uniform(0.3, 2.5) * fractal_noise(rng, 2, width, rng.uniform(1.6, 2.6))[0]
            )
            inside = 1 / (1 + np.exp(np.clip((elevation - edge) / rng.uniform(0.003, 0.05), -20, 20)))
            mottle = fractal_noise(rng, height, width, rng.uniform(2.0, 2.8), rng.uniform(1, 3))
            tone = rng.uniform(0.3, 1.2)
            bank = dark + (bright - dark) * np.clip(tone + 0.25 * mottle, 0, 1.2)[..., None]
            sky = sky * (1 - 0.95 * inside[..., None]) + bank * 0.95 * inside[..., None]
    elif kind == 5:  # a plume of steam or smoke
        center = (
            rng.uniform(-0.4, 0.4)
            + (elevation - 0.1) * rng.uniform(-0.8, 0.8)
            + 0.03 * fractal_noise(rng, height, width, 2.6)
        )
        inside = np.clip(
            1.2 - np.abs(azimuth - center) / (rng.uniform(0.04, 0.15) * (1 + 3 * np.clip(elevation, 0, 1))), 0, 1
        )
        billow = np.clip(0.5 + 0.35 * fractal_noise(rng, height, width, 2.4), 0, 1)[..., None]
        sky = sky * (1 - inside[..., None]) + (dark + (bright - dark) * billow) * inside[..., None]
    elif kind == 6 and horizon.max() < 0.6:
        stars = rng.random((height, width)) > 0.997
        sky = sky + ndimage.gaussian_filter(stars.astype(np.float32), 0.5)[..., None] * rng.uniform(0.5, 3)
    if rng.random() < 0.15:
        sky = sky * (1 + 0.03 * fractal_noise(rng, height, width, 1.5)[..., None])
    return np.clip(sky, 0, 4).astype(np.float32), np.clip(horizon, 0, 2)


def level_of(color: np.ndarray) -> float:
    """Luminance of a linear color."""
    return float(color @ np.array([0.2126, 0.7152, 0.0722]))


def low_clouds(rng: np.random.Generator, depth: np.ndarray, shape: tuple[int, int]) -> np.ndarray | None:
    """Opacity (H, W) of fog or cloud that hangs before the far ground, or None on most days."""
    if rng.random() > 0.09:
        return None
    height, width = shape
    start = float(np.quantile(depth[np.isfinite(depth)], rng.uniform(0.4, 0.9)))
    behind = 1 / (1 + np.exp(-np.clip((np.where(np.isfinite(depth), depth, 1e9) / start - 1) * 6, -20, 20)))
    band = np.exp(-(((np.arange(height) / height - rng.uniform(0.25, 0.6)) / rng.uniform(0.05, 0.2)) ** 2))[:, None]
    noise = fractal_noise(rng, height, width, rng.uniform(2, 3), rng.uniform(1.5, 4))
    return np.clip(band * (0.6 + 0.7 * noise), 0, 1) * behind
