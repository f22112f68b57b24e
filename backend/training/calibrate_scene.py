"""Make the scene network's spreads honest: scale them so that 80 % intervals hold 80 % of held-back truths.

    python -m backend.training.calibrate_scene --weights IN.safetensors --out OUT.safetensors [--library DIR]

Four factors, one for each quantity, from views of validation regions other than the views of `evaluation.scene_suite`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from backend.evaluation.scene_scores import score_pictures
from backend.evaluation.scene_suite import validation_views
from backend.networks.scene import SceneNetwork

from .elevation_data import DEFAULT_LIBRARY
from .landscape_render import LabeledPicture

SEED = 40_000
NORMAL_80 = 1.2816  # a normal variable lies within this many deviations with probability 0.8


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
    parser.add_argument("--views", type=int, default=200)
    options = parser.parse_args()
    network = SceneNetwork.load(options.weights)
    factors = calibrate(network, validation_views(options.library, options.views, SEED))
    network.save(options.out)
    print("spread factors (pitch, field of view, slope, relief):", " ".join(f"{f:.2f}" for f in factors))


if __name__ == "__main__":
    main()
