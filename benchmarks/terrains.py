"""Seeded terrains for benchmarks and pictures: float32 meters, any size, the same on every machine with one NumPy.

    python -m benchmarks.terrains --kind ridged --size 1024 --out ridged.npy

ridged    a range: warped ridges over broad relief, flanks relaxed to talus, rough valley floors; many small depressions
fractal   power-law noise as it is: depressions within depressions at all scales, a stress test
crater    a cone with a closed bowl and rough flanks: one deep depression (the case of P2P figure 10)
plateau   `ridged` in steps of one meter: wide flats and ties everywhere
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

Field = np.ndarray


def make(kind: str, size: int, seed: int = 7) -> np.ndarray:
    """float32 (size, size), meters. Raises KeyError for an unknown kind, ValueError below 8 cells a side.

    Peak memory is about 40 bytes a cell.
    """
    if size < 8:
        raise ValueError(f"A terrain of {size} x {size} cells has no shape; take at least 8.")
    rng = np.random.default_rng([seed, size])  # plateau is ridged in steps, so the kind does not seed
    return np.ascontiguousarray(KINDS[kind](size, rng), np.float32)


def power_law(size: int, exponent: float, rng: np.random.Generator, shortest: float = 0.0) -> Field:
    """Gaussian noise of unit deviation whose amplitude falls with frequency^exponent; periodic, float32 (size, size).

    shortest: waves shorter than this many cells fade out.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((size, size), np.float32))
    across = np.fft.rfftfreq(size).astype(np.float32)
    for row, down in enumerate(np.fft.fftfreq(size).astype(np.float32)):
        frequency = np.hypot(across, down)
        if row == 0:
            frequency[0] = np.inf  # no mean
        gain = frequency**-exponent
        if shortest:
            gain *= np.exp(-((np.where(np.isfinite(frequency), frequency, 0.0) * shortest) ** 2))
        spectrum[row] *= gain.astype(np.float32)
    field = np.fft.irfft2(spectrum, s=(size, size)).astype(np.float32)
    field /= field.std(dtype=np.float64)
    return field


def warped(field: Field, down: Field, right: Field) -> Field:
    """`field` seen through shifts in cells, bilinear, periodic; by bands of rows, so that no index grids pile up."""
    size = field.shape[0]
    result = np.empty_like(field)
    for first in range(0, size, 256):
        rows = slice(first, min(first + 256, size))
        y = down[rows] + np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        x = right[rows] + np.arange(size, dtype=np.float32)[None, :]
        top, left = np.floor(y), np.floor(x)
        fy, fx = y - top, x - left
        i, j = top.astype(np.int32) % size, left.astype(np.int32) % size
        below, beside = (i + 1) % size, (j + 1) % size
        upper = field[i, j] * (1 - fx) + field[i, beside] * fx
        lower = field[below, j] * (1 - fx) + field[below, beside] * fx
        result[rows] = upper * (1 - fy) + lower * fy
    return result


def relaxed(heights: Field, rounds: int, most_m: float) -> Field:
    """Each cell drawn halfway to its four neighbors' mean, at most half of `most_m` a round: gullies stay, needles go."""
    for _ in range(rounds):
        pull = np.roll(heights, 1, 0)
        pull += np.roll(heights, -1, 0)
        pull += np.roll(heights, 1, 1)
        pull += np.roll(heights, -1, 1)
        pull *= 0.25
        pull -= heights
        np.clip(pull, -most_m, most_m, out=pull)
        pull *= 0.5
        heights += pull
    return heights


def ridged(size: int, rng: np.random.Generator) -> Field:
    """Broad relief of 420 m, ridges of 260 m bent by a fiftieth of the side, roughness of 6 m; relaxed six times."""
    heights = power_law(size, 1.8, rng)
    heights *= 420.0
    heights += 1800.0
    crests = power_law(size, 1.6, rng, shortest=12.5)
    np.abs(crests, out=crests)
    np.subtract(1.0, crests, out=crests)
    bend = 0.02 * size
    crests = warped(crests, bend * power_law(size, 1.9, rng), bend * power_law(size, 1.9, rng))
    crests *= 260.0
    heights += crests
    del crests
    rough = power_law(size, 1.3, rng)
    rough *= 6.0
    heights += rough
    return relaxed(heights, rounds=6, most_m=1.0)


def fractal(size: int, rng: np.random.Generator) -> Field:
    """Noise of 350 m deviation around 1500 m."""
    heights = power_law(size, 1.7, rng)
    heights *= 350.0
    heights += 1500.0
    return heights


def crater(size: int, rng: np.random.Generator) -> Field:
    """A cone of 1000 m with a bowl of 500 m at its top, 12 m rough."""
    heights = power_law(size, 1.5, rng)
    heights *= 12.0
    place = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    for row, y in enumerate(place):
        away = np.hypot(place, y)
        heights[row] += 300.0 + 2000.0 * np.maximum(0.5 - away, 0.0) - 500.0 * np.exp(-((away / 0.09) ** 2))
    return heights


def plateau(size: int, rng: np.random.Generator) -> Field:
    """`ridged` of the same seed rounded to whole meters."""
    return np.rint(ridged(size, rng))


KINDS: dict[str, Callable[[int, np.random.Generator], Field]] = {
    "ridged": ridged,
    "fractal": fractal,
    "crater": crater,
    "plateau": plateau,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write a seeded terrain as .npy.")
    parser.add_argument("--kind", choices=sorted(KINDS), default="ridged")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    heights = make(arguments.kind, arguments.size, arguments.seed)
    np.save(arguments.out, heights)
    print(f"{arguments.out}: {arguments.size} x {arguments.size}, {heights.min():.0f} to {heights.max():.0f} m")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
