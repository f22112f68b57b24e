"""Seeded fractal noise by spectral synthesis, and its lookup at world coordinates."""

from __future__ import annotations

import numpy as np
from scipy import fft


def fractal_noise(
    rng: np.random.Generator, rows: int, cols: int, beta: float = 2.0, stretch: float = 1.0
) -> np.ndarray:
    """Periodic noise with power ~ 1/f^beta, zero mean, unit deviation, float32 (rows, cols).

    `stretch` > 1 makes features longer along columns (x).
    """
    fy = fft.fftfreq(rows)[:, None] * max(rows, cols)
    fx = fft.rfftfreq(cols)[None, :] * max(rows, cols) * stretch
    f = np.hypot(fy, fx)
    f[0, 0] = 1.0
    amplitude = f ** (-0.5 * beta)
    amplitude[0, 0] = 0.0
    spectrum = fft.rfft2(rng.standard_normal((rows, cols), dtype=np.float32)) * amplitude
    noise = fft.irfft2(spectrum, s=(rows, cols)).astype(np.float32)
    return noise / max(float(noise.std()), 1e-9)


def sample_periodic(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear lookup in a periodic texture (n, m) at float texel coordinates; same shape as x."""
    rows, cols = texture.shape
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    c0, r0 = x0.astype(np.int64) % cols, y0.astype(np.int64) % rows
    c1, r1 = (c0 + 1) % cols, (r0 + 1) % rows
    return (texture[r0, c0] * (1 - fx) + texture[r0, c1] * fx) * (1 - fy) + (
        texture[r1, c0] * (1 - fx) + texture[r1, c1] * fx
    ) * fy


def sample_grid(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear lookup in a grid at float (column, row) coordinates, clamped at the border."""
    rows, cols = grid.shape
    x, y = np.clip(x, 0, cols - 1.001), np.clip(y, 0, rows - 1.001)
    c, r = x.astype(np.int64), y.astype(np.int64)
    fx, fy = (x - c).astype(np.float32), (y - r).astype(np.float32)
    return (grid[r, c] * (1 - fx) + grid[r, c + 1] * fx) * (1 - fy) + (
        grid[r + 1, c] * (1 - fx) + grid[r + 1, c + 1] * fx
    ) * fy
