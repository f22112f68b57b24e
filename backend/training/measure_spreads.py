"""Standard deviations of terrain and of noise in every representation, the constants of `backend.networks.representations`.

    python -m backend.training.measure_spreads --library ../shared/data/dem
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from ..networks.representations import REPRESENTATIONS
from ..networks.terrain_unet import TerrainUNet
from .elevation_data import DEFAULT_LIBRARY, list_elevation_files
from .terrain_crops import CropStream, load_sources

CROPS = 400


def measured_spreads(module: TerrainUNet, clean: torch.Tensor) -> list[tuple[float, float]]:
    """(standard deviation of terrain, of unit white noise) of every group of bands. clean: (B, 1, h, w) relief scales."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    groups = [bands.split([n for n, _, _ in module.bands], 1) for bands in (module.split(clean), module.split(noise))]
    return [(float(terrain.square().mean().sqrt()), float(white.square().mean().sqrt()))
            for terrain, white in zip(*groups, strict=True)]


def main() -> None:
    """Print the spreads of all representations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    files = [f for f in list_elevation_files(parser.parse_args().library) if not f.validation]
    clean = torch.from_numpy(CropStream(load_sources(files), np.random.default_rng(0)).batch(CROPS)[0])
    for name, kind in REPRESENTATIONS.items():
        print(name, [(round(a, 4), round(b, 4)) for a, b in measured_spreads(kind((8, 8, 8, 8), 8), clean)])


if __name__ == "__main__":
    main()
