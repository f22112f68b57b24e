"""Referees of the benchmark: they judge results of ours and of peers alike, and share no code with the kernels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numba
import numpy as np

from .peers.problem import CAMERA_ABOVE_M, SPACING_M, SUN_AZIMUTH_RAD, SUN_ELEVATION_RAD, Problem

SAMPLES = 40_000


def judge(task: str, heights: np.ndarray, result: Path) -> str:
    """A few words on a saved result."""
    if not result.exists():
        return ""
    got = np.load(result)
    if task in JUDGES and got.shape == heights.shape:
        return JUDGES[task](heights, got)
    return "" if got.shape == heights.shape else f"shape {got.shape}"


def breached(heights: np.ndarray, got: np.ndarray) -> str:
    """Where every inner cell has a lower neighbor, water from every cell reaches the border; the others are stuck."""
    cut = heights.astype(np.float64) - got
    return f"{stuck(got)} stuck, {int((cut < 0).sum())} raised, mean cut {np.maximum(cut, 0).mean():.2f} m"


def stuck(heights: np.ndarray) -> int:
    """Inner cells none of whose 8 neighbors is lower."""
    rows, cols = heights.shape
    center = heights[1:-1, 1:-1]
    lowest = np.full_like(center, np.inf)
    for down in range(3):
        for right in range(3):
            if (down, right) != (1, 1):
                np.minimum(lowest, heights[down : rows - 2 + down, right : cols - 2 + right], out=lowest)
    return int((lowest >= center).sum())


def filled(heights: np.ndarray, got: np.ndarray) -> str:
    depth = got.astype(np.float64) - heights
    return f"mean depth {depth.mean():.4f} m, {int((depth < 0).sum())} lowered"


def bounded(heights: np.ndarray, got: np.ndarray) -> str:
    """Against a ray to the center of each of many random hidden cells."""
    row, col = Problem(heights, 1, "").camera()
    rng = np.random.default_rng(0)
    cells = rng.integers(0, heights.size, SAMPLES)
    cells = cells[cells != row * heights.shape[1] + col]
    top = float(heights[row, col]) + CAMERA_ABOVE_M
    exact = exact_bound(heights, row, col, top, SPACING_M, cells)
    hidden = exact > heights.ravel()[cells]
    over = got.ravel()[cells][hidden] - exact[hidden]
    return (
        f"{hidden.sum()} hidden cells: mean off {np.abs(over).mean():.2f} m, over by > 1 m {100 * (over > 1).mean():.2f} %, "
        f"under by > 1 m {100 * (over < -1).mean():.1f} %"
    )


@numba.njit(cache=True, nogil=True)
def exact_bound(heights, row, col, top, spacing, cells):
    """Height below which a cell is hidden, float64 (n,): the steepest of all cells that the line to its center enters.

    Cells are boxes: each counts by its own height at its center's distance, the cell itself and the camera's do not count.
    """
    rows, cols = heights.shape
    result = np.full(cells.size, -np.inf)
    for k in range(cells.size):
        down, right = cells[k] // cols - row, cells[k] % cols - col
        steps = max(abs(down), abs(right))
        steepest = -np.inf
        by_rows = abs(down) >= abs(right)
        major, minor = (down, right) if by_rows else (right, down)
        for step in range(1, steps + 1):
            # the line crosses major row `step` between these minor positions, in cells
            low = minor / steps * (step - 0.5)
            high = minor / steps * min(step + 0.5, float(steps))
            first, last = math.floor(min(low, high) + 0.5), math.ceil(max(low, high) - 0.5)
            for across in range(first, max(first, last) + 1):
                along = step if major > 0 else -step
                r, c = (row + along, col + across) if by_rows else (row + across, col + along)
                if r < 0 or r >= rows or c < 0 or c >= cols or r * cols + c == cells[k] or (r == row and c == col):
                    continue
                tangent = (heights[r, c] - top) / (spacing * math.sqrt((r - row) ** 2 + (c - col) ** 2))
                steepest = max(steepest, tangent)
        result[k] = top + steepest * spacing * math.sqrt(down * down + right * right)
    return result


def shaded(heights: np.ndarray, got: np.ndarray) -> str:
    """Against a march over bilinear ground toward the sun from many random cells."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, heights.size, SAMPLES)
    exact = marched_shadow(heights, cells, SPACING_M, SUN_AZIMUTH_RAD, math.tan(SUN_ELEVATION_RAD))
    return f"{100 * (got.ravel()[cells].astype(bool) != exact).mean():.2f} % of cells wrong"


@numba.njit(cache=True, nogil=True)
def marched_shadow(heights, cells, spacing, azimuth, tangent):
    """Whether bilinear ground rises over the line to the sun, looked up wherever it crosses a row or column: bool (n,)."""
    rows, cols = heights.shape
    dx, dy = math.sin(azimuth), -math.cos(azimuth)
    scale = max(abs(dx), abs(dy))
    dx, dy = dx / scale, dy / scale
    step = math.sqrt(dx * dx + dy * dy) * spacing
    result = np.zeros(cells.size, np.bool_)
    highest = heights.max()
    for k in range(cells.size):
        row, col = cells[k] // cols, cells[k] % cols
        z = heights[row, col]
        for n in range(1, rows + cols):
            y, x = row + dy * n, col + dx * n
            light = z + step * n * tangent
            if y < 0 or x < 0 or y > rows - 1 or x > cols - 1 or light > highest:
                break
            i, j = min(int(y), rows - 2), min(int(x), cols - 2)
            fy, fx = y - i, x - j
            upper = heights[i, j] * (1 - fx) + heights[i, j + 1] * fx
            lower = heights[i + 1, j] * (1 - fx) + heights[i + 1, j + 1] * fx
            if upper * (1 - fy) + lower * fy > light:
                result[k] = True
                break
    return result


JUDGES: dict[str, Any] = {"breach": breached, "resolve": breached, "fill": filled, "view": bounded, "shadow": shaded}
