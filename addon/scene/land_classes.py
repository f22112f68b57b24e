"""Masks as arrays: classes to colors and back, text for a custom property, a small tinted picture. No bpy here.

Classes are those of backend/contract/masks.py, arrays uint8 (H, W), row 0 at the top. Blender's pixels are float32 (H * W * 4),
red, green, blue, alpha, and begin at the bottom.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from pathlib import Path

import numpy as np

from ...backend.contract.masks import COLORS, FOREGROUND, SKY, TERRAIN, UNKNOWN

CHROMA = 0.16
"""Less than this between the strongest and the weakest channel is gray: nobody has painted a class there."""

TINT = 0.45
"""Share of the class's color in a tinted picture."""

ENDS_BYTES = 1 << 16
"""Of a picture's beginning and of its end, which tell it from others."""


def pixels_of(labels: np.ndarray) -> np.ndarray:
    """Blender's pixels of a mask: pure red, green and blue, black where the class is unknown."""
    colors = np.array([*COLORS, (0, 0, 0)], np.float32) / np.float32(255)
    palette = np.concatenate([colors, np.ones((UNKNOWN + 1, 1), np.float32)], axis=1)
    return palette[labels[::-1]].ravel()


def snapped(pixels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The class of each pixel: its strongest color, so that soft brushes leave no edges.

    Where a pixel is gray, black, white or erased, it takes the class of `found`, the mask before it was painted on.
    """
    height, width = found.shape
    red, green, blue, alpha = np.moveaxis(pixels.reshape(height, width, 4)[::-1], 2, 0)
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    labels = np.where(red == strongest, np.uint8(SKY), np.where(green == strongest, np.uint8(TERRAIN), np.uint8(FOREGROUND)))
    return np.where((strongest - weakest > CHROMA) & (alpha > 0.5), labels, found)


def resized(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The same classes at another size: each pixel takes that of the nearest one."""
    if labels.shape == (height, width):
        return labels
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(int)
    cols = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(int)
    return labels[rows[:, None], cols]


def shares_of(labels: np.ndarray) -> tuple[float, float, float]:
    """Shares of sky, terrain and foreground, 0 to 1."""
    counts = np.bincount(labels.ravel(), minlength=UNKNOWN + 1) / labels.size
    return float(counts[SKY]), float(counts[TERRAIN]), float(counts[FOREGROUND])


def as_rgb(labels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3), as the backend reads a painted mask."""
    return np.array([*COLORS, (0, 0, 0)], np.uint8)[labels]


def to_text(labels: np.ndarray) -> str:
    """Some kilobytes of text that hold all of it."""
    height, width = labels.shape
    return f"{height}x{width}:" + base64.b64encode(zlib.compress(np.ascontiguousarray(labels).tobytes())).decode("ascii")


@functools.lru_cache(maxsize=4)
def from_text(text: str) -> np.ndarray:
    """The labels again, read-only. Raises ValueError for text that holds none."""
    try:
        size, _, content = text.partition(":")
        height, width = (int(side) for side in size.split("x"))
        labels = np.frombuffer(zlib.decompress(base64.b64decode(content)), np.uint8).reshape(height, width)
    except (ValueError, zlib.error) as problem:
        raise ValueError("The mask's stored classes are damaged.") from problem
    if labels.size == 0 or labels.max() > UNKNOWN:
        raise ValueError("The mask's stored classes are damaged.")
    return labels


def tinted(picture: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """float32 (h, w, 4), no side longer than `most`: the picture in the colors of its classes, row 0 at the top.

    picture: Blender's pixels of an image of the same size.
    """
    height, width = labels.shape
    step = -(-max(height, width) // most)
    small = picture.reshape(height, width, 4)[::-1][::step, ::step].copy()
    colors = as_rgb(labels[::step, ::step]).astype(np.float32) / 255
    small[..., :3] += TINT * (colors - small[..., :3])
    small[..., 3] = 1.0
    return small


def fingerprint(path: Path) -> str:
    """Tells a picture's file from others, whatever it is called and wherever it lies. Raises OSError."""
    said = path.stat()
    return _fingerprint(path, said.st_size, said.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _fingerprint(path: Path, size: int, _: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as source:
        digest.update(source.read(ENDS_BYTES))
        source.seek(max(0, size - ENDS_BYTES))
        digest.update(source.read(ENDS_BYTES))
    return digest.hexdigest()[:24]
