"""R3, the exact view bound: one ray from the camera through the center of every cell. Slow, obvious, and terrain to ask it on."""

from __future__ import annotations

import math

import numba
import numpy as np

DX = 10.0


def spectral(n, falloff, rng):
    """Gaussian random field whose power falls with frequency, unit variance."""
    frequency = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :])
    frequency[0, 0] = 1.0
    shape = frequency ** (-(falloff + 1.0) / 2.0)
    shape[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((n, n))) * shape, s=(n, n))
    return field / field.std()


def fractal(n, seed=7):
    return (1500.0 + 350.0 * spectral(n, 2.4, np.random.default_rng(seed))).astype(np.float32)


def ridged(n, seed=7):
    rng = np.random.default_rng(seed)
    heights = 1800.0 + 420.0 * spectral(n, 2.6, rng) - 260.0 * np.abs(spectral(n, 2.8, rng)) + 6.0 * spectral(n, 1.6, rng)
    for _ in range(6):  # talus: only what is rougher than a meter a cell gives way
        mean = 0.25 * sum(np.roll(heights, *shift) for shift in ((1, 0), (-1, 0), (1, 1), (-1, 1)))
        heights += 0.5 * np.clip(mean - heights, -1.0, 1.0)
    return heights.astype(np.float32)


def hill_at_the_left(heights):
    """A camera 300 m over the highest of the cells near the left border, in meters; cell (0, 0) lies at (0, 0)."""
    width = max(2, heights.shape[1] // 16)
    row, col = divmod(int(np.argmax(heights[:, :width])), width)
    return col * DX, -row * DX, float(heights[row, col]) + 300.0


@numba.njit(cache=True)
def exact_bound(heights, visible, opaque, x, y, z, dx, every):
    """float64 (rows, cols) by rays from column x, row y, height z; NaN heights where not visible. No sky is given.
    Only `every` so many rows and columns are asked, the others are +inf.

    Each ray is cut where it crosses a border between cells, and looks at the cell around the middle of every piece.
    """
    rows, cols = heights.shape
    bound = np.full((rows, cols), np.inf)
    cuts = np.empty(2 * (rows + cols) + 8)
    for row in range(0, rows, every):
        for col in range(0, cols, every):
            away = math.sqrt((col - x) ** 2 + (row - y) ** 2)
            if (visible[row, col] and not opaque) or away < 1.0:
                continue
            ux, uy = (col - x) / away, (row - y) / away
            n = 0
            for at, u, size in ((x, ux, cols), (y, uy, rows)):
                if u != 0.0:
                    for k in range(size + 1):
                        t = (k - 0.5 - at) / u
                        if t > 0.0 and (t < away or not opaque):
                            cuts[n] = t
                            n += 1
            ordered = np.sort(cuts[:n])
            before, behind, last = -np.inf, np.inf, 0.0
            for k in range(n):
                middle = 0.5 * (last + ordered[k])
                last = ordered[k]
                c, r = math.floor(x + middle * ux + 0.5), math.floor(y + middle * uy + 0.5)
                if r < 0 or c < 0 or r >= rows or c >= cols or (r == row and c == col) or not visible[r, c]:
                    continue
                far = math.sqrt((c - x) ** 2 + (r - y) ** 2)
                if far < 0.5:
                    continue
                tangent = (heights[r, c] - z) / (far * dx)
                if middle < away:
                    before = max(before, tangent)
                else:
                    behind = min(behind, tangent)
            limit = before if opaque or behind == np.inf else max(before, behind)
            if limit > -np.inf or opaque:
                bound[row, col] = z + away * dx * limit
    return bound


def differences(bound, exact, hidden):
    """Of hidden cells that both know: the share more than 1 m over the exact bound, the largest excess, the mean difference,
    and the share more than 1 m under."""
    asked = hidden & np.isfinite(exact) & np.isfinite(bound)
    over = bound[asked].astype(np.float64) - exact[asked]
    return float((over > 1.0).mean()), float(over.max()), float(over.mean()), float((over < -1.0).mean())


def measured(heights, camera, opaque, every=1):
    """`differences` of a view from the camera: of the whole terrain if opaque, else of what is seen of it alone."""
    from kernels.view_bound import view_bound

    frame = DX, (0.0, 0.0), camera, -math.pi, math.pi
    bound = view_bound(heights, None, *frame)
    seen = heights >= bound - 1e-3
    visible = np.ones_like(seen) if opaque else seen
    if not opaque:
        bound = view_bound(np.where(seen, heights, np.float32(np.nan)), seen, *frame)
    exact = exact_bound(heights, visible, opaque, camera[0] / DX, -camera[1] / DX, camera[2], DX, every)
    return differences(bound, exact, ~seen)


if __name__ == "__main__":
    print("share over R3 by > 1 m, largest excess m, mean difference m, share under by > 1 m")
    for make in (ridged, fractal):
        terrain = make(512)
        for whole in (True, False):
            print(f"{make.__name__} 512^2, {'whole' if whole else 'seen parts'}:",
                  *(f"{value:.4f}" for value in measured(terrain, hill_at_the_left(terrain), whole, 2)))
