"""Sample a map at another size over the same picture, so that pixel centers keep their place."""

from __future__ import annotations

import numpy as np
from PIL import Image


def resample(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 (height, width) from (H, W): linear, averaging when it gets smaller."""
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32)


def resample_color(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """float32 (height, width, 3) from (H, W, 3)."""
    return np.stack([resample(rgb[..., k], height, width) for k in range(3)], axis=-1)


def working_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) with the longer side at most `side`, never larger than it was."""
    scale = min(1.0, side / max(height, width))
    return max(2, round(height * scale)), max(2, round(width * scale))
