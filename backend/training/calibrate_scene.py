"""Last steps after training: settle the decoder's normalization, then make the spreads honest.

    python -m backend.training.calibrate_scene --weights IN.safetensors --shards DIR --out OUT.safetensors [--library DIR]

The decoder's batch statistics at the end of training are those of the last few batches; they are taken anew from many
training pictures at the size at which the network runs. Then spreads are scaled so that 80 % intervals hold 80 % of
held-back truths: four factors, from views of validation regions other than the views of `evaluation.scene_suite`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from backend.evaluation.scene_scores import score_pictures
from backend.evaluation.scene_suite import validation_views
from backend.networks.scene import DEPTH_SIDE, SceneNetwork

from .elevation_data import DEFAULT_LIBRARY
from .landscape_render import LabeledPicture
from .shard_pool import ShardPool

SEED = 40_000
NORMAL_80 = 1.2816  # a normal variable lies within this many deviations with probability 0.8


@torch.no_grad()
def settle_norms(network: SceneNetwork, shards: Path, batches: int = 25) -> None:
    """Replace the decoder's running means and variances by those of `batches` x 12 training pictures, in place."""
    pool, rng = ShardPool(shards, capacity=40), np.random.default_rng(SEED)
    norms = [
        part for name, part in network.module.named_modules() if isinstance(part, nn.BatchNorm2d) and not name.startswith("encoder")
    ]
    momentum = norms[0].momentum
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    network.module.train()
    network.module.encoder.eval()
    for _ in range(batches):
        rgb = torch.from_numpy(pool.draw(rng, 12)["picture"]).permute(0, 3, 1, 2).float() / 255
        height, width = rgb.shape[2:]
        scale = DEPTH_SIDE / max(height, width) * rng.choice([0.9, 1.0, 1.4])
        size = round(height * scale / 32) * 32, round(width * scale / 32) * 32
        network.module(F.interpolate(rgb, size, mode="bilinear", align_corners=False).clamp(0, 1))
    for norm in norms:
        norm.momentum = momentum
    network.module.eval()


def calibrate(network: SceneNetwork, pictures: list[LabeledPicture]) -> np.ndarray:
    """Rescale the spreads of `network` in place; returns the factors (4,) in the order of `scene.TRUTHS`."""
    rows = score_pictures(network, pictures)
    names = ("pitch_z", "fov_z", "slope_z", "relief_z")
    factors = np.array([np.quantile(np.abs([row[name] for row in rows]), 0.8) / NORMAL_80 for name in names])
    network.module.spread_scale *= torch.from_numpy(factors).to(network.module.spread_scale)
    return factors


def main() -> None:
    """Parse the command, calibrate, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=Path, help="settle the decoder's normalization on these training pictures first")
    parser.add_argument("--views", type=int, default=200)
    options = parser.parse_args()
    network = SceneNetwork.load(options.weights)
    if options.shards:
        settle_norms(network, options.shards)
    factors = calibrate(network, validation_views(options.library, options.views, SEED))
    network.save(options.out)
    print("spread factors (pitch, field of view, slope, relief):", " ".join(f"{f:.2f}" for f in factors))


if __name__ == "__main__":
    main()
