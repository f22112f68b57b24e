"""The cache: only what changed runs again, a killed run resumes, damage is healed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from backend import cache, pipeline, stored_objects
from backend.camera import Camera
from backend.contract.errors import Cancelled
from backend.contract.settings import TerrainSettings
from backend.runner import Stage
from backend.scene import Estimate, Prior
from backend.terrain import Grid, Terrain
from tests.backend import fake_stages
from tests.backend.conftest import ROOT

SMALL = TerrainSettings(resolution=128)
ALL = [stage.name for stage in fake_stages.STAGES]


def run(picture: Path, folder: Path, settings: TerrainSettings = SMALL, stages=fake_stages.STAGES, **options):
    fake_stages.calls.clear()
    return pipeline.generate(pipeline.Job(picture, folder, settings), stages=stages, **options)


@pytest.mark.parametrize(("change", "first_rerun"), [
    ({}, None), ({"polish_rounds": 1}, "polished"), ({"steps": 4}, "completed"), ({"seed": 5}, "start"),
    ({"dx_m": 4.0}, "camera"), ({"elevation_range_m": 900.0}, "prior"), ({"fov_x_deg": 50.0}, "pointmap"),
    ({"roll_deg": 1.0}, "pointmap"),
])
def test_a_changed_setting_reruns_only_the_later_stages(picture, tmp_path, change, first_rerun):
    run(picture, tmp_path / "out")
    assert fake_stages.calls == ALL
    again = run(picture, tmp_path / "out", TerrainSettings(**{"resolution": 128, **change}))
    expected = ["picture"] + (ALL[ALL.index(first_rerun):] if first_rerun else [])
    assert fake_stages.calls == expected
    assert [stage["name"] for stage in again.report["stages"] if not stage["cached"]] == [*expected, "files"]


@pytest.mark.parametrize("stage", ["segmentation", "start", "polished"])
def test_redo_computes_again_from_a_stage_on(picture, tmp_path, stage):
    before = run(picture, tmp_path / "out").files["heights"].read_bytes()
    fake_stages.calls.clear()
    job = pipeline.Job(picture, tmp_path / "out", SMALL, redo_from=stage)
    again = pipeline.generate(job, stages=fake_stages.STAGES)
    assert fake_stages.calls == ["picture", *ALL[ALL.index(stage):]]
    assert again.files["heights"].read_bytes() == before    # the same settings and seed give the same terrain
    run(picture, tmp_path / "out")
    assert fake_stages.calls == ["picture"]    # what was computed again is in the cache


def test_another_seed_of_the_details_keeps_the_sketch(picture, tmp_path):
    seeds = {}
    stages = [Stage(s.name, noting(s, seeds), s.provider, s.is_cached) for s in fake_stages.STAGES]
    run(picture, tmp_path / "out", TerrainSettings(resolution=128, seed=4), stages)
    assert seeds["camera"] == 0 and seeds["start"] == seeds["completed"] == seeds["polished"] == 4
    seeds.clear()
    run(picture, tmp_path / "out", TerrainSettings(resolution=128, seed=4, detail_seed=9), stages)
    assert seeds == {"picture": 0, "completed": 9, "polished": 9}


def noting(stage: Stage, seeds: dict[str, int]):
    """The stage's function, which also notes with what seed it was called."""
    def run_stage(done, settings, ctx):
        seeds[stage.name] = ctx.seed
        return stage.run(done, settings, ctx)

    return run_stage


def test_notes_of_cached_stages_stay_in_the_report(picture, tmp_path):
    first, second = run(picture, tmp_path / "out"), run(picture, tmp_path / "out")
    assert first.report["choices"] == second.report["choices"] != []
    assert first.report["warnings"] == second.report["warnings"] != []


def test_another_picture_under_the_same_name_reruns_everything(picture, tmp_path):
    run(picture, tmp_path / "out")
    picture.write_bytes(b"another picture")
    run(picture, tmp_path / "out")
    assert fake_stages.calls == ALL


def test_an_edited_mask_reruns_from_the_segmentation(picture, tmp_path):
    mask = tmp_path / "mask.png"
    settings = TerrainSettings(resolution=128, mask_path=str(mask))
    for content, first in ((b"one", "picture"), (b"two", "segmentation")):
        mask.write_bytes(content)
        run(picture, tmp_path / "out", settings)
        assert fake_stages.calls[1 if first != "picture" else 0:] == ALL[ALL.index(first):]


