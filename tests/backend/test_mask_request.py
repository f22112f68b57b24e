"""The masks alone: as the whole run finds them, told where it would refuse, painted ones read back as they were written."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from backend import mask_request, pipeline
from backend.__main__ import main
from backend.contract import messages
from backend.contract.errors import BadSettings, UnreadablePicture
from backend.contract.masks import COLORS, FOREGROUND, SKY, TERRAIN, UNKNOWN
from backend.contract.settings import TerrainSettings
from backend.estimation.segmentation import painted_masks
from tests.backend import fake_stages
from tests.backend.conftest import ROOT

SMALL = TerrainSettings(resolution=128)


@pytest.fixture
def labels() -> np.ndarray:
    """uint8 (40, 60) with all four classes in ragged areas."""
    rows, cols = np.mgrid[0:40, 0:60]
    made = np.where(rows < 12 + cols % 5, SKY, TERRAIN).astype(np.uint8)
    made[25:, 40:] = FOREGROUND
    made[18, :7] = UNKNOWN
    return made


def test_the_masks_over_the_wire(start_child, picture, tmp_path):
    log = tmp_path / "ran"
    child = start_child(FAKE_STAGES_LOG=str(log))
    child.send(messages.segment(1, str(picture), str(tmp_path / "out")))
    plan = child.next("progress")["plan"]
    assert [stage["name"] for stage in plan] == ["picture", "scene", "segmentation"]
    fractions = []
    while (message := child.next("progress", "result", "error"))["kind"] == "progress":
        fractions.append(message["fraction"])
    assert message["kind"] == "result" and message["job"] == 1
    assert fractions == sorted(fractions) and fractions[-1] > 0.55    # the last stage begins there
    found = np.load(message["files"]["labels"])
    assert found.shape == (fake_stages.HEIGHT, fake_stages.WIDTH) and found.dtype == np.uint8
    assert (found[:28] == SKY).all() and (found[28:30] == UNKNOWN).all() and (found[30:] == TERRAIN).all()
    assert Image.open(message["files"]["picture"]).size == (fake_stages.WIDTH, fake_stages.HEIGHT)
    assert message["report"]["shares"] == {"sky": 0.35, "terrain": 0.625, "foreground": 0.0}
    child.send(messages.generate(2, str(picture), str(tmp_path / "out"), SMALL))
    assert child.next("result", "error")["kind"] == "result"
    ran = log.read_text().split()
    assert ran.count("scene") == 1 and ran.count("segmentation") == 1 and ran.count("polished") == 1
    assert not list((tmp_path / "out" / ".cache").glob("preview-masks*"))    # the next job there has tidied up


def test_cancel_while_looking_for_masks(start_child, picture, tmp_path):
    child = start_child("PONDERING")
    child.send(messages.segment(1, str(picture), str(tmp_path / "out")))
    child.until_stage("segmentation")
    begun = time.monotonic()
    child.send(messages.cancel(1))
    assert child.next("cancelled", "result", "error")["kind"] == "cancelled" and time.monotonic() - begun < 1.0


def test_a_defect_and_a_bad_picture_have_their_sentence(start_child, tmp_path):
    child = start_child("BROKEN")
    child.send(messages.segment(1, str(tmp_path / "none.jpg"), str(tmp_path / "out")))
    answer = child.next("result", "error")
    assert answer["code"] == "unreadable_picture" and not (tmp_path / "out").exists()
    (tmp_path / "is.jpg").write_bytes(b"a picture")
    child.send(messages.segment(2, str(tmp_path / "is.jpg"), str(tmp_path / "out")))
    assert child.next("result", "error")["code"] == "internal"


def test_what_a_run_refuses_is_only_a_warning_here(tmp_path):
    """Clouds and nothing else, with the real network: masks all the same, so that somebody can repaint them."""
    rows, cols = np.mgrid[0:120, 0:180]
    clouds = 190 + 25 * np.sin(cols / 21) * np.cos(rows / 13) + np.random.default_rng(1).normal(0, 2, rows.shape)
    path = tmp_path / "clouds.png"
    Image.fromarray(np.stack([clouds - 30, clouds - 10, clouds], -1).clip(0, 255).astype(np.uint8)).save(path)
    masks = mask_request.find_masks(pipeline.Job(path, tmp_path / "out", SMALL))
    assert masks.labels.shape == (120, 180) and masks.rgb.shape == (120, 180, 3)
    assert len(masks.report["warnings"]) == 1 and masks.report["warnings"][0].startswith("No mountains found")
    left = mask_request.leave_masks(tmp_path / "out", masks)
    assert np.array_equal(np.load(left["labels"]), masks.labels)


def test_a_missing_picture_leaves_no_folder(tmp_path):
    with pytest.raises(UnreadablePicture):
        mask_request.find_masks(pipeline.Job(tmp_path / "none.jpg", tmp_path / "out", SMALL))
    assert not (tmp_path / "out").exists()


def test_a_picture_of_masks_is_read_as_it_was_written(tmp_path, labels):
    path = tmp_path / "mask.png"
    mask_request.write_picture(path, labels)
    assert Image.open(path).convert("RGB").getpixel((0, 0)) == COLORS[SKY]
    for k, mask in enumerate(painted_masks(path, *labels.shape)):
        assert np.array_equal(mask, labels == k)
    larger = painted_masks(path, 80, 120)
    assert np.array_equal(larger[FOREGROUND], np.kron(labels == FOREGROUND, np.ones((2, 2), bool)))


def test_a_mask_of_another_shape_is_refused(tmp_path, labels):
    path = tmp_path / "mask.png"
    mask_request.write_picture(path, labels)
    with pytest.raises(BadSettings, match="60 x 40 pixels, another shape"):
        painted_masks(path, 60, 60)
    painted_masks(path, 41, 61)    # a pixel more on each side is rounding


def test_masks_do_not_depend_on_a_mask_that_is_set(tmp_path, labels):
    mask_request.write_picture(tmp_path / "mask.png", labels)
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    plain, masked = (
        mask_request.find_masks(pipeline.Job(tmp_path / "a.jpg", tmp_path / "out", TerrainSettings(mask_path=path)),
                                stages=fake_stages.STAGES)
        for path in ("", str(tmp_path / "mask.png")))
    assert np.array_equal(plain.labels, masked.labels) and fake_stages.calls.count("segmentation") == 1


def test_the_command_writes_a_mask_that_a_run_takes(tmp_path, capsys):
    out = tmp_path / "masks"
    picture = ROOT / "examples" / "picos_de_europa.jpg"
    assert main(["masks", str(picture), "--out", str(out)]) == 0
    path = out / "picos_de_europa.png"
    assert capsys.readouterr().out.strip() == str(path) and [p.name for p in out.iterdir()] == [path.name]
    sky, land, _ = painted_masks(path, 750, 1000)
    assert 0.2 < sky.mean() < 0.35 and 0.6 < land.mean() < 0.8    # marked by hand: 0.27 and 0.72
    path.write_bytes(b"edited")
    assert main(["masks", str(picture), "--out", str(out)]) == 0
    assert path.read_bytes() == b"edited" and "stays" in capsys.readouterr().err
    assert main(["masks", str(picture), str(tmp_path / "picos_de_europa.png"), "--out", str(out)]) == 2
    assert main(["masks", str(tmp_path / "none.jpg"), "--out", str(out)]) == 2
