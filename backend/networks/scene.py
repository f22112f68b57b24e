"""The scene network: one picture to sky/terrain/foreground, affine log depth, camera and priors with spreads.

An ImageNet backbone (efficientnet-lite0) with a top-down decoder to half resolution and a camera head. Trained on
renders of real terrain by `backend.training.train_scene`; data, quality and limits are in `weights/scene.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from .efficientnet_lite import PYRAMID_CHANNELS, EfficientNetLite0

WEIGHTS = Path(__file__).parent / "weights" / "scene.safetensors"
MASK_SIDE, DEPTH_SIDE = 448, 320
"""Longer side in pixels at which masks, and at which depth and camera, are looked for: outlines want pixels, distances
the size of view the network was trained on. Measured on marked photographs and rendered views."""
SMALLEST_SIDE = 224
"""Pictures are not enlarged beyond this: blurred ones are not what the network knows."""
TRUTHS = ("pitch_rad", "log_tan_half_fov", "mean_slope_rad", "log_relief")
CENTER = (0.0, -0.72, 0.42, 6.3)
UNIT = (0.15, 0.30, 0.16, 0.9)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ScenePrediction:
    """What the network sees in one picture.

    probabilities: (3, h, w) of sky, terrain, foreground.   log_depth: (h, w) log of z-depth up to an added constant;
    where the picture shows no terrain it means nothing.   Angles in radians; log_relief is the log of meters. Each
    spread is a standard deviation, calibrated so that value +- 1.2816 spread holds the truth in 80 % of views.
    """

    probabilities: np.ndarray
    log_depth: np.ndarray
    fov_x: float
    fov_x_spread: float
    pitch: float
    pitch_spread: float
    roll: float
    mean_slope: float
    mean_slope_spread: float
    log_relief: float
    log_relief_spread: float


def _conv(channels_in: int, channels_out: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out, momentum=0.05),
        nn.ReLU(inplace=True),
    )


def _coordinates(x: Tensor) -> Tensor:
    """(B, 2, h, w): horizontal and vertical position, both in units of half the picture's width."""
    b, _, h, w = x.shape
    u = (torch.arange(w, dtype=x.dtype, device=x.device) + 0.5) / w * 2 - 1
    v = ((torch.arange(h, dtype=x.dtype, device=x.device) + 0.5) / h * 2 - 1) * (h / w)
    return torch.stack([u.expand(h, w), v[:, None].expand(h, w)]).expand(b, 2, h, w)


