"""Guidance of P2P 5.2: drainage, character and view consistency as losses on the predicted clean map.

All heights are in relief scales (networks/terrain.py). Two remarks on the paper's formulas:

- Sign. As printed, eq. 6 (noise' = noise - s sqrt(1 - alpha_bar) grad L) raises the loss, since a larger predicted
  noise means a smaller clean map. The step here goes down.
- Weights. Table 2 belongs to the paper's height unit and grid size: its losses are means over N cells, so their
  gradients shrink with N. Here each term is measured in violations: with weight w and noise sigma a term moves the
  clean map by the fraction w sigma^2 / (1 + w sigma^2) of its own violation (eq. 6 gives w sigma^2, which overshoots at
  large sigma; the damped form is the exact minimum of loss plus Gaussian prior). The paper's lambda_view = 1e5 is
  w = 0.76 at 512^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .drainage import drain_with_banks

COARSE = 8
"""Downsampling factor of D_sigma; its Gaussian has a standard deviation of half of it."""
BANK, LIFT = 1.7, 0.5
HYDROLOGY, GEOMORPHOLOGY, VIEW, CURVATURE = 20.0, 0.5, 10.0, 1.0
"""w of each term at weight 1 in the settings; CURVATURE is lambda_c over lambda_s of eq. 8, slopes per coarse cell."""


@dataclass(frozen=True)
class Weights:
    """w of each term: how strongly it pulls, 0 switches it off."""

    hydrology: float = HYDROLOGY
    geomorphology: float = GEOMORPHOLOGY
    view: float = VIEW


def smooth_down(grid: torch.Tensor, factor: int = COARSE) -> torch.Tensor:
    """D_sigma of eq. 7: (rows, cols) -> (ceil(rows / f), ceil(cols / f)), smoothing, then one value a block."""
    reach = torch.arange(-2 * factor + 0.5, 2 * factor, 1.0, dtype=grid.dtype, device=grid.device)
    kernel = torch.exp(-0.5 * (reach / (0.5 * factor)) ** 2)
    rows, cols = grid.shape
    rim = (2 * factor) - factor // 2
    pad = (rim, rim + (-cols % factor), rim, rim + (-rows % factor))

    def blur(values: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(values[None, None], pad)
        along = functional.conv2d(padded, kernel.view(1, 1, -1, 1), stride=(factor, 1))
        return functional.conv2d(along, kernel.view(1, 1, 1, -1), stride=(1, factor))[0, 0]

    # Divided by the weights inside of the grid: repeating the border would give border cells the weight of many.
    return blur(grid) / blur(torch.ones_like(grid))


def slope_and_curvature(coarse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope (rise per cell) and 5-point Laplacian (rise per cell^2) of the inner cells, (rows - 2, cols - 2) each."""
    right = 0.5 * (coarse[1:-1, 2:] - coarse[1:-1, :-2])
    down = 0.5 * (coarse[2:, 1:-1] - coarse[:-2, 1:-1])
    around = coarse[1:-1, 2:] + coarse[1:-1, :-2] + coarse[2:, 1:-1] + coarse[:-2, 1:-1]
    return (right.square() + down.square() + 1e-12).sqrt(), around - 4.0 * coarse[1:-1, 1:-1]


class Guidance:
    """The three losses for one terrain.

    known: bool (rows, cols), cells with evidence.   bound: float32, same shape, Z_max in relief scales, +inf if free.
    epsilon: least drop a cell along the breached path, in relief scales.   Valleys cut by breaching get sides of BANK
    times the RMS slope (1/16 relief scale a cell), or they would be slits one coarse cell wide.
    """

    def __init__(self, known: np.ndarray, bound: np.ndarray, weights: Weights, epsilon: float, device: str = "cpu"):
        self.weights, self.epsilon = weights, epsilon
        self.hidden = torch.from_numpy(~known).to(device)
        self.bound = torch.from_numpy(bound.astype(np.float32)).to(device)
        coarse_known = smooth_down(torch.from_numpy(known.astype(np.float32)).to(device)) > 0.5
        self._coarse_known = coarse_known.cpu().numpy()
        self._known_inside, self._hidden_inside = coarse_known[1:-1, 1:-1], ~coarse_known[1:-1, 1:-1]

    def hydrology(self, clean: torch.Tensor) -> torch.Tensor:
        """L_hyd, eq. 7, times half the number of fine cells: its gradient is the violation spread over its block."""
        coarse = smooth_down(clean)
        drained = drain_with_banks(
            coarse.detach().cpu().numpy(), self._coarse_known, LIFT, BANK * COARSE / 16.0, self.epsilon
        )
        target = torch.from_numpy(drained).to(clean.device)
        return 0.5 * clean.numel() * (coarse - target).square().mean()

    def geomorphology(self, clean: torch.Tensor) -> torch.Tensor:
        """L_geo, eq. 8, over the squared gradient of its slope part, so that one step of 1 would close the gap."""
        if not (self._known_inside.any() and self._hidden_inside.any()):
            return clean.sum() * 0.0
        slope, curvature = slope_and_curvature(smooth_down(clean))
        gap = slope[self._hidden_inside].mean() - slope[self._known_inside].mean().detach()
        bend = curvature[self._hidden_inside].mean() - curvature[self._known_inside].mean().detach()
        (gradient,) = torch.autograd.grad(gap, clean, retain_graph=True)
        return 0.5 * (gap.square() + CURVATURE * bend.square()) / gradient.square().sum().clamp_min(1e-12)

    def view(self, clean: torch.Tensor) -> torch.Tensor:
        """L_view, eq. 9, times half the number of hidden cells: its gradient is the height above the bound."""
        return 0.5 * functional.relu(clean - self.bound)[self.hidden].square().sum()

    def loss(self, clean: torch.Tensor, sigma: float) -> torch.Tensor:
        """L_guide, eq. 5, each weight damped to w / (1 + w sigma^2)."""
        total = clean.sum() * 0.0
        for weight, term in (
            (self.weights.hydrology, self.hydrology),
            (self.weights.geomorphology, self.geomorphology),
            (self.weights.view, self.view),
        ):
            if weight > 0:
                total = total + weight / (1.0 + weight * sigma**2) * term(clean)
        return total

    def gradient(self, clean: torch.Tensor, sigma: float) -> torch.Tensor:
        """Gradient of `loss` with respect to the clean map."""
        with torch.enable_grad():
            variable = clean.detach().clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.loss(variable, sigma), variable)
        return gradient

    def guide(
        self,
        clean: torch.Tensor,
        sigma: float,
        through_network: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """The guided clean map.

        through_network: maps a gradient by the clean map to one by the noisy map, in units where
        its signal is 1 (the network's Jacobian, transposed): eq. 6 as written. Without it the Jacobian is left out.
        """
        if max(self.weights.hydrology, self.weights.geomorphology, self.weights.view) <= 0:
            return clean
        gradient = self.gradient(clean, sigma)
        if through_network is not None:
            gradient = through_network(gradient)
        return clean - sigma**2 * gradient
