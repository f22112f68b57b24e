"""Train the terrain network on real elevation models, on a CPU or a GPU.

    python -m backend.training.train_terrain --library ../shared/data/dem --out runs/terrain --minutes 75

Resumes from OUT/checkpoint.pt when it exists. The learning rate follows the clock, not the step count, so a run fits
the time it is given. Every five minutes it prints what matters: not the loss but the relief per octave and the mean
slope of samples against the validation terrain they start from, and it exports the averaged weights.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from ..completion.schedule import FewStepSampler, NoiseSchedule, walk
from ..networks.terrain import WEIGHTS, TerrainUNet, channels_last, save, to_bands
from .elevation_data import DEFAULT_LIBRARY, list_elevation_files
from .terrain_crops import CropStream, load_sources

LOG_SIGMA_RANGE = (math.log(0.008), math.log(7.0))
"""Noise levels of steps 1 to about 650, drawn evenly in log SNR: fine relief lives at small noise."""
LOG_SIGMA_FAR = math.log(160.0)
"""Noise of step 1000; one crop in twelve is drawn up to it, for starts beyond t = 0.65."""
BATCH = 16
PEAK_RATE, LAST_RATE, WARM_UP_STEPS = 1.2e-3, 1e-5, 100
VALIDATION_EVERY_S = 300.0
VALIDATION_CROPS = 24


def train(library: Path, out: Path, weights: Path, minutes: float, seed: int, threads: int, device: str) -> None:
    """Run to the end of the time, writing OUT/checkpoint.pt, OUT/log.jsonl and `weights`."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    files = list_elevation_files(library)
    stream = CropStream(load_sources(f for f in files if not f.validation), np.random.default_rng(seed))
    held_back = CropStream(load_sources(f for f in files if f.validation), np.random.default_rng(1)).batch(VALIDATION_CROPS)
    module = channels_last(TerrainUNet()).to(device)
    average = channels_last(TerrainUNet()).to(device).requires_grad_(False)
    average.load_state_dict(module.state_dict())
    optimizer = torch.optim.AdamW(module.parameters(), lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    step, spent = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=device)
        module.load_state_dict(saved["module"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["spent_s"]
        stream.rng = np.random.default_rng([seed, step])
        torch.manual_seed(seed + step)
    total, last_report, losses = 60.0 * minutes, spent, []
    while spent < total:
        began = time.monotonic()
        rate = LAST_RATE + 0.5 * (PEAK_RATE - LAST_RATE) * (1 + math.cos(math.pi * spent / total))
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP_STEPS)
        clean, told = (torch.from_numpy(a).to(device) for a in stream.batch(BATCH))
        by_band = loss_by_band(module, clean, told, draw_sigma(clean.shape[0]).to(device))
        optimizer.zero_grad(set_to_none=True)
        by_band.mean().backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        step += 1
        keep = min(0.998, (1 + step) / (20 + step))
        with torch.no_grad():
            for mean, new in zip(average.parameters(), module.parameters(), strict=True):
                mean.lerp_(new, 1.0 - keep)
        losses.append(by_band.detach().cpu().numpy())
        spent += time.monotonic() - began
        if spent - last_report >= VALIDATION_EVERY_S or spent >= total:
            last_report = spent
            facts = {"step": step, "minutes": round(spent / 60, 1), "rate": rate,
                     "loss_mean_second_first": np.mean(losses, 0).round(4).tolist(),
                     **validate(average, held_back, device)}
            losses.clear()
            print(json.dumps(facts), flush=True)
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(facts) + "\n")
            save(weights, average, {"steps": step, "minutes": round(spent / 60, 1), "seed": seed, "batch": BATCH})
            state = {"module": module.state_dict(), "average": average.state_dict(),
                     "optimizer": optimizer.state_dict(), "step": step, "spent_s": spent}
            torch.save(state, checkpoint.with_suffix(".partial"))
            checkpoint.with_suffix(".partial").replace(checkpoint)


def draw_sigma(count: int) -> torch.Tensor:
    """(count,) noise levels, stratified so that every batch sees the whole range."""
    low, high = LOG_SIGMA_RANGE
    position = (torch.randperm(count) + torch.rand(count)) / count
    far = torch.rand(count) < 1 / 12
    return torch.where(far, high + (LOG_SIGMA_FAR - high) * position, low + (high - low) * position).exp()


def loss_by_band(
    module: TerrainUNet, clean: torch.Tensor, told: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor | None = None
) -> torch.Tensor:
    """(3,) mean squared error of mean band, second and first octave, each in units where its target has variance 1."""
    noise = torch.randn_like(clean) if noise is None else noise
    bands = to_bands(clean)
    noisy = to_bands(clean + sigma.view(-1, 1, 1, 1) * noise)
    offset = noisy[:, :1].mean((2, 3), keepdim=True)
    bands = torch.cat([bands[:, :1] - offset, bands[:, 1:]], 1)
    noisy = torch.cat([noisy[:, :1] - offset, noisy[:, 1:]], 1)
    skip, out = module.precondition(sigma)
    with torch.autocast(clean.device.type, torch.bfloat16):
        predicted = module.residual(noisy, sigma, told)
    error = (predicted.float() - (bands - skip * noisy) / out).square()
    return torch.stack([error[:, :1].mean(), error[:, 1:4].mean(), error[:, 4:].mean()])


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
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    a = parser.parse_args()
    train(a.library, a.out, a.weights, a.minutes, a.seed, a.threads, a.device)


if __name__ == "__main__":
    main()
