"""The named error of the kernels and the checks behind every public face."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

HIGHEST_M = 1e9
LARGEST_GRID = 2**29
"""Cells: an edge between two cells is numbered in 31 bits."""


class KernelInputError(ValueError):
    """An array or a number that a kernel cannot work with; the text says which and why."""


def checked_grid(heights: Any, name: str = "heights", least: int = 1) -> np.ndarray:
    """C-contiguous float32 (rows, cols) of finite heights; the array itself where it is that already, never written.

    Heights may come as float32 or float64. NaN compares false with everything: it would become a pit and poison passes.

    least: rows and columns needed.   Raises KernelInputError.
    """
    grid = checked_shape(heights, name, least)
    top = float(np.max(grid))
    bottom = float(np.min(grid))
    if math.isnan(top) or math.isnan(bottom):
        raise KernelInputError(f"The {name} contain NaN; fill or mask those cells first.")
    if max(abs(top), abs(bottom)) > HIGHEST_M:
        what = "infinity" if math.isinf(top) or math.isinf(bottom) else f"values beyond {HIGHEST_M:.0e} m"
        raise KernelInputError(f"The {name} contain {what}.")
    return grid


def checked_shape(heights: Any, name: str = "heights", least: int = 1) -> np.ndarray:
    """C-contiguous float32 (rows, cols), values unchecked. Raises KernelInputError."""
    if not isinstance(heights, np.ndarray):
        raise KernelInputError(f"The {name} must be a numpy array, not {type(heights).__name__}.")
    if heights.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"The {name} must be float32 or float64, not {heights.dtype}.")
    if heights.ndim != 2:
        raise KernelInputError(f"The {name} must be a grid of rows and columns, not of shape {heights.shape}.")
    if min(heights.shape) < least or heights.size == 0:
        raise KernelInputError(f"The {name} need at least {least} x {least} cells, not {heights.shape}.")
    if heights.size >= LARGEST_GRID:
        raise KernelInputError(f"The {name} have {heights.size} cells; these kernels take fewer than {LARGEST_GRID}.")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(heights, dtype=np.float32)


def checked_mask(mask: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """C-contiguous bool of the given shape. Raises KernelInputError."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise KernelInputError(f"The mask `{name}` must be a bool array, not {kind}.")
    if mask.shape != tuple(shape):
        raise KernelInputError(f"The mask `{name}` has shape {mask.shape}, the grid {tuple(shape)}.")
    return np.ascontiguousarray(mask)


def checked_positive(value: Any, name: str) -> float:
    """A finite number above zero as float. Raises KernelInputError."""
    number = checked_number(value, name)
    if number <= 0:
        raise KernelInputError(f"{name} must be positive, not {number:g}.")
    return number


def checked_number(value: Any, name: str) -> float:
    """A finite number as float. Raises KernelInputError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise KernelInputError(f"{name} must be a number, not {value!r}.") from None
    if not math.isfinite(number):
        raise KernelInputError(f"{name} must be finite, not {number}.")
    return number
