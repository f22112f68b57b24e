"""Reads a terrain that shall be changed and the mask of the region that shall be made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.errors import BadSettings

PAINTED = 0.5
"""Brush strength from which a point belongs to the region."""

UNREADABLE = (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError)
"""What numpy and Pillow raise for files that are missing, damaged or something else."""


def read_base(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The terrain to change: float32 (rows, cols) m from a terrain.npy or terrain.tif. Raises BadSettings with one sentence."""
    try:
        heights = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _picture(path, "F")
    except UNREADABLE as problem:
        raise BadSettings(f"The terrain to change, {path}, cannot be read.") from problem
    if not isinstance(heights, np.ndarray) or heights.dtype != np.float32 or heights.ndim != 2 or not np.isfinite(heights).all():
        raise BadSettings(f"The terrain to change, {path}, does not hold heights as 32-bit numbers.")
    _check_shape("The terrain to change", heights.shape, shape)
    return heights


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The painted region: bool (rows, cols) from an .npy file (0 to 1) or a picture (black to white). Raises BadSettings."""
    try:
        if path.suffix.lower() == ".npy":
            strength = np.asarray(np.load(path, allow_pickle=False), np.float32)
        else:
            strength = _picture(path, "L").astype(np.float32) / 255.0
    except UNREADABLE as problem:
        raise BadSettings(f"The painted region, {path}, cannot be read.") from problem
    _check_shape("The painted region", strength.shape, shape)
    return strength >= PAINTED


def _picture(path: Path, mode: str) -> np.ndarray:
    """A picture's pixels. mode: F as they are, which must be 32-bit numbers; L as gray. Raises UNREADABLE."""
    with Image.open(path) as picture:
        return np.asarray(picture if mode == "F" else picture.convert(mode))


def _check_shape(what: str, got: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if got != wanted:
        size = " x ".join(str(n) for n in got) or "no grid of"
        raise BadSettings(f"{what} has {size} points and this run makes {wanted[0]} x {wanted[1]}: "
                          "use the resolution it was made with.")
