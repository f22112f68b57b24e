"""What a camera, a painter or an engraver does to a scene: tone, lens, noise, compression, strokes, hatching."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from .fractal_noise import fractal_noise


def develop(rng: np.random.Generator, linear: np.ndarray) -> np.ndarray:
    """Linear RGB (H, W, 3) to an sRGB picture 0..1 with random exposure, tone curve and color."""
    exposed = linear * (rng.uniform(0.25, 0.55) / max(float(np.quantile(linear.mean(-1), rng.uniform(0.5, 0.9))), 1e-3))
    exposed = exposed * np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.12:
        exposed = exposed * rng.uniform(0.15, 0.5)
    exposed = exposed * (1 + rng.normal(0, 0.06, 3))
    if rng.random() < 0.5:
        exposed = exposed / (1 + exposed * rng.uniform(0.1, 0.8))
    picture = np.clip(exposed, 0, 1) ** (1 / rng.uniform(1.8, 2.6))
    contrast = rng.uniform(-0.1, 0.5)
    picture = picture + contrast * (picture - 0.5) * (1 - np.abs(2 * picture - 1))
    grey = picture @ np.array([0.3, 0.59, 0.11])
    saturation = rng.choice([rng.uniform(0.6, 1.5), rng.uniform(0.1, 0.6), 0.0], p=[0.72, 0.14, 0.14])
    picture = grey[..., None] + (picture - grey[..., None]) * saturation
    if rng.random() < 0.12:  # sepia, faded print, tinted sky filter
        picture = picture * rng.uniform(0.8, 1.0, 3) + rng.uniform(0, 0.12, 3)
    if rng.random() < 0.2:
        height, width = grey.shape
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        picture = picture * (1 - rng.uniform(0.05, 0.4) * (x**2 + y**2)[..., None] / 2)
    if rng.random() < 0.1:  # local contrast, as phones do it
        base = ndimage.gaussian_filter(picture, (12, 12, 0))
        picture = base + (picture - base) * rng.uniform(1.2, 2.0)
    return np.clip(picture, 0, 1).astype(np.float32)


def paint(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Brush strokes: modes and medians over small windows, canvas grain, varnish."""
    image = Image.fromarray((picture * 255).astype(np.uint8))
    image = image.filter(
        ImageFilter.ModeFilter(5) if rng.random() < 0.5 else ImageFilter.MedianFilter(int(rng.choice([3, 5])))
    )
    out = np.asarray(image, np.float32) / 255
    canvas = fractal_noise(rng, out.shape[0], out.shape[1], 0.6)[..., None]
    out = out * (1 + rng.uniform(0, 0.06) * canvas)
    if rng.random() < 0.5:
        out = out * np.array([1, rng.uniform(0.9, 1), rng.uniform(0.65, 1)])
    return np.clip(out, 0, 1)


def engrave(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Line hatching whose width follows the tone, with outlines, on paper."""
    height, width = picture.shape[:2]
    grey = ndimage.gaussian_filter(picture.mean(-1), rng.uniform(0.3, 1.0))
    low, high = np.quantile(grey, [0.03, 0.97])
    grey = np.clip((grey - low) / max(high - low, 1e-3), 0, 1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ink = np.zeros_like(grey)
    bend = fractal_noise(rng, height, width, 3) * rng.uniform(0, 3)
    for k in range(int(rng.integers(1, 3))):
        turn = rng.uniform(0, np.pi)
        wave = 0.5 + 0.5 * np.sin((x * np.cos(turn) + y * np.sin(turn) + bend) * 2 * np.pi / rng.uniform(2.2, 4.5))
        ink = np.maximum(ink, 1 / (1 + np.exp(-(wave - grey * rng.uniform(0.9, 1.3) - 0.25 * k) * 8)))
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    ink = np.clip(ink + edges * rng.uniform(0, 0.8), 0, 1) * rng.uniform(0.6, 1)
    paper = np.array([1, rng.uniform(0.92, 1), rng.uniform(0.8, 1)]) * rng.uniform(0.8, 1)
    return np.clip(paper * (1 - ink[..., None]) + 0.05, 0, 1).astype(np.float32)


def record(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Lens blur or sharpening, sensor noise and JPEG; returns uint8 (H, W, 3)."""
    sigma = rng.choice([rng.uniform(0.3, 0.6), rng.uniform(0.6, 1.3)], p=[0.75, 0.25])
    picture = ndimage.gaussian_filter(picture, (sigma, sigma, 0))
    if rng.random() < 0.35:
        picture = picture + (picture - ndimage.gaussian_filter(picture, (1.2, 1.2, 0))) * rng.uniform(0.3, 1.5)
    if rng.random() < 0.6:
        grain = rng.normal(0, rng.choice([0.006, 0.02, 0.05], p=[0.6, 0.3, 0.1]), picture.shape)
        picture = picture + (grain.mean(-1, keepdims=True) * 1.7 if rng.random() < 0.4 else grain)
    out = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.6:
        buffer = io.BytesIO()
        Image.fromarray(out).save(buffer, "JPEG", quality=int(rng.integers(35, 96)))
        out = np.asarray(Image.open(buffer))
    return out
