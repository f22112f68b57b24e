"""Training the terrain network: it learns, resumes and exports, from a library and from a pack of crops."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.networks.representations import REPRESENTATIONS
from backend.networks.terrain import TerrainNetwork, relief_scale
from backend.networks.terrain_unet import SIZES
from backend.training import train_terrain
from backend.training.crop_pack import TILE, CropPack, PackStream, relief_scales
from backend.training.denoising import Recipe, loss_by_band
from backend.training.measure_spreads import measured_spreads
from backend.training.pack_crops import pack
from backend.training.terrain_crops import CROP, CropStream, Source
from tests.completion.scenes import hills
from tests.training.library import write_library

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
TINY = ((8, 8, 8, 8), 16, 1)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "tiny", TINY)
    monkeypatch.setitem(SIZES, "tiny with two blocks", (*TINY[:2], 2))
    monkeypatch.setattr(train_terrain, "VALIDATION_CROPS", 1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A library and a pack of three of its tiles."""
    folder = tmp_path_factory.mktemp("pack")
    library = write_library(folder / "dem", TILE + 8)
    pack(library, folder / "three.pack", tiles=3, validation_crops=2)
    return library, folder / "three.pack"


@pytest.mark.parametrize(("source", "size"), [("library", "tiny"), ("pack", "tiny with two blocks")])
def test_training_runs_exports_and_resumes(tmp_path: Path, packed: tuple[Path, Path], source: str, size: str) -> None:
    """A few steps, then a second call that goes on where the first stopped."""
    weights = tmp_path / "terrain.safetensors"
    for minutes in (0.005, math.inf):
        recipe = Recipe(0.01, batch=2, pause_after=minutes)
        train_terrain.train(packed[source == "pack"], tmp_path / "run", weights, size, recipe)
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert len(log) == 2 and log[1]["rate"] < log[0]["rate"]
    assert log[1]["step"] > log[0]["step"] > 0
    network = TerrainNetwork.load(weights)
    assert network.metadata["steps"] == log[1]["step"]
    assert network.metadata["size"] == size
    assert (network.module.widths, network.module.embedding, network.module.blocks) == SIZES[size]


def test_the_command_reads_a_pack(tmp_path: Path, packed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train_terrain", "--pack", str(packed[1]), "--out", str(tmp_path), "--size", "tiny",
                                     "--minutes", "0.002", "--batch", "1"])
    train_terrain.main()
    assert TerrainNetwork.load(tmp_path / "terrain.safetensors").metadata["size"] == "tiny"


def test_a_pack_keeps_heights_licenses_and_its_size(tmp_path: Path, packed: tuple[Path, Path]) -> None:
    loaded = CropPack.load(packed[1])
    source = hills(0, TILE + 8)
    assert loaded.tiles.shape == (3, TILE, TILE) and loaded.tiles.dtype == np.int16
    found = []
    for tile, scale in zip(loaded.tiles, loaded.scale_m, strict=True):
        heights = tile * float(scale)
        errors = [np.ptp(source[r : r + TILE, c : c + TILE] - heights) for r in range(9) for c in range(9)]
        found.append(min(errors) < 2.01 * scale)
    assert all(found)
    assert loaded.manifest["sources"] == [{"name": "train", "tiles": 3, "license": "CC0", "region": "here"}]
    assert [row["name"] for row in loaded.manifest["validation"]] == ["srtm1_davos"]
    assert loaded.held_back()[0].shape == (2, 1, CROP, CROP)
    pack(packed[0], tmp_path / "small.pack", mebibytes=1.2, tiles=100, validation_crops=1)
    assert (tmp_path / "small.pack").stat().st_size <= 1.2 * 2**20
    assert len(CropPack.load(tmp_path / "small.pack").tiles) < 100


def test_a_pack_is_the_same_every_time(tmp_path: Path, packed: tuple[Path, Path]) -> None:
    pack(packed[0], tmp_path / "again.pack", tiles=3, validation_crops=2)
    assert (tmp_path / "again.pack").read_bytes() == packed[1].read_bytes()


def test_other_files_are_no_pack(tmp_path: Path, packed: tuple[Path, Path]) -> None:
    (tmp_path / "text").write_text("no pack", encoding="utf-8")
    (tmp_path / "short").write_bytes(packed[1].read_bytes()[:-1000])
    for name in ("text", "short"):
        with pytest.raises(ValueError, match=f"{name} is no pack"):
            CropPack.load(tmp_path / name)


def test_crops_of_a_pack_are_those_of_the_library(packed: tuple[Path, Path]) -> None:
    """The same distributions of relief, steepness and conditions as `CropStream` draws from the same ground."""
    heights = hills(0, TILE + 8)
    plain = CropStream([Source(heights, 30.0, relief_scale(heights, 30.0), 1.0, "train")], np.random.default_rng(0)).batch(96)
    stream = PackStream(CropPack.load(packed[1]))
    stream.reseed([0, 0])
    clean, told = stream.batch(96)
    assert clean.shape == (96, 1, CROP, CROP) and clean.dtype == torch.float32
    assert float(clean.mean((1, 2, 3)).abs().max()) < 1e-4
    assert float(clean.std()) == pytest.approx(float(plain[0].std()), rel=0.1)
    np.testing.assert_allclose(told.mean(0).numpy(), plain[1].mean(0), atol=0.15)
    np.testing.assert_allclose(told.std(0).numpy(), plain[1].std(0), atol=0.12)
    stream.reseed([0, 0])
    torch.testing.assert_close(stream.batch(96)[0], clean)


def test_relief_scales_in_tensors() -> None:
    crops = np.stack([hills(seed, 256) for seed in range(3)])
    expected = [relief_scale(crop, 30.0) for crop in crops]
    np.testing.assert_allclose(relief_scales(torch.from_numpy(crops), torch.full((3,), 30.0)).numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_representations_come_back_and_learn(name: str) -> None:
    torch.manual_seed(0)
    module = REPRESENTATIONS[name](*TINY)
    clean = torch.randn(2, 1, 64, 96)
    torch.testing.assert_close(module.join(module.split(clean)), clean)
    assert [white for _, white in measured_spreads(module, clean)] == pytest.approx([s for _, _, s in module.bands], rel=0.05)

    heights = np.stack([hills(seed, 64) for seed in range(4)])
    terrain = torch.from_numpy((heights - heights.mean()) / relief_scale(heights[0], 30.0))[:, None]
    noise, sigma, told = torch.randn(terrain.shape), torch.tensor([0.03, 0.1, 0.3, 1.0]), torch.zeros(4, 2)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        loss = loss_by_band(module, terrain, told, sigma, noise, half=False).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
