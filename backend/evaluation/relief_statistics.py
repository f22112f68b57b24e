"""What makes terrain look real, as numbers: relief per octave, distributions of slope and curvature, standing water."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.stats import wasserstein_distance

from kernels.derivatives import laplacian, slope
from kernels.fill import mean_depression_depth

from .drainage_density import drainage_density

OCTAVES = 6
WAVELENGTHS = (2.0, 3.3, 5.0, 8.0, 16.0)
"""Cells."""
SAMPLES = 20_000
"""Cells compared per distribution."""


def octaves(heights: np.ndarray, count: int = OCTAVES) -> np.ndarray:
    """(count,) standard deviation in m of the Haar details of each octave, finest (two cells) first."""
    side = 2**count
    grid = heights[: heights.shape[0] // side * side, : heights.shape[1] // side * side].astype(np.float64)
    result = []
    for _ in range(count):
        a, b, c, d = grid[0::2, 0::2], grid[0::2, 1::2], grid[1::2, 0::2], grid[1::2, 1::2]
        details = np.stack([a + b - c - d, a - b + c - d, a - b - c + d]) / 4.0
        result.append(np.sqrt(np.square(details).sum(0).mean()))
        grid = (a + b + c + d) / 4.0
    return np.array(result)


def wavelengths(heights: np.ndarray) -> np.ndarray:
    """(4,) RMS of Fourier amplitudes of a square grid at wavelengths of `WAVELENGTHS`, finest first, under a Hann window.

    Haar details of one octave mix wavelengths; this tells too much relief of four cells' length (the block of the network's
    bands) from relief of two or eight.
    """
    side = min(heights.shape)
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = np.abs(np.fft.fft2((heights[:side, :side] - heights[:side, :side].mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    return np.array([np.sqrt(power[(frequency * long > 1.0) & (frequency * short <= 1.0)].mean())
                     for short, long in pairwise(WAVELENGTHS)])


def slopes_deg(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """Slope of every inner cell in degrees, whatever its direction (kernels.derivatives.slope)."""
    return np.degrees(slope(heights, dx_m))[2:-2, 2:-2]


def curvatures(heights: np.ndarray, dx_m: float) -> np.ndarray:
    """5-point Laplacian of every inner cell in 1/m."""
    return laplacian(heights, dx_m)[2:-2, 2:-2]


def distance(values: np.ndarray, real: np.ndarray) -> float:
    """Wasserstein-1 distance of two distributions over the standard deviation of the real one."""
    spread = float(real.std())
    thinned = [v.ravel()[:: max(1, v.size // SAMPLES)] for v in (values, real)]
    return float(wasserstein_distance(*thinned)) / max(spread, 1e-12)


def compare(heights: np.ndarray, real: np.ndarray, dx_m: float) -> dict[str, object]:
    """All of it: ratios of octaves and mean slope, distances of slope and curvature, mean depression depths in m, drainage.

    Drainage densities are in km per km^2; `drainage_ratio` is made over real. `grain` is the relief of four cells' length over
    that of its shorter and longer neighbors, made over real: 1 is right, more is a grain that the eye sees.
    """
    ratio = wavelengths(heights) / np.maximum(wavelengths(real), 1e-9)
    channels, real_channels = drainage_density(heights, dx_m), drainage_density(real, dx_m)
    slope, real_slope = slopes_deg(heights, dx_m), slopes_deg(real, dx_m)
    return {
        "octave_ratio": (octaves(heights) / np.maximum(octaves(real), 1e-9)).round(3).tolist(),
        "wavelength_ratio": ratio.round(3).tolist(),
        "grain": round(float(ratio[1] / np.sqrt(max(ratio[0] * ratio[2], 1e-12))), 3),
        "mean_slope_deg": round(float(slope.mean()), 2),
        "real_mean_slope_deg": round(float(real_slope.mean()), 2),
        "slope_distance": round(distance(slope, real_slope), 3),
        "curvature_distance": round(distance(curvatures(heights, dx_m), curvatures(real, dx_m)), 3),
        "mdd_m": round(mean_depression_depth(heights.astype(np.float32)), 3),
        "drainage_density": round(channels, 3),
        "real_drainage_density": round(real_channels, 3),
        "drainage_ratio": round(channels / max(real_channels, 1e-9), 3),
        "real_mdd_m": round(mean_depression_depth(real.astype(np.float32)), 3),
    }


def fractal(real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The plain baseline: isotropic random phases with the radial power spectrum of `real` (square), its mean. Float32 m."""
    side = real.shape[0]
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = np.abs(np.fft.fft2((real - real.mean()) * window)) ** 2 / np.square(window).mean()
    radius = np.rint(side * np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))).astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    noise = np.fft.fft2(rng.standard_normal(real.shape)) / side
    shaped = np.fft.ifft2(noise * np.sqrt(mean[radius])).real
    return np.asarray(shaped + real.mean(), np.float32)
