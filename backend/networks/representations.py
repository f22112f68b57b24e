"""Ways to show heights to the terrain network. Weights say which one they were trained in; docs/representation.md compares them.

The shipped ones are those of a `LaplacianPyramid`; `TerrainUNet` itself works in Haar bands. Each is the same U-Net on a grid
four times coarser, with as many channels as the representation has. Every channel is preconditioned with the standard
deviations of terrain and of unit white noise in it, measured on 400 crops of the training files with
`python -m backend.training.measure_spreads`.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .terrain_unet import TerrainUNet


class RawHeights(TerrainUNet):
    """The heights themselves, 4 x 4 cells in 16 channels (pixel-unshuffle)."""

    representation = "raw"
    bands = ((16, 1.9, 1.0),)

    def split(self, heights: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 16, h/4, w/4)."""
        return functional.pixel_unshuffle(heights, 4)

    def join(self, bands: torch.Tensor) -> torch.Tensor:
        """The inverse of `split`."""
        return functional.pixel_shuffle(bands, 4)

    def coarse(self, bands: torch.Tensor) -> torch.Tensor:
        """Four times the block means."""
        return 4.0 * bands.mean(1, keepdim=True)


class LaplacianPyramid(TerrainUNet):
    """Block means of 4 x 4 cells and what two bilinear enlargements lack (Burt and Adelson 1983): 1 + 4 + 16 channels.

    A frame, not a basis: white noise in heights is correlated in it, and its fine levels hold a third more numbers.
    """

    representation = "laplacian"
    bands = ((1, 1.9, 0.25), (4, 0.064, 0.451), (16, 0.031, 0.903))

    def split(self, heights: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 21, h/4, w/4)."""
        half = functional.avg_pool2d(heights, 2)
        quarter = functional.avg_pool2d(half, 2)
        return torch.cat([quarter, functional.pixel_unshuffle(half - _enlarge(quarter), 2),
                          functional.pixel_unshuffle(heights - _enlarge(half), 4)], 1)

    def join(self, bands: torch.Tensor) -> torch.Tensor:
        """A left inverse of `split`."""
        half = _enlarge(bands[:, :1]) + functional.pixel_shuffle(bands[:, 1:5], 2)
        return _enlarge(half) + functional.pixel_shuffle(bands[:, 5:], 4)

    def coarse(self, bands: torch.Tensor) -> torch.Tensor:
        """Four times the block means."""
        return 4.0 * bands[:, :1]


REPRESENTATIONS: dict[str, type[TerrainUNet]] = {kind.representation: kind for kind in (TerrainUNet, RawHeights, LaplacianPyramid)}


def _enlarge(grid: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(grid, scale_factor=2, mode="bilinear", align_corners=False)
