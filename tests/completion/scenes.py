"""Small made-up terrains, views of them and a network without training, for the tests of this folder."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from backend.evaluation.synthetic_view import view
from backend.networks.terrain import TerrainNetwork
from backend.networks.terrain_unet import TerrainUNet
from backend.scene import VisibleTerrain


def hills(seed: int = 0, side: int = 128, dx_m: float = 30.0) -> np.ndarray:
    """Float32 (side, side) m: fractal hills of about 30 degrees at their steepest."""
    rng = np.random.default_rng(seed)
    total = sum(s**1.6 * gaussian_filter(rng.standard_normal((side, side)), s) for s in (1, 2, 4, 8, 16))
    return (total * 0.25 * dx_m / np.hypot(*np.gradient(total)).mean()).astype(np.float32)


def scene(seed: int = 0, side: int = 128) -> tuple[VisibleTerrain, np.ndarray]:
    """What a camera sees of `hills`, and its view bound."""
    return view(hills(seed, side), 30.0)


def untrained() -> TerrainNetwork:
    """The network before training: the Wiener filter of every band. Needs no weights file, works as a mild smoother."""
    torch.manual_seed(0)
    return TerrainNetwork(TerrainUNet((8, 8, 8, 8), 16), {})
