"""The samplers against exact denoising of Gaussian terrain (few steps must not lose fine relief)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.completion.schedule import AncestralSampler, FewStepSampler, NoiseSchedule, walk

SCHEDULE = NoiseSchedule.linear()


def spectrum(side: int) -> torch.Tensor:
    """Power per frequency of a 1/f^3.2 terrain, mean 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    power = 1.0 / np.maximum(frequency, 1.0 / side) ** 3.2
    return torch.from_numpy(power / power.mean())


def exact_denoiser(power: torch.Tensor):
    """The best possible denoiser of Gaussian terrain with this spectrum."""

    def denoise(x: torch.Tensor, step: int) -> torch.Tensor:
        signal, noise = SCHEDULE.signal(step), SCHEDULE.noise(step)
        gain = signal * power / (signal**2 * power + noise**2)
        return torch.fft.ifft2(torch.fft.fft2(x) * gain).real

    return denoise


def test_schedule_is_the_papers() -> None:
    """Linear betas, T = 1000: nearly nothing is left of the signal at the end, everything at the beginning."""
    assert SCHEDULE.alpha_bar[0] == 1.0
    assert len(SCHEDULE.alpha_bar) == 1001
    assert SCHEDULE.alpha_bar[1000] < 1e-4
    assert SCHEDULE.sigma(500) == pytest.approx(3.42, abs=0.02)
    assert SCHEDULE.step_of(0.5) == 500


def test_steps_are_even_in_log_snr() -> None:
    steps = SCHEDULE.log_snr_steps(500, 8)
    assert steps[0] == 500
    assert steps[-1] == 1
    assert len(steps) == 8
    log_sigma = np.log([SCHEDULE.sigma(s) for s in steps])
    assert np.diff(log_sigma)[:5].std() < 0.05


def test_eight_steps_match_five_hundred() -> None:
    """Few steps keep fine relief: power above half the highest frequency within 5 %, 2 % RMSE overall."""
    side = 64
    power = spectrum(side)
    x = torch.randn(side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    clean = torch.fft.ifft2(torch.fft.fft2(x) * power.sqrt()).real
    noisy = SCHEDULE.add_noise(clean, 500, torch.randn(side, side, generator=torch.Generator().manual_seed(1)))
    denoise = exact_denoiser(power)
    *_, reference = walk(FewStepSampler(SCHEDULE, list(range(500, 0, -1))), noisy, denoise)
    *_, eight = walk(FewStepSampler(SCHEDULE, SCHEDULE.log_snr_steps(500, 8)), noisy, denoise)
    *_, uniform = walk(FewStepSampler(SCHEDULE, list(range(496, 0, -62))), noisy, denoise)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    fine = torch.from_numpy(frequency > 0.25)

    def fine_power(z: torch.Tensor) -> float:
        return float(torch.fft.fft2(z)[fine].abs().square().sum())

    assert fine_power(eight) / fine_power(reference) == pytest.approx(1.0, abs=0.05)
    assert fine_power(uniform) / fine_power(reference) < 0.8
    assert float((eight - reference).square().mean().sqrt() / reference.std()) < 0.02


def test_known_clean_map_is_a_fixed_path() -> None:
    """With the truth as denoiser every state is q(x_0, t) with the first noise: re-injection fits the walk exactly."""
    generator = torch.Generator().manual_seed(2)
    clean, noise = (torch.randn(8, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    steps = SCHEDULE.log_snr_steps(500, 8)
    states = list(walk(FewStepSampler(SCHEDULE, steps), SCHEDULE.add_noise(clean, 500, noise), lambda x, step: clean))
    for step, state in zip(steps[1:], states, strict=False):
        torch.testing.assert_close(state, SCHEDULE.add_noise(clean, step, noise))
    torch.testing.assert_close(states[-1], clean)


def test_ancestral_sampler_has_the_right_variance() -> None:
    """For unit Gaussian data the DDPM walk ends with unit variance."""
    generator = torch.Generator().manual_seed(3)

    def draw(x: torch.Tensor) -> torch.Tensor:
        return torch.randn(x.shape, generator=generator, dtype=x.dtype)

    x = draw(torch.empty(64, 64, dtype=torch.float64))
    *_, sample = walk(AncestralSampler(SCHEDULE, 500, draw), x, lambda z, step: SCHEDULE.signal(step) * z)
    assert float(sample.std()) == pytest.approx(1.0, abs=0.05)
