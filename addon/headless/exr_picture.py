"""OpenEXR pictures, which the backend cannot read, as PNG: Blender reads them."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ...backend.contract.height_files import written_beside
from ..formats import png

MADE = "picture.png"


def readable(picture: Path, folder: Path) -> Path:
    """`picture` itself, or what it shows as `folder`/picture.png where it is an EXR. Raises OSError."""
    if picture.suffix.lower() != ".exr":
        return picture
    content = png.encode(displayed(linear_pixels(picture)))
    folder.mkdir(parents=True, exist_ok=True)
    with written_beside(folder / MADE) as beside:
        beside.write_bytes(content)
    return folder / MADE


def linear_pixels(picture: Path) -> np.ndarray:
    """float32 (rows, cols, 4), scene-linear, alpha associated, first row on top. Raises OSError."""
    try:
        image = bpy.data.images.load(str(picture))
    except RuntimeError as problem:
        raise OSError(f"{picture.name} cannot be opened.") from problem
    try:
        cols, rows = image.size
        pixels = np.empty(len(image.pixels), np.float32)
        if not pixels.size or pixels.size != rows * cols * image.channels or image.channels != 4:
            raise OSError(f"{picture.name} is damaged, or holds layers instead of one picture; save it as a plain one.")
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return pixels.reshape(rows, cols, 4)[::-1]


def displayed(pixels: np.ndarray) -> np.ndarray:
    """uint8 (rows, cols, 3) sRGB (IEC 61966-2-1): light above 1 is white, what is see-through lies on white."""
    pixels = np.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0)
    light = np.clip(pixels[..., :3] + (1.0 - np.clip(pixels[..., 3:], 0.0, 1.0)), 0.0, 1.0)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255.0 * encoded).astype(np.uint8)
