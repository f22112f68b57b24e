"""The shipped stages on the bundled photograph, small: what the report promises holds, twice the same, cancel is quick."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from backend import pipeline
from backend.contract.errors import Cancelled
from backend.contract.settings import TerrainSettings
from backend.runner import Listener
from tests.backend.conftest import ROOT

PICTURE = ROOT / "examples" / "picos_de_europa.jpg"
SMALL = TerrainSettings(resolution=256, steps=3, polish_rounds=1)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> pipeline.Outcome:
    return pipeline.generate(pipeline.Job(PICTURE, tmp_path_factory.mktemp("real"), SMALL, keep_stages=True, device="cpu"))


def test_promises_hold_in_the_file(outcome):
    content, metrics = outcome.report, outcome.report["metrics"]
    assert (content["terrain"]["rows"], content["terrain"]["cols"]) == (256, 256)
    assert metrics["ove_m"] <= 0.5 and metrics["mdd_m"] <= 0.05
    assert metrics["visible_error_share_of_relief"] <= 0.01
    assert metrics["skyline_error_px"] is not None and metrics["skyline_error_px"] < 12    # coarse cells, coarse ridge
    assert -30 < content["camera"]["pitch_deg"] < 30 and 20 < content["camera"]["fov_x_deg"] < 100
    assert 50 < content["prior"]["elevation_range_m"] < 5000
    assert content["warnings"] is not None and len(content["choices"]) > 3
    heights = np.load(outcome.files["heights"])
    assert heights.dtype == np.float32 and np.isfinite(heights).all() and np.ptp(heights) > 50


def test_the_same_picture_and_seed_give_the_same_bits(outcome, tmp_path):
    again = pipeline.generate(pipeline.Job(PICTURE, tmp_path, SMALL, device="cpu"))
    assert np.array_equal(np.load(outcome.files["heights"]), np.load(again.files["heights"]))


def test_another_seed_keeps_what_is_seen(outcome, tmp_path):
    folder = outcome.files["report"].parent
    first = np.load(outcome.files["heights"])
    settings = TerrainSettings(**{**SMALL.to_dict(), "seed": 1})
    other = pipeline.generate(pipeline.Job(PICTURE, folder, settings, device="cpu"))
    assert [s["name"] for s in other.report["stages"] if not s["cached"]] == [
        "picture", "start", "completed", "polished", "files"]
    hidden = np.load(other.files["evidence"]) == 0
    difference = np.abs(np.load(other.files["heights"]) - first)
    assert difference[hidden].mean() > 5 * difference[~hidden].mean()


class StopAt(Listener):
    """Says stop when a stage begins, and remembers when."""

    def __init__(self, stage: str):
        self.stage, self.asked = stage, 0.0

    def progress(self, stage, *rest) -> None:
        if stage.name == self.stage and not self.asked:
            self.asked = time.monotonic()

    def is_asked(self) -> bool:
        return bool(self.asked) and time.monotonic() > self.asked


@pytest.mark.parametrize("stage", ["segmentation", "start", "completed", "polished"])
def test_stages_notice_a_cancel(tmp_path: Path, stage: str):
    listener = StopAt(stage)
    with pytest.raises(Cancelled):
        pipeline.generate(pipeline.Job(PICTURE, tmp_path, SMALL, device="cpu"), listener, listener.is_asked)
    assert not list(tmp_path.glob("terrain*"))


def test_loading_in_advance_works():
    pipeline.warm_up()


def test_a_region_is_made_anew_and_nothing_else(outcome, tmp_path):
    folder = outcome.files["report"].parent
    before, evidence = np.load(folder / "terrain.npy"), np.load(folder / "evidence.npy")
    mask = np.zeros(before.shape, np.uint8)
    mask[20:120, 10:110] = 1
    np.save(tmp_path / "base.npy", before)
    np.save(tmp_path / "mask.npy", mask)
    settings = TerrainSettings(**{**SMALL.to_dict(), "base_path": str(tmp_path / "base.npy"), "region_seed": 4,
                                  "region_path": str(tmp_path / "mask.npy")})
    made = pipeline.generate(pipeline.Job(PICTURE, folder, settings, device="cpu"))
    after, (region,) = np.load(made.files["heights"]), made.report["regions"]
    changed = after != before
    assert not changed[(mask == 0) | (evidence == 1)].any() and changed.sum() > 0.95 * region["cells"] > 4000
    assert np.array_equal(np.load(made.files["evidence"])[mask == 0], evidence[mask == 0])
    assert region["mean_change_m"] > 10 and region["seam"]["step_m"] < 1.2 * region["seam_before"]["step_m"]
    assert made.report["metrics"]["ove_m"] <= 0.5 and made.report["metrics"]["mdd_m"] <= 0.05
