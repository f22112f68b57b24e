"""Guidance gradients: the right sign, the size that is promised, and right by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.completion.guidance import Guidance, Weights, slope_and_curvature, smooth_down

SIDE = 64


def make(weights: Weights, bound: float = np.inf) -> Guidance:
    known = np.zeros((SIDE, SIDE), bool)
    known[:, : SIDE // 2] = True
    limit = np.full((SIDE, SIDE), bound, np.float32)
    return Guidance(known, limit, weights, epsilon=1e-4)


def ramp() -> torch.Tensor:
    down = torch.linspace(1.0, 0.0, SIDE)[:, None].expand(SIDE, SIDE)
    return down + 0.3 * torch.sin(torch.linspace(0, 9, SIDE))[None, :].expand(SIDE, SIDE)


def test_smooth_down_keeps_constants_and_planes() -> None:
    plane = torch.arange(SIDE, dtype=torch.float32)[None, :].expand(SIDE, SIDE)
    coarse = smooth_down(plane)
    assert coarse.shape == (8, 8)
    torch.testing.assert_close(coarse[:, 2:-2], plane[:8, 3::8][:, 2:-2] + 0.5)
    torch.testing.assert_close(smooth_down(torch.full((50, 70), 3.0)), torch.full((7, 9), 3.0))


def test_view_pushes_down_only_hidden_cells_above_the_bound() -> None:
    guidance = make(Weights(0.0, 0.0, 1.0), bound=0.5)
    clean = ramp()
    moved = guidance.guide(clean, sigma=1.0) - clean
    above = (clean > 0.5) & guidance.hidden
    assert (moved[above] < 0).all()
    assert (moved[~above] == 0).all()
    torch.testing.assert_close(moved[above], -0.5 * (clean[above] - 0.5))  # w sigma^2 / (1 + w sigma^2) = 1/2


def test_strong_guidance_never_overshoots() -> None:
    guidance = make(Weights(0.0, 0.0, 1e6), bound=0.5)
    guided = guidance.guide(ramp(), sigma=3.0)
    assert guided[guidance.hidden].max() == pytest.approx(0.5, abs=1e-3)
    assert guided[guidance.hidden].min() >= ramp()[guidance.hidden].min() - 1e-6


def test_hydrology_digs_a_way_out_of_a_hidden_pit() -> None:
    clean = ramp().clone()
    clean[36:46, 40:50] -= 1.0
    guidance = make(Weights(10.0, 0.0, 0.0))
    before, after = guidance.hydrology(clean), guidance.hydrology(guidance.guide(clean, sigma=2.0))
    assert after < 0.5 * before
    assert (guidance.guide(clean, sigma=2.0) <= clean + 1e-6).all()


def test_character_brings_mean_slopes_together() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 1, 8, 8, generator=generator)
    rough = torch.nn.functional.interpolate(noise, (SIDE, SIDE), mode="bicubic")[0, 0]
    clean = ramp() + torch.where(torch.arange(SIDE)[None, :] < SIDE // 2, rough, 0.1 * rough)
    guidance = make(Weights(0.0, 0.5, 0.0))

    def gap(z: torch.Tensor) -> float:
        slope, _ = slope_and_curvature(smooth_down(z))
        return abs(float(slope[guidance._hidden_inside].mean() - slope[guidance._known_inside].mean()))

    assert gap(guidance.guide(clean, sigma=2.0)) < 0.7 * gap(clean)


def test_gradient_agrees_with_finite_differences() -> None:
    """The smooth terms; drainage has a target that jumps and is checked by its effect above."""
    guidance = make(Weights(0.0, 0.0, 1.0), bound=0.4)
    clean = ramp().double()
    guidance.bound = guidance.bound.double()
    gradient = guidance.gradient(clean, 0.7)
    direction = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    step = 1e-6
    numeric = (guidance.loss(clean + step * direction, 0.7) - guidance.loss(clean - step * direction, 0.7)) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(numeric), rel=1e-4)


def test_no_weights_change_nothing() -> None:
    clean = ramp()
    assert make(Weights(0.0, 0.0, 0.0), bound=0.0).guide(clean, 3.0) is clean


def test_nothing_known_or_hidden_is_fine() -> None:
    for known in (np.zeros((SIDE, SIDE), bool), np.ones((SIDE, SIDE), bool)):
        guidance = Guidance(known, np.full((SIDE, SIDE), np.inf, np.float32), Weights(), 1e-4)
        assert torch.isfinite(guidance.guide(ramp(), 1.0)).all()
