"""The terrain network: representation, preconditioning, files, and that the bundled weights make real-looking relief."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.completion.schedule import FewStepSampler, NoiseSchedule
from backend.contract.errors import MissingWeights
from backend.evaluation.relief_statistics import octaves
from backend.networks.representations import REPRESENTATIONS
from backend.networks.terrain import WEIGHTS, TerrainNetwork, relief_scale, save
from backend.networks.terrain_unet import BAND_STD, SIZES, TerrainUNet, from_bands, to_bands
from tests.completion.scenes import hills

needs_weights = pytest.mark.skipif(not WEIGHTS.exists(), reason="the bundled terrain weights are not in this checkout")


def test_bands_are_orthonormal_and_come_back() -> None:
    heights = torch.randn(2, 1, 64, 96)
    bands = to_bands(heights)
    assert bands.shape == (2, 16, 16, 24)
    torch.testing.assert_close(from_bands(bands), heights)
    torch.testing.assert_close(bands.square().sum(), heights.square().sum())
    torch.testing.assert_close(bands[:, 0], 4.0 * torch.nn.functional.avg_pool2d(heights, 4)[:, 0])


def test_relief_scale_of_a_plane_and_of_nothing() -> None:
    plane = np.add.outer(np.zeros(64), 0.5 * 30.0 * np.arange(64)).astype(np.float32)
    assert relief_scale(plane, 30.0) == pytest.approx(16 * 30.0 * 0.5 / 2**0.5, rel=1e-5)
    holes = np.where(np.arange(64)[:, None] < 32, plane, np.nan)
    assert relief_scale(holes, 30.0) == pytest.approx(relief_scale(plane, 30.0), rel=0.05)
    assert relief_scale(np.full((16, 16), np.nan), 30.0) == pytest.approx(16 * 30.0 * 0.02)


def test_untrained_network_is_the_wiener_filter() -> None:
    module = TerrainUNet((8, 8, 8, 8), 16)
    noisy, sigma = torch.randn(1, 1, 64, 64), torch.tensor([0.1])
    noisy = noisy - noisy.mean()
    bands, clean = to_bands(noisy), to_bands(module(noisy, sigma, torch.zeros(1, 2)))
    expected = BAND_STD[2] ** 2 / (BAND_STD[2] ** 2 + 0.1**2)
    torch.testing.assert_close(clean[:, 4:], expected * bands[:, 4:])


def test_height_offset_passes_through() -> None:
    torch.manual_seed(0)
    module = TerrainUNet((8, 8, 8, 8), 16)
    torch.nn.init.normal_(module.leave.weight, std=0.1)
    noisy, sigma = torch.randn(1, 1, 64, 64), torch.tensor([0.5])
    there = module(noisy + 7.0, sigma, torch.zeros(1, 2)) - 7.0
    torch.testing.assert_close(there, module(noisy, sigma, torch.zeros(1, 2)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("blocks", "kind"), [(1, "haar"), (2, "haar"), (1, "laplacian")])
def test_weights_survive_the_file_whatever_the_kind(tmp_path: Path, blocks: int, kind: str) -> None:
    module = REPRESENTATIONS[kind]((8, 16, 8, 16), 16, blocks)
    save(tmp_path / "w.safetensors", module, {"steps": 3})
    network = TerrainNetwork.load(tmp_path / "w.safetensors")
    assert network.metadata["steps"] == 3
    assert network.module.blocks == blocks and network.module.representation == kind
    assert network.denoise(torch.zeros(1, 1, 64, 32), 0.1, (0.0, 0.0)).shape == (1, 1, 64, 32)
    for name, value in module.state_dict().items():
        torch.testing.assert_close(network.module.state_dict()[name], value.half().float())


def test_sizes_fit_what_is_shipped() -> None:
    """Both at once stay under 60 MB in float16 beside the 9 MB of the scene network."""
    megabytes = {name: sum(p.numel() for p in TerrainUNet(*size).parameters()) * 2 / 1e6 for name, size in SIZES.items()}
    assert megabytes["small"] < 8
    assert sum(megabytes.values()) < 50


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    for name in ("bad.safetensors", "none.safetensors"):
        with pytest.raises(MissingWeights, match=name):
            TerrainNetwork.load(tmp_path / name)


@needs_weights
def test_bundled_weights_restore_fine_relief() -> None:
    """Noise to t = 0.2 and back in six steps: every octave within a factor of two, not white noise, not a blur."""
    network = TerrainNetwork.load()
    real = hills(5, 256)
    scale = relief_scale(real, 30.0)
    clean = torch.from_numpy((real - real.mean()) / scale)[None, None]
    schedule = NoiseSchedule.linear()
    generator = torch.Generator().manual_seed(0)
    x = schedule.add_noise(clean, 200, torch.randn(clean.shape, generator=generator))
    sampler = FewStepSampler(schedule, schedule.log_snr_steps(200, 6))
    with torch.no_grad():
        for index, step in enumerate(sampler.steps):
            sigma = schedule.sigma(step)
            x = sampler.step(index, x, network.denoise(x / schedule.signal(step), sigma, (0.2, 0.3)))
    made = octaves((x[0, 0] * scale).numpy()) / octaves(real)
    assert (made > 0.5).all()
    assert (made < 2.0).all()
