"""The noise schedule and the two samplers: few-step DPM-Solver++(2M) and the paper's 1000-step DDPM.

Both walk x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise (P2P eq. 2) from t down to 0 with T = 1000 and linear
betas. Arrays are torch tensors of any shape; the denoiser is a function that returns the predicted clean map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

TRAINING_STEPS = 1000
"""T of the schedule: t = 0.5 of the paper is step 500."""

Denoiser = Callable[[torch.Tensor, int], torch.Tensor]
"""(x_t, step) -> predicted clean map of the same shape."""


@dataclass(frozen=True)
class NoiseSchedule:
    """Linear betas from 1e-4 to 0.02 (Ho et al. 2020). `alpha_bar` is float64 (T + 1,), alpha_bar[0] = 1."""

    alpha_bar: torch.Tensor

    @classmethod
    def linear(cls, steps: int = TRAINING_STEPS) -> NoiseSchedule:
        """The schedule of the paper."""
        betas = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)
        return cls(torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1.0 - betas, 0)]))

    def signal(self, step: int) -> float:
        """sqrt(alpha_bar): how much of the clean map is left."""
        return float(self.alpha_bar[step].sqrt())

    def noise(self, step: int) -> float:
        """sqrt(1 - alpha_bar): standard deviation of the noise."""
        return float((1.0 - self.alpha_bar[step]).sqrt())

    def sigma(self, step: int) -> float:
        """Noise over signal, the level the network is told."""
        return self.noise(step) / self.signal(step)

    def step_of(self, t: float) -> int:
        """Step of the time t in 0..1, at least 1."""
        return min(max(round(t * TRAINING_STEPS), 1), TRAINING_STEPS)

    def add_noise(self, clean: torch.Tensor, step: int, noise: torch.Tensor) -> torch.Tensor:
        """q(x_0, t) of P2P eq. 2."""
        return self.signal(step) * clean + self.noise(step) * noise

    def log_snr_steps(self, first: int, count: int, last: int = 1) -> list[int]:
        """`count` steps from `first` down to `last`, evenly spaced in log SNR; fewer where steps coincide.

        Even spacing in t loses fine relief with few steps (0.34 of its power is left after 8, against 1.03).
        """
        log_snr = (self.alpha_bar[1:] / (1.0 - self.alpha_bar[1:])).log()
        wanted = torch.linspace(float(log_snr[first - 1]), float(log_snr[last - 1]), count, dtype=torch.float64)
        return sorted({int((log_snr - w).abs().argmin()) + 1 for w in wanted}, reverse=True)


class FewStepSampler:
    """DPM-Solver++(2M), data prediction (Lu et al. 2022), the last step to sigma = 0. Deterministic.

    Call `step` once for every entry of `steps` with the clean map predicted there. The history is one clean map, so it
    survives tiles that move and known cells that are put back between the steps.
    """

    def __init__(self, schedule: NoiseSchedule, steps: list[int]):
        self.schedule, self.steps = schedule, steps
        self._previous: tuple[torch.Tensor, float] | None = None

    def step(self, index: int, x: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """x at steps[index] -> x at steps[index + 1], or the clean map after the last one."""
        schedule, now = self.schedule, self.steps[index]
        if index + 1 == len(self.steps):
            return clean
        after = self.steps[index + 1]
        lambda_now, lambda_after = -_log(schedule.sigma(now)), -_log(schedule.sigma(after))
        h = lambda_after - lambda_now
        direction = clean
        if self._previous is not None:
            before, h_before = self._previous
            ratio = h_before / h
            direction = (1.0 + 0.5 / ratio) * clean - (0.5 / ratio) * before
        self._previous = (clean, h)
        shrink = schedule.noise(after) / schedule.noise(now)
        return shrink * x + (schedule.signal(after) - schedule.signal(now) * shrink) * direction


class AncestralSampler:
    """DDPM (Ho et al. 2020): every step from `first` to 1, fresh noise each time; the sampler of the paper."""

    def __init__(self, schedule: NoiseSchedule, first: int, draw: Callable[[torch.Tensor], torch.Tensor]):
        self.schedule, self.steps, self._draw = schedule, list(range(first, 0, -1)), draw

    def step(self, index: int, x: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """x at steps[index] -> x one step earlier."""
        now = self.steps[index]
        bar, bar_before = float(self.schedule.alpha_bar[now]), float(self.schedule.alpha_bar[now - 1])
        if now == 1:
            return clean
        beta = 1.0 - bar / bar_before
        from_clean = bar_before**0.5 * beta / (1.0 - bar)
        from_noisy = (1.0 - beta) ** 0.5 * (1.0 - bar_before) / (1.0 - bar)
        return from_clean * clean + from_noisy * x + ((1.0 - bar_before) / (1.0 - bar) * beta) ** 0.5 * self._draw(x)


Sampler = FewStepSampler | AncestralSampler


def walk(sampler: Sampler, x: torch.Tensor, denoise: Denoiser) -> Iterator[torch.Tensor]:
    """Run a sampler without constraints; yields x after every step, the clean map last."""
    for index, step in enumerate(sampler.steps):
        x = sampler.step(index, x, denoise(x, step))
        yield x


def _log(value: float) -> float:
    return float(torch.log(torch.tensor(value, dtype=torch.float64)))
