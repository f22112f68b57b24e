"""The terrain network: one U-Net that removes noise from heights at any spacing.

Heights are divided by one scale, `relief_scale` = 4 x RMS difference of neighboring 4 x 4 block means.
In that unit the orthonormal Haar bands of real terrain have nearly the same standard deviations everywhere (measured
on 85 elevation models from 1 to 90 m: 0.06 finest, 0.22, 0.80, 2.6 in the fourth octave), so one noise schedule fits
all, noise stays white in heights, and t = 0.5 (noise 3.4) keeps what is longer than about 50 cells: the procedural
start stands. What the network does with them is in `terrain_unet`.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..contract.errors import MissingWeights
from .representations import REPRESENTATIONS
from .terrain_unet import BLOCK, TerrainUNet, channels_last

WEIGHTS = Path(__file__).resolve().parent / "weights" / "terrain.safetensors"
CELLS = 32
"""Tile sides are multiples of this: the Haar block times three halvings."""
MIN_SCALE_SLOPE = 0.02
"""Ground flatter than this is scaled as if it had this slope, so that noise is not blown up to mountains."""


def relief_scale(heights: np.ndarray, dx_m: float, mask: np.ndarray | None = None) -> float:
    """The height unit of the network in meters: 4 x RMS difference of neighboring 4 x 4 block means.

    heights: (rows, cols) m; only blocks wholly inside `mask` (bool, same shape) count, NaN counts as outside.
    A tilted plane of slope g gives 16 dx g / sqrt(2). Never below that of slope 0.02; the same where nothing is known.
    """
    rows, cols = (n // BLOCK * BLOCK for n in heights.shape)
    values = heights[:rows, :cols].astype(np.float64)
    if mask is not None:
        values = np.where(mask[:rows, :cols], values, np.nan)
    means = values.reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK).mean((1, 3))
    squares = np.concatenate([(np.diff(means, axis=a) ** 2).ravel() for a in (0, 1)])
    squares = squares[np.isfinite(squares)]
    difference = math.sqrt(float(squares.mean())) if squares.size else 0.0
    return BLOCK * max(difference, MIN_SCALE_SLOPE * BLOCK * dx_m)


def condition(scale_m: float, dx_m: float) -> tuple[float, float]:
    """What the network is told of a terrain: (log2 of dx in m, log of scale over dx), both near unit variance."""
    return (math.log2(dx_m) - 4.5) / 2.0, math.log(scale_m / dx_m / 4.0) / 0.6


class TerrainNetwork:
    """The trained network, ready to remove noise.   Raises MissingWeights when the file is not there or damaged."""

    def __init__(self, module: TerrainUNet, metadata: dict[str, Any], device: str = "cpu", half: bool = False):
        self.module = channels_last(module).to(device).eval().requires_grad_(False)
        self.metadata, self.device, self.half = metadata, device, half

    @classmethod
    def load(cls, path: Path | None = None, device: str = "cpu", half: bool = False) -> TerrainNetwork:
        """Read `path`, or the bundled weights. `half` computes in bfloat16."""
        path = path or WEIGHTS
        try:
            with safe_open(path, framework="pt") as file:
                metadata = {k: json.loads(v) for k, v in (file.metadata() or {}).items()}
                state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
            kind = REPRESENTATIONS[metadata["representation"]]
            module = kind(tuple(metadata["widths"]), metadata["embedding"], metadata.get("blocks", 1))
            module.load_state_dict(state)
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as problem:
            text = f"The weights of the terrain network ({path.name}) are missing or damaged."
            raise MissingWeights(text) from problem
        return cls(module, metadata, device, half)

    def denoise(self, noisy: torch.Tensor, sigma: float, conditions: tuple[float, float]) -> torch.Tensor:
        """(B, 1, h, w) clean + sigma * noise in relief scales -> predicted clean heights. Gradients may flow."""
        batch = noisy.shape[0]
        level = torch.full((batch,), sigma, dtype=torch.float32, device=noisy.device)
        told = torch.tensor([conditions], dtype=torch.float32, device=noisy.device).expand(batch, 2)
        with torch.autocast(noisy.device.type, torch.bfloat16, enabled=self.half):
            return self.module(noisy, level, told)


def save(path: Path, module: TerrainUNet, metadata: dict[str, Any]) -> None:
    """Write weights as float16 with their metadata; a reader never sees half a file."""
    state = {name: tensor.detach().half().contiguous() for name, tensor in module.state_dict().items()}
    facts = {"widths": list(module.widths), "embedding": module.embedding, "blocks": module.blocks,
             "representation": module.representation, **metadata}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(state, partial, {key: json.dumps(value) for key, value in facts.items()})
    partial.chmod(0o644)
    partial.replace(path)