def test_the_cache_gives_the_same_terrain(picture, tmp_path):
    heights = [np.load(run(picture, tmp_path / "out").files["heights"]) for _ in range(2)]
    assert np.array_equal(*heights)


@pytest.mark.parametrize("damage", [
    lambda p: p.write_bytes(p.read_bytes()[:200]), lambda p: p.write_bytes(b""), lambda p: p.write_bytes(b"x" * 999),
    lambda p: p.write_bytes(flipped(p.read_bytes()))])
def test_a_damaged_entry_is_computed_again(picture, tmp_path, damage):
    good = np.load(run(picture, tmp_path / "out").files["heights"])
    entry, = (tmp_path / "out" / ".cache").glob("completed-*.npz")
    damage(entry)
    again = np.load(run(picture, tmp_path / "out").files["heights"])
    assert fake_stages.calls == ["picture", "completed"]
    assert np.array_equal(good, again)


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1:]


def test_a_cancelled_run_leaves_no_file_and_resumes(picture, tmp_path):
    asked = []

    def cancelled() -> bool:
        return "completed" in fake_stages.calls and not asked

    with pytest.raises(Cancelled):
        run(picture, tmp_path / "out", stages=fake_stages.PATIENT, cancelled=cancelled)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".cache"]
    run(picture, tmp_path / "out")
    assert fake_stages.calls == ["picture", "completed", "polished"]


@pytest.mark.skipif(os.name == "nt", reason="kills with SIGKILL")
def test_a_killed_run_resumes(picture, tmp_path):
    log = tmp_path / "calls.txt"
    child = subprocess.Popen(
        [sys.executable, "-m", "backend", "run", str(picture), "--out", str(tmp_path / "out"), "--resolution", "128",
         "--stages", "tests.backend.fake_stages:PATIENT"],
        cwd=ROOT, env=os.environ | {"FAKE_STAGES_LOG": str(log)}, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while "completed" not in (log.read_text() if log.exists() else "") and time.monotonic() < limit:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not list((tmp_path / "out").glob("terrain*"))
    run(picture, tmp_path / "out")
    assert fake_stages.calls == ["picture", "completed", "polished"]


def test_only_a_few_results_of_a_stage_stay(picture, tmp_path):
    for seed in range(cache.KEPT_PER_STAGE + 3):
        run(picture, tmp_path / "out", TerrainSettings(resolution=128, seed=seed))
    assert len(list((tmp_path / "out" / ".cache").glob("completed-*.npz"))) == cache.KEPT_PER_STAGE


@dataclass(frozen=True)
class Foreign:
    x: int = 1


def test_what_travels_survives_storing(tmp_path):
    layers = {"bound": np.full((2, 3), np.inf, np.float32)}
    terrain = Terrain(Grid(2, 3, 4.0, (1.0, 2.0)), np.zeros((2, 3), np.float32), layers)
    prior = Prior(*(Estimate(float(np.float64(i)), 0.5, "é") for i in range(3)))
    value = {"a": (terrain, [prior, None, True, 3, np.float32(1.5)]),
             "camera": Camera(10, 20, 1.0, -0.1, 0.0, (1, 2, 3.5)),
             "path": Path("x/y"), "nothing": float("nan"), "scalar": np.array(7.0)}
    path = tmp_path / "x.npz"
    with path.open("wb") as target:
        stored_objects.store(value, target)
    with path.open("rb") as source:
        back = stored_objects.load(source)
    assert back["camera"] == value["camera"] and back["a"][1] == [prior, None, True, 3, 1.5]
    assert back["a"][0].grid == terrain.grid and np.isinf(back["a"][0].layers["bound"]).all()
    assert back["path"] == Path("x/y") and np.isnan(back["nothing"]) and back["scalar"].shape == ()
    with np.load(path) as arrays:
        assert len([name for name in arrays.files if name.startswith("a")]) == 3


@pytest.mark.parametrize("value", [object(), {1: 2}, Foreign(), np.array([object()]), {"a": {1, 2}}])
def test_what_cannot_be_stored_is_refused(tmp_path, value):
    with (tmp_path / "x.npz").open("wb") as target, pytest.raises(TypeError):
        stored_objects.store(value, target)