class SceneModule(nn.Module):
    """(B, 3, H, W) sRGB 0..1, sides multiples of 32, to class logits, log depth and camera.

    Class logits (B, 3, H/2, W/2), log depth (B, H/2, W/2), camera (B, 8).

    camera: value and log spread of each of TRUTHS, in units of UNIT around CENTER.
    """

    mean: Tensor
    std: Tensor
    spread_scale: Tensor
    widths = (24, 48, 72, 96, 128)  # decoder channels at 1/2, 1/4, 1/8, 1/16, 1/32

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite0()
        w = self.widths
        self.top = _conv(PYRAMID_CHANNELS[4] + 2, w[4])
        self.context = nn.Sequential(nn.Linear(w[4], w[4]), nn.ReLU(inplace=True), nn.Linear(w[4], w[4]))
        self.lateral = nn.ModuleList(nn.Conv2d(PYRAMID_CHANNELS[k], w[k], 1) for k in range(4))
        self.narrow = nn.ModuleList(nn.Conv2d(w[k + 1], w[k], 1) for k in range(4))
        self.merge = nn.ModuleList(_conv(2 * w[k] + 2, w[k]) for k in range(4))
        self.refine = nn.ModuleList(_conv(w[k], w[k]) for k in range(1, 4))
        self.out = nn.Conv2d(w[0], 4, 3, padding=1)
        self.squeeze = _conv(w[4], 48, 1)
        self.camera = nn.Sequential(
            nn.Linear(48 * 24 + 4 * 96 + w[4] + 1, 256), nn.ReLU(inplace=True), nn.Linear(256, 8)
        )
        self.register_buffer("spread_scale", torch.ones(4))
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None], persistent=False)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pyramid = self.encoder(((rgb - self.mean) / self.std).contiguous(memory_format=torch.channels_last))
        x = self.top(torch.cat([pyramid[4], _coordinates(pyramid[4])], 1))
        context = self.context(x.mean((2, 3)))
        x = x + context[:, :, None, None]
        deep = x
        for k in (3, 2, 1, 0):
            x = F.interpolate(self.narrow[k](x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = self.merge[k](torch.cat([self.lateral[k](pyramid[k]), x, _coordinates(x)], 1))
            if k > 0:
                x = x + self.refine[k - 1](x)
        maps = self.out(x)
        classes, log_depth = maps[:, :3], maps[:, 3] * 2.0
        shares = torch.cat(
            [
                classes.detach().softmax(1),
                (log_depth.detach() - log_depth.detach().mean((1, 2), keepdim=True))[:, None],
            ],
            1,
        )
        aspect = torch.full((len(rgb), 1), math.log(rgb.shape[2] / rgb.shape[3]), dtype=rgb.dtype, device=rgb.device)
        camera = self.camera(
            torch.cat(
                [
                    F.adaptive_avg_pool2d(self.squeeze(deep), (6, 4)).flatten(1),
                    F.adaptive_avg_pool2d(shares, (12, 8)).flatten(1),
                    context,
                    aspect,
                ],
                1,
            )
        )
        return classes, log_depth, camera


class SceneNetwork:
    """The trained network behind numpy arrays."""

    def __init__(self, module: SceneModule) -> None:
        self.module = module.float().eval()
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, path: Path | str | None = None) -> SceneNetwork:
        """Read weights (the bundled ones by default). Raises FileNotFoundError, or RuntimeError for foreign weights."""
        module = SceneModule()
        path = Path(path) if path else WEIGHTS
        if not path.exists():
            raise FileNotFoundError(f"No scene network at {path}.")
        state = {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
        module.load_state_dict(state)
        return cls(module)

    def save(self, path: Path) -> None:
        """Write the weights in half precision, beside and then renamed."""
        state = {
            name: (value.half() if value.is_floating_point() else value).contiguous()
            for name, value in self.module.state_dict().items()
        }
        beside = path.with_suffix(".partial")
        save_file(state, beside)
        beside.chmod(0o644)
        beside.replace(path)

    @torch.inference_mode()
    def predict(self, rgb: np.ndarray) -> ScenePrediction:
        """One picture, float32 (H, W, 3) sRGB in 0..1, of any size and shape. Deterministic.

        Masks from one look at MASK_SIDE; depth and camera are means over the picture and its mirror image at DEPTH_SIDE.
        """
        picture = torch.from_numpy(np.ascontiguousarray(rgb[..., :3], np.float32)).permute(2, 0, 1)[None]
        small = _resized(picture, DEPTH_SIDE)
        _, log_depths, cameras = self.module(torch.cat([small, small.flip(3)]))
        log_depth = 0.5 * (log_depths[0] + log_depths[1].flip(1))
        camera = cameras.mean(0)
        large = _resized(picture, MASK_SIDE)
        size = large.shape[2:]
        classes = self.module(large)[0]
        probabilities = F.interpolate(classes, size, mode="bilinear", align_corners=False).softmax(1)[0]
        depth = F.interpolate(log_depth[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        value = camera[:4] * torch.tensor(UNIT) + torch.tensor(CENTER)
        spread = camera[4:].clamp(-4, 3).exp() * torch.tensor(UNIT) * self.module.spread_scale
        pitch, log_tan, slope, relief = (float(v) for v in value)
        s_pitch, s_tan, s_slope, s_relief = (float(v) for v in spread)
        fov = 2 * math.atan(math.exp(min(max(log_tan, -3.0), 1.5)))
        return ScenePrediction(
            probabilities.numpy(),
            depth.numpy(),
            fov,
            s_tan * math.sin(fov),
            pitch,
            s_pitch,
            0.0,
            min(max(slope, 0.01), 1.4),
            s_slope,
            relief,
            s_relief,
        )


def _resized(picture: Tensor, long_side: int) -> Tensor:
    """(1, 3, h, w) with the longer side at most `long_side`, both rounded to multiples of 32, at least 64."""
    height, width = picture.shape[2:]
    scale = min(long_side, max(SMALLEST_SIDE, height, width)) / max(height, width)
    size = tuple(max(64, round(side * scale / 32) * 32) for side in (height, width))
    return F.interpolate(picture, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
