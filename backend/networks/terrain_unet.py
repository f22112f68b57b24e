"""The U-Net of the terrain network: bands of noisy heights in, bands of clean heights out.

Heights become bands on a grid four times coarser: in the shipped weights a Laplacian pyramid (`representations`, chosen by
measurement, docs/representation.md), in the class below Haar bands. Each band is preconditioned with its own standard
deviation (Karras et al. 2022, eq. 7; this is v-prediction in every band's own unit), so that the network's error in a band
can never exceed the relief of that band: what is left of the noise stays invisible.
The mean of the input is taken out and put back; norms act per cell. Nothing else looks at the whole tile.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

BLOCK = 4
"""Side of a Haar block in cells."""
BAND_STD = (6.0, 0.22, 0.06)
"""Standard deviation of the mean band and of the detail bands of the second and first octave, in relief scales."""
SIZES: dict[str, tuple[tuple[int, ...], int, int]] = {
    "small": ((48, 96, 128, 160), 128, 1),
    "base": ((96, 160, 224, 288), 256, 2),
}
"""Channels per level, size of the embedding, and residual blocks per level: 3.5 M and 20 M parameters.

`small` is for CPUs and is what the repository ships; `base` costs six times as much and wants a GPU."""


def to_bands(heights: torch.Tensor) -> torch.Tensor:
    """(B, 1, h, w) heights -> (B, 16, h/4, w/4) orthonormal Haar: mean, 3 of octave two, 12 of octave one."""
    first = _haar(functional.pixel_unshuffle(heights, 2))
    second = _haar(functional.pixel_unshuffle(first[:, :1], 2))
    return torch.cat([second, functional.pixel_unshuffle(first[:, 1:], 2)], 1)


def from_bands(bands: torch.Tensor) -> torch.Tensor:
    """The inverse of `to_bands`."""
    mean = functional.pixel_shuffle(_haar(bands[:, :4]), 2)
    first = torch.cat([mean, functional.pixel_shuffle(bands[:, 4:], 2)], 1)
    return functional.pixel_shuffle(_haar(first), 2)


def _haar(quads: torch.Tensor) -> torch.Tensor:
    """(B, 4, h, w) -> (B, 4, h, w), orthonormal and its own inverse."""
    a, b, c, d = quads.unbind(1)
    return 0.5 * torch.stack([a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d], 1)


class CellNorm(nn.Module):
    """RMS over the channels of one cell: does not depend on the size or the rest of the tile."""

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-3) * self.gain.to(x.dtype)


class ResidualBlock(nn.Module):
    """Norm, convolution, scale and shift by the condition, convolution, sum."""

    def __init__(self, inputs: int, outputs: int, embedding: int):
        super().__init__()
        self.norm = CellNorm(inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulate = nn.Linear(embedding, 2 * outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, 1)
        inner = self.first(functional.silu(self.norm(x)))
        inner = self.second(functional.silu(inner * (1.0 + scale) + shift))
        return self.skip(x) + inner


class TerrainUNet(nn.Module):
    """The network in Haar bands: 17 input channels (16 bands and the mean band's local contrast), 16 output channels.

    widths: channels per level.   embedding: size of what the blocks are told.   blocks: residual blocks per level and side.
    """

    representation: ClassVar[str] = "haar"
    """Its name in the metadata of weights."""
    frequencies: torch.Tensor
    band_std: torch.Tensor
    band_noise: torch.Tensor
    bands: ClassVar[tuple[tuple[int, float, float], ...]] = ((1, BAND_STD[0], 1.0), (3, BAND_STD[1], 1.0), (12, BAND_STD[2], 1.0))
    """Groups of channels, coarse to fine: how many, standard deviation of terrain and of unit white noise in them."""

    def __init__(self, widths: tuple[int, ...] = SIZES["small"][0], embedding: int = SIZES["small"][1], blocks: int = 1):
        super().__init__()
        self.widths, self.embedding, self.blocks = tuple(widths), embedding, blocks
        count = sum(n for n, _, _ in self.bands)
        frequencies = torch.exp(torch.linspace(math.log(0.25), math.log(8.0), 16))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.embed = nn.Sequential(nn.Linear(32 + 2, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU())
        self.enter = nn.Conv2d(count + 1, widths[0], 3, padding=1)
        downs: list[nn.Module] = []
        halve: list[nn.Module] = []
        channels = widths[0]
        for level, width in enumerate(widths):
            for block in range(blocks):
                downs.append(ResidualBlock(width if block else channels, width, embedding))
            last = level == len(widths) - 1
            halve.append(nn.Identity() if last else nn.Conv2d(width, width, 3, stride=2, padding=1))
            channels = width
        self.downs, self.halve = nn.ModuleList(downs), nn.ModuleList(halve)
        self.middle = ResidualBlock(channels, channels, embedding)
        ups: list[nn.Module] = []
        for width in reversed(widths):
            for _ in range(blocks):
                ups.append(ResidualBlock(channels + width, width, embedding))
                channels = width
        self.ups = nn.ModuleList(ups)
        self.leave = nn.Conv2d(channels, count, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # untrained, the network is the Wiener filter of every band
        for name, values in (("band_std", [s for n, s, _ in self.bands for _ in range(n)]),
                             ("band_noise", [s for n, _, s in self.bands for _ in range(n)])):
            self.register_buffer(name, torch.tensor(values).view(1, count, 1, 1), persistent=False)

    def split(self, heights: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) heights -> (B, 16, h/4, w/4) channels the network works on."""
        return to_bands(heights)

    def join(self, bands: torch.Tensor) -> torch.Tensor:
        """The inverse of `split`."""
        return from_bands(bands)

    def coarse(self, bands: torch.Tensor) -> torch.Tensor:
        """(B, 1, h/4, w/4): four times the block means, whose local contrast the network is told besides."""
        return bands[:, :1]

    def residual(self, bands: torch.Tensor, sigma: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """What the loss sees: (B, 16, h, w), unit variance in every band.

        bands: noisy, mean removed, signal kept at 1.   sigma: (B,) noise level.   conditions: (B, 2) of `condition`.
        """
        level = sigma.log()
        phase = level[:, None] * self.frequencies[None]
        told = self.embed(torch.cat([phase.sin(), phase.cos(), conditions], 1))
        s = sigma.view(-1, 1, 1, 1)
        coarse = self.coarse(bands)
        padded = functional.pad(coarse, (1, 1, 1, 1), mode="replicate")
        contrast = (coarse - functional.avg_pool2d(padded, 3, 1)) * torch.rsqrt(0.64 + s.square())
        x = torch.cat([bands * torch.rsqrt(self.band_std.square() + (self.band_noise * s).square()), contrast], 1)
        x = self.enter(x.contiguous(memory_format=torch.channels_last))
        kept = []
        for number, block in enumerate(self.downs):
            x = block(x, told)
            kept.append(x)
            if (number + 1) % self.blocks == 0:
                x = self.halve[number // self.blocks](x)
        x = self.middle(x, told)
        for number, block in enumerate(self.ups):
            if number and number % self.blocks == 0:
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, kept.pop()], 1), told)
        return self.leave(x)

    def forward(self, noisy: torch.Tensor, sigma: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Predict clean heights. noisy: (B, 1, h, w) clean + sigma * noise in relief scales, sides multiples of 32."""
        offset = noisy.mean((2, 3), keepdim=True)
        bands = self.split(noisy - offset)
        skip, out = self.precondition(sigma)
        return self.join(skip * bands + out * self.residual(bands, sigma, conditions).float()) + offset

    def precondition(self, sigma: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(c_skip, c_out) of Karras et al. 2022 for every band, (B, 16, 1, 1) each."""
        s, variance = self.band_noise * sigma.view(-1, 1, 1, 1), self.band_std.square()
        return variance / (variance + s.square()), self.band_std * s * torch.rsqrt(variance + s.square())


def channels_last(module: TerrainUNet) -> TerrainUNet:
    """The same module, its weights in the memory order that convolves fastest."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
