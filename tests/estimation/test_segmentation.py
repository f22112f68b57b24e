"""Masks: common sense about sky, the artist's word, and honest refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.context import Context
from backend.contract.errors import BadSettings, NoTerrainFound
from backend.contract.settings import TerrainSettings
from backend.estimation import segmentation
from backend.estimation.segmentation import FOREGROUND, SKY, TERRAIN
from backend.picture import Picture

from .synthetic import prediction


def labels() -> np.ndarray:
    made = np.full((96, 144), TERRAIN)
    ridge = (36 + 12 * np.sin(np.arange(144) / 14.0)).astype(int)
    made[np.arange(96)[:, None] < ridge[None, :]] = SKY
    return made


def photo(classes: np.ndarray, factor: int = 4) -> Picture:
    colors = np.array([[0.55, 0.7, 0.95], [0.3, 0.28, 0.2], [0.05, 0.2, 0.05]], np.float32)
    rgb = colors[classes].repeat(factor, 0).repeat(factor, 1)
    rgb += np.random.default_rng(0).normal(0, 0.01, rgb.shape).astype(np.float32)
    return Picture(np.clip(rgb, 0, 1), Path("made.png"), "0")


def test_masks_follow_the_edges_of_the_picture() -> None:
    sharp = labels()
    blurred = sharp.copy()
    blurred[1:] = sharp[:-1]  # the network is off by one of its pixels, four of the picture's
    found = segmentation.segment(photo(sharp), prediction(blurred), TerrainSettings(), Context())
    truth = sharp.repeat(4, 0).repeat(4, 1)
    wrong = (found.sky != (truth == SKY)).mean()
    coarse = (blurred.repeat(4, 0).repeat(4, 1) != truth).mean()
    assert wrong < 0.5 * coarse and found.provider == "bundled"


def test_sky_under_land_is_land_and_floating_specks_are_sky() -> None:
    made = labels().repeat(4, 0).repeat(4, 1)
    made[300:330, 100:200] = SKY   # a lake that mirrors the sky
    made[20:26, 300:306] = TERRAIN  # a bird
    made[200:203, 50:53] = FOREGROUND  # a speck
    tidy = segmentation.sensible(made)
    assert (tidy[300:330, 100:200] == TERRAIN).all() and (tidy[20:26, 300:306] == SKY).all()
    assert (tidy[200:203, 50:53] == TERRAIN).all()


def test_sky_behind_branches_stays_sky() -> None:
    made = labels().repeat(4, 0).repeat(4, 1)
    made[:30] = FOREGROUND
    tidy = segmentation.sensible(made)
    assert (tidy[40:60, 100:300] == SKY).all() and (tidy[:30] == FOREGROUND).all()


@pytest.mark.parametrize(("value", "words"), [(SKY, "mostly sky"), (FOREGROUND, "objects in front")])
def test_pictures_without_land_are_refused(value: int, words: str) -> None:
    with pytest.raises(NoTerrainFound, match=words):
        segmentation.segment(photo(labels()), prediction(np.full((96, 144), value)), TerrainSettings(), Context())


def no_views() -> dict[str, np.ndarray]:
    """Pictures (200, 300) by the words with which they are refused."""
    rows, cols = np.mgrid[0:200, 0:300]
    return {
        "plain color": np.full((200, 300), 0.4),
        "noise": np.random.default_rng(0).random((200, 300)),
        "without a single edge": rows / 200.0,
        "screenshot": ((rows // 25 + cols // 25) % 2).astype(float),
    }


@pytest.mark.parametrize("words", list(no_views()))
def test_what_is_no_view_is_refused(words: str) -> None:
    rgb = no_views()[words].astype(np.float32)[..., None].repeat(3, 2)
    with pytest.raises(NoTerrainFound, match=words):
        segmentation.segment(Picture(rgb, Path("a.png"), "0"), prediction(labels()), TerrainSettings(), Context())


def test_the_painted_mask_wins(tmp_path: Path) -> None:
    path = tmp_path / "mask é.png"
    painted = np.zeros((50, 75, 3), np.uint8)
    painted[:20, :, 0], painted[20:45, :, 1], painted[45:48, :, 2] = 255, 255, 255
    Image.fromarray(painted).save(path)
    found = segmentation.segment(photo(labels()), prediction(labels()), TerrainSettings(mask_path=str(path)), Context())
    assert found.provider == "artist" and found.terrain.shape == (384, 576)
    assert found.terrain.mean() == pytest.approx(0.5, abs=0.01) and found.sky.mean() == pytest.approx(0.4, abs=0.01)
    assert not (found.terrain | found.sky | found.foreground)[-8:].any()


def test_bad_masks_are_told(tmp_path: Path) -> None:
    red = tmp_path / "red.png"
    Image.new("RGB", (60, 40), "red").save(red)
    with pytest.raises(NoTerrainFound, match="no green"):
        segmentation.segment(photo(labels()), prediction(labels()), TerrainSettings(mask_path=str(red)), Context())
    with pytest.raises(BadSettings, match=r"absent\.png"):
        segmentation.segment(photo(labels()), prediction(labels()), TerrainSettings(mask_path="absent.png"), Context())
