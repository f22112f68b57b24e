"""Pictures rendered from a pack of crops, and a batch of them through the losses, as on a machine without a library."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.networks.scene import SceneModule
from backend.training.crop_pack import pack_tiles, write
from backend.training.fractal_noise import fractal_noise
from backend.training.landscape_render import random_pictures
from backend.training.packed_elevation import elevation_files
from backend.training.render_shards import pack, write_shard
from backend.training.shard_pool import ShardPool
from backend.training.terrain_crops import CropStream, Source
from backend.training.train_scene import losses, make_batch


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    rng = np.random.default_rng(3)
    sources = [Source(np.float32(400) * fractal_noise(rng, 420, 420, 2.2), dx, 25 * dx, 1.0, f"region_{dx}") for dx in (10.0, 30.0)]
    crops, blocks = pack_tiles(sources, CropStream(sources, np.random.default_rng(1)), 4, 4_000_000, 0,
                               lambda name: {"license": "none", "region": name}, most=6)
    path = tmp_path_factory.mktemp("pack") / "terrain.pack"
    write(path, crops, blocks)
    return path, crops


def test_tiles_come_in_meters_with_their_spacing(packed):
    path, crops = packed
    files, heights = elevation_files(path, validation=False)
    assert len(files) == len(crops.tiles) and {f.dx_m for f in files} <= {10.0, 30.0}
    for file, tile, scale in zip(files, crops.tiles, crops.scale_m, strict=True):
        np.testing.assert_allclose(np.ptp(heights[file.path]), np.ptp(tile.astype(float)) * scale, rtol=1e-5)


def test_held_back_crops_have_believable_relief(packed):
    files, heights = elevation_files(packed[0], validation=True)
    assert len(files) == 4 and all(file.validation for file in files)
    assert all(50 < np.ptp(heights[file.path]) < 20_000 for file in files)


def test_pictures_of_a_pack_train_the_network(packed, tmp_path):
    files, cache = elevation_files(packed[0], validation=False)
    pictures = random_pictures(np.random.default_rng(0), files, cache, 4, (96, 144))
    for worker in (0, 1):
        write_shard(tmp_path / f"shard_000000_{worker}.npz", pictures)
    arrays = ShardPool(tmp_path, at_least=2).draw(np.random.default_rng(0), 4)
    assert pack(pictures)["picture"].shape == arrays["picture"].shape
    torch.manual_seed(0)
    terms = losses(SceneModule(), make_batch(np.random.default_rng(0), arrays))
    assert all(torch.isfinite(term) and term.requires_grad for term in terms.values())
    again = ShardPool(tmp_path, at_least=2).draw(np.random.default_rng(0), 4)
    assert all(np.array_equal(arrays[name], again[name], equal_nan=True) for name in arrays)


def test_a_file_that_is_no_pack_is_named(tmp_path):
    wrong = tmp_path / "wrong.pack"
    wrong.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"wrong\.pack is no pack of crops"):
        elevation_files(wrong, validation=False)
