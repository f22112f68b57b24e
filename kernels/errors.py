"""Errors of the kernels and the checks at their doors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class KernelInputError(ValueError):
    """An input that a kernel cannot work with; the message is a sentence for a person."""


def validate_heights(heights: object, name: str = "heights") -> NDArray[np.float32]:
    """Return a C-contiguous float32 grid (rows, cols) in metres; a view of the input where it already is one.

    Raises KernelInputError where the input is no float32 or float64 array, is not two-dimensional, is empty, or holds
    a value that is not finite. NaN compares false with everything, so it would become a pit and poison every pass.
    """
    if not isinstance(heights, np.ndarray):
        raise KernelInputError(f"{name} must be a NumPy array, not {type(heights).__name__}.")
    if heights.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"{name} must be float32 or float64, not {heights.dtype}.")
    if heights.ndim != 2:
        raise KernelInputError(f"{name} must have two dimensions (rows, columns), not {heights.ndim}.")
    if heights.size == 0:
        raise KernelInputError(f"{name} is empty: its shape is {heights.shape}.")
    if heights.size >= 2**28:
        raise KernelInputError(f"{name} has {heights.size} cells; at most 2^28 - 1 are supported.")
    with np.errstate(over="ignore"):
        grid = np.ascontiguousarray(heights, dtype=np.float32)
    bad = grid.size - int(np.count_nonzero(np.isfinite(grid)))
    if bad:
        raise KernelInputError(f"{name} must be finite, but {bad} of {grid.size} cells are NaN or infinite.")
    return grid


def validate_mask(mask: object, shape: tuple[int, ...], name: str) -> NDArray[np.bool_]:
    """Return a C-contiguous boolean grid of the given shape, or raise KernelInputError."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        kind = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise KernelInputError(f"{name} must be a boolean NumPy array, not {kind}.")
    if mask.shape != shape:
        raise KernelInputError(f"{name} has the shape {mask.shape}, but the heights have {shape}.")
    return np.ascontiguousarray(mask)


def validate_positive(value: object, name: str) -> float:
    """Return a finite number above zero as float, or raise KernelInputError."""
    number = _number(value, name)
    if not number > 0.0:
        raise KernelInputError(f"{name} must be above zero, not {value}.")
    return number


def validate_not_negative(value: object, name: str) -> float:
    """Return a finite number, zero or above, as float, or raise KernelInputError."""
    number = _number(value, name)
    if number < 0.0:
        raise KernelInputError(f"{name} must not be negative, but is {value}.")
    return number


def _number(value: object, name: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise KernelInputError(f"{name} must be a number, not {value!r}.") from None
    if not math.isfinite(number):
        raise KernelInputError(f"{name} must be finite, not {value}.")
    return number
