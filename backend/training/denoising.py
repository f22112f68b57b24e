"""Teach a terrain U-Net to remove noise: noise levels, loss, and the loop with averaged weights that can be interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..completion.diffusion import fast_bfloat16
from ..networks.terrain_unet import TerrainUNet, channels_last

LOG_SIGMA_RANGE = (math.log(0.008), math.log(7.0))
"""Noise levels of steps 1 to about 650, drawn evenly in log SNR: fine relief lives at small noise."""
LOG_SIGMA_FAR = math.log(160.0)
"""Noise of step 1000; one crop in twelve is drawn up to it, for starts beyond t = 0.65."""
LAST_RATE, WARM_UP_STEPS, LONGEST_AVERAGE = 1e-5, 100, 0.9998


class Crops(Protocol):
    """Where training terrain comes from."""

    def reseed(self, seed: list[int]) -> None:
        """Go on with other draws, after a resume."""

    def batch(self, size: int) -> tuple[Any, Any]:
        """Heights (B, 1, 256, 256) in relief scales, mean 0, and conditions (B, 2): float32 arrays or tensors."""


@dataclass(frozen=True)
class Recipe:
    """How long and how to train.

    minutes: of wall time, or of the process's CPU time with `cpu_time` (fair on a busy machine with one thread).
    peak_rate: learning rate at the start of the cosine.   compiled: torch.compile.
    pause_after: stop after so many minutes of this call, to be continued by the same call.
    """

    minutes: float
    seed: int = 0
    batch: int = 16
    peak_rate: float = 1.2e-3
    device: str = "cpu"
    compiled: bool = False
    cpu_time: bool = False
    report_every_s: float = 300.0
    pause_after: float = math.inf


@dataclass
class Progress:
    """Where a run stands. losses: (groups,) mean since the last report."""

    step: int = 0
    spent_s: float = 0.0
    rate: float = 0.0
    losses: np.ndarray | None = None


def fit(module: TerrainUNet, average: TerrainUNet, crops: Crops, recipe: Recipe, checkpoint: Path,
        report: Callable[[Progress], None]) -> Progress:
    """Train `module` in place to the end of the time; `average` follows as exponential moving average (EMA).

    Goes on from `checkpoint` when it exists and writes it after every `report`. The rate follows the clock, not the step count.
    Returns where the run stands at its end.
    """
    module, average = (channels_last(m).to(recipe.device) for m in (module, average))
    average.load_state_dict(module.state_dict())
    average.requires_grad_(False)
    optimizer = torch.optim.AdamW(module.parameters(), lr=recipe.peak_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    now = Progress()
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=recipe.device)
        for part, name in ((module, "module"), (average, "average"), (optimizer, "optimizer")):
            part.load_state_dict(saved[name])
        now.step, now.spent_s = saved["step"], saved["spent_s"]
    torch.manual_seed(recipe.seed + now.step)
    crops.reseed([recipe.seed, now.step])
    total, last_report, losses = 60.0 * recipe.minutes, now.spent_s, []
    clock = time.process_time if recipe.cpu_time else time.monotonic
    predict = torch.compile(module.residual) if recipe.compiled else module.residual
    half = fast_bfloat16(recipe.device)
    pairs = list(zip(average.parameters(), module.parameters(), strict=True))
    pause = now.spent_s + 60.0 * recipe.pause_after
    while now.spent_s < min(total, pause):
        began = clock()
        now.rate = LAST_RATE + 0.5 * (recipe.peak_rate - LAST_RATE) * (1 + math.cos(math.pi * now.spent_s / total))
        for group in optimizer.param_groups:
            group["lr"] = now.rate * min(1.0, (now.step + 1) / WARM_UP_STEPS)
        clean, told = (torch.as_tensor(a).to(recipe.device) for a in crops.batch(recipe.batch))
        by_band = loss_by_band(module, clean, told, draw_sigma(clean.shape[0]).to(recipe.device), half=half, predict=predict)
        optimizer.zero_grad(set_to_none=True)
        by_band.mean().backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        now.step += 1
        keep = min(LONGEST_AVERAGE, (1 + now.step) / (20 + now.step))
        with torch.no_grad():
            torch._foreach_lerp_([mean for mean, _ in pairs], [new for _, new in pairs], 1.0 - keep)
        losses.append(by_band.detach())
        now.spent_s += clock() - began
        if now.spent_s - last_report >= recipe.report_every_s or now.spent_s >= min(total, pause):
            last_report, now.losses = now.spent_s, torch.stack(losses).mean(0).cpu().numpy()
            losses.clear()
            report(now)
            state = {"module": module.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                     "step": now.step, "spent_s": now.spent_s}
            partial = checkpoint.with_suffix(".partial")
            torch.save(state, partial)
            partial.replace(checkpoint)
    return now


def draw_sigma(count: int) -> torch.Tensor:
    """(count,) noise levels, stratified so that every batch sees the whole range."""
    low, high = LOG_SIGMA_RANGE
    position = (torch.randperm(count) + torch.rand(count)) / count
    far = torch.rand(count) < 1 / 12
    return torch.where(far, high + (LOG_SIGMA_FAR - high) * position, low + (high - low) * position).exp()


def loss_by_band(
    module: TerrainUNet, clean: torch.Tensor, told: torch.Tensor, sigma: torch.Tensor, noise: torch.Tensor | None = None,
    half: bool = True, predict: Callable[..., torch.Tensor] | None = None,
) -> torch.Tensor:
    """(groups,) mean squared error of every group of bands, coarse to fine, each in units where its target has variance 1.

    half: compute in bfloat16.   predict: `module.residual`, or its compiled form.
    """
    noise = torch.randn_like(clean) if noise is None else noise
    noisy = clean + sigma.view(-1, 1, 1, 1) * noise
    offset = noisy.mean((2, 3), keepdim=True)
    bands, noisy = module.split(clean - offset), module.split(noisy - offset)
    skip, out = module.precondition(sigma)
    with torch.autocast(clean.device.type, torch.bfloat16, enabled=half):
        predicted = (predict or module.residual)(noisy, sigma, told)
    error = (predicted.float() - (bands - skip * noisy) / out).square()
    return torch.stack([group.mean() for group in error.split([count for count, _, _ in module.bands], 1)])
