"""Train the terrain network on real elevation models, on a CPU or a GPU.

    python -m backend.training.train_terrain --library ../shared/data/dem --out runs/small --minutes 85
    python -m backend.training.train_terrain --pack runs/terrain.pack --out runs/base --size base --device cuda --compile \\
        --batch 64 --rate 6e-4 --minutes 25

Resumes from OUT/checkpoint.pt when it exists. The learning rate follows the clock, not the step count, so a run fits
the time it is given. Every five minutes it prints what matters: not the loss but the relief per octave and the mean
slope of samples against the validation terrain they start from, and it exports the averaged weights.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from ..completion.schedule import FewStepSampler, NoiseSchedule, walk
from ..networks.representations import REPRESENTATIONS
from ..networks.terrain import save
from ..networks.terrain_unet import SIZES, TerrainUNet
from .crop_pack import CropPack, PackStream
from .denoising import Crops, Progress, Recipe, fit, loss_by_band
from .elevation_data import DEFAULT_LIBRARY, list_elevation_files
from .terrain_crops import CropStream, load_sources

VALIDATION_CROPS = 24


def train(source: Path, out: Path, weights: Path, size: str, recipe: Recipe, representation: str = "laplacian") -> None:
    """Run to the end of the time, writing OUT/checkpoint.pt, OUT/log.jsonl and `weights`.

    source: a library of elevation models (a folder) or a pack of crops (`pack_crops`, a file).   size: a key of `SIZES`.
    representation: a key of `REPRESENTATIONS`.
    """
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    crops, held_back = training_data(source, recipe)
    kind = REPRESENTATIONS[representation]
    module, average = kind(*SIZES[size]), kind(*SIZES[size])

    def report(now: Progress) -> None:
        assert now.losses is not None
        facts = {"step": now.step, "minutes": round(now.spent_s / 60, 1), "rate": now.rate,
                 "loss_coarse_to_fine": now.losses.round(4).tolist(), **validate(average, held_back, recipe.device)}
        print(json.dumps(facts), flush=True)
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(facts) + "\n")
        save(weights, average, {"size": size, "steps": now.step, "minutes": round(now.spent_s / 60, 1), "seed": recipe.seed,
                                "batch": recipe.batch})

    fit(module, average, crops, recipe, out / "checkpoint.pt", report)


def training_data(source: Path, recipe: Recipe) -> tuple[Crops, tuple[np.ndarray, np.ndarray]]:
    """The endless crops to train on, and those held back (heights and conditions)."""
    if source.is_file():
        pack = CropPack.load(source)
        return PackStream(pack, recipe.device), pack.held_back()
    files = list_elevation_files(source)
    stream = CropStream(load_sources(f for f in files if not f.validation), np.random.default_rng(recipe.seed))
    held_back = CropStream(load_sources(f for f in files if f.validation), np.random.default_rng(1))
    return stream, held_back.batch(VALIDATION_CROPS)


@torch.no_grad()
def validate(module: TerrainUNet, held_back: tuple[np.ndarray, np.ndarray], device: str) -> dict[str, object]:
    """Losses at fixed noise, and samples from t = 0.5 against the terrain they start from."""
    generator = torch.Generator().manual_seed(2)
    clean, told = (torch.from_numpy(a).to(device) for a in held_back)
    noise = torch.randn(clean.shape, generator=generator).to(device)
    losses = {}
    for sigma in (0.02, 0.1, 0.4, 1.5, 3.5):
        level = torch.full((clean.shape[0],), sigma, device=device)
        losses[str(sigma)] = loss_by_band(module, clean, told, level, noise).cpu().numpy().round(3).tolist()
    schedule = NoiseSchedule.linear()
    steps = schedule.log_snr_steps(500, 8)

    def denoise(x: torch.Tensor, step: int) -> torch.Tensor:
        level = torch.full((x.shape[0],), schedule.sigma(step), device=device)
        return module(x / schedule.signal(step), level, told)

    *_, sample = walk(FewStepSampler(schedule, steps), schedule.add_noise(clean, 500, noise), denoise)
    return {"validation_loss": losses, "octave_ratio": [octaves(sample)[k] / octaves(clean)[k] for k in range(5)],
            "slope_ratio": float(slope(sample) / slope(clean))}


def octaves(heights: torch.Tensor) -> list[float]:
    """Standard deviation of the Haar details of five octaves, finest first, averaged over crops in the log."""
    result = []
    for _ in range(5):
        quads = torch.nn.functional.pixel_unshuffle(heights, 2)
        a, b, c, d = quads.unbind(1)
        details = torch.stack([a + b - c - d, a - b + c - d, a - b - c + d], 1)
        result.append(float((0.5 * details).square().mean((1, 2, 3)).log().mean().mul(0.5).exp()))
        heights = (0.5 * (a + b + c + d))[:, None]
    return result


def slope(heights: torch.Tensor) -> torch.Tensor:
    """Mean length of the height difference to the next cells, in relief scales."""
    down = heights[:, :, 1:, :-1] - heights[:, :, :-1, :-1]
    right = heights[:, :, :-1, 1:] - heights[:, :, :-1, :-1]
    return torch.hypot(down, right).mean()


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--library", type=Path, default=DEFAULT_LIBRARY, help="folder of elevation models")
    source.add_argument("--pack", type=Path, help="file of backend.training.pack_crops, instead of a library")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and the log")
    parser.add_argument("--weights", type=Path, help="exported weights (default: OUT/terrain.safetensors)")
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--representation", choices=sorted(REPRESENTATIONS), default="laplacian",
                        help="how heights are shown to it")
    parser.add_argument("--minutes", type=float, default=75.0, help="of wall time, over all resumed runs")
    parser.add_argument("--cpu-time", action="store_true", help="count the minutes in processor time, beside other work")
    parser.add_argument("--pause-after", type=float, default=math.inf, metavar="MINUTES",
                        help="stop early with everything saved; the same command goes on from there")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile, worth it on a GPU")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    recipe = Recipe(a.minutes, a.seed, a.batch, a.rate, a.device, a.compile, a.cpu_time, pause_after=a.pause_after)
    train(a.pack or a.library, a.out, a.weights or a.out / "terrain.safetensors", a.size, recipe, a.representation)


if __name__ == "__main__":
    main()
