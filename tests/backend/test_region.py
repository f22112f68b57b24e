"""A region made anew: the rest keeps its bits, the border shows no seam, what the terrain promises still holds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend import outputs, pipeline, stage_preview
from backend.completion import polish, procedural_start, region
from backend.context import Context
from backend.contract.errors import BadSettings, Cancelled
from backend.contract.settings import TerrainSettings
from backend.formats import heightmap
from backend.runner import Stage
from backend.scene import VisibleTerrain
from backend.terrain import Terrain
from kernels.fill import mean_depression_depth
from tests.backend import fake_stages
from tests.completion import scenes

torch.set_num_threads(1)

SIDE = 128


@dataclasses.dataclass(frozen=True)
class Made:
    """A finished terrain and what it was made from."""

    visible: VisibleTerrain
    bound: np.ndarray
    heights: np.ndarray


@pytest.fixture(scope="module")
def made() -> Made:
    visible, bound = scenes.scene(3, SIDE)
    settings = TerrainSettings(resolution=SIDE, polish_rounds=0)
    start = procedural_start.start(visible, bound, settings, Context(seed=1))
    return Made(visible, bound, polish.polish(start, visible, bound, settings, Context(seed=1)).heights)


def painted_disk(row: int = 40, col: int = 44, radius: int = 30) -> np.ndarray:
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    return np.hypot(rows - row, cols - col) < radius


def asked(folder: Path, heights: np.ndarray, mask: np.ndarray, **more: object) -> TerrainSettings:
    """Settings for a region, their files in `folder`."""
    np.save(folder / "base.npy", heights)
    np.save(folder / "region.npy", mask.astype(np.uint8))
    return TerrainSettings(**{"resolution": SIDE, "steps": 3, "polish_rounds": 1, "base_path": str(folder / "base.npy"),
                              "region_path": str(folder / "region.npy"), **more})


def run(made: Made, settings: TerrainSettings, ctx: Context | None = None):
    """All three stages. Returns region and terrain."""
    ctx, network = ctx or Context(), scenes.untrained()
    found = region.find_region(made.visible, made.bound, settings)
    start = region.sketch(found, settings, ctx)
    completed = region.complete(found, start, settings, ctx, network)
    return found, region.finish(found, completed, settings, ctx, network)


@pytest.mark.parametrize("seen_too", [False, True])
def test_everything_outside_keeps_its_bits_and_inside_is_new(made, tmp_path, seen_too):
    mask = painted_disk()
    assert (mask & made.visible.mask).any() and (mask & ~made.visible.mask).any()
    found, terrain = run(made, asked(tmp_path, made.heights, mask, region_seen=seen_too))
    may_change = mask if seen_too else mask & ~made.visible.mask
    assert np.array_equal(found.free, may_change) and np.array_equal(terrain.layers["region"] > 0, may_change)
    assert terrain.heights[~may_change].tobytes() == made.heights[~may_change].tobytes()
    assert (terrain.heights[may_change] != made.heights[may_change]).mean() > 0.9
    deep = region.distance_transform_edt(may_change) > 8
    assert np.abs(terrain.heights - made.heights)[deep].mean() > 5.0    # meters: other ground, not noise


def test_the_seed_decides_and_nothing_else(made, tmp_path):
    settings = asked(tmp_path, made.heights, painted_disk(), region_seed=5)
    (_, first), (_, again) = run(made, settings), run(made, settings, Context(seed=99))
    _, other = run(made, dataclasses.replace(settings, region_seed=6))
    assert np.array_equal(first.heights, again.heights) and not np.array_equal(first.heights, other.heights)


def test_no_seam_in_height_or_slope(made, tmp_path):
    found, terrain = run(made, asked(tmp_path, made.heights, painted_disk()))
    before, after = region.seam(made.heights, found.free), region.seam(terrain.heights, found.free)
    assert after["step_m"] <= 1.15 * before["step_m"] and after["bend_m"] <= 1.3 * before["bend_m"], (before, after)
    torn = terrain.heights + np.where(found.free, np.float32(30.0), np.float32(0.0))    # the measure sees a seam
    assert region.seam(torn, found.free)["step_m"] > 1.5 * before["step_m"]


def test_the_promises_still_hold(made, tmp_path):
    before = mean_depression_depth(made.heights)
    found, terrain = run(made, asked(tmp_path, made.heights, painted_disk(radius=36)))
    assert mean_depression_depth(terrain.heights) <= max(before, polish.DEPRESSION_TOLERANCE_M)
    limit = np.maximum(made.bound, made.heights)[found.free]
    assert (terrain.heights[found.free] <= limit).all()
    assert set(terrain.layers) == {"evidence", "visible", "bound", "silhouette", "region"}


def test_a_region_can_be_made_anew_on_its_own_result(made, tmp_path):
    _, first = run(made, asked(tmp_path, made.heights, painted_disk()))
    mask = painted_disk(60, 60, 24)
    found, second = run(made, asked(tmp_path, first.heights, mask, region_seed=2))
    assert np.array_equal(second.heights[~found.free], first.heights[~found.free])
    assert np.array_equal(second.layers["evidence"][~found.free], first.layers["evidence"][~found.free])
    assert not np.array_equal(second.heights, first.heights)


def test_far_dabs_are_worked_on_one_by_one():
    grid = fake_stages.Grid(700, 700, 8.0, (-2800.0, 5600.0))
    visible = VisibleTerrain(grid, fake_stages.Camera(120, 80, 1.0, 0.0, 0.0, (0.0, 0.0, 300.0)),
                             np.full(grid.shape, np.nan, np.float32), np.zeros(grid.shape, bool), np.zeros(grid.shape, bool))
    free = np.zeros(grid.shape, bool)
    free[40:50, 40:50] = free[60:64, 44:48] = free[600:640, 620:660] = True
    base = np.arange(free.size, dtype=np.float32).reshape(free.shape)
    parts = list(region._parts(base, free, visible, base))
    assert len(parts) == 2 and sum(part.free.sum() for part in parts) == free.sum()
    for part in parts:
        assert part.free.shape == (region.SMALLEST_WINDOW,) * 2
        top, left = part.window[0].start, part.window[1].start
        assert part.visible.grid.origin_m == (grid.x()[left], grid.y()[top])
        assert np.array_equal(np.isnan(part.visible.heights), part.free)
    free[::40, ::40] = True    # everywhere: cheaper as one
    (whole,) = region._parts(base, free, visible, base)
    assert np.array_equal(whole.free, free)


def test_a_refined_terrain_keeps_its_bits(made, tmp_path):
    settings = TerrainSettings(resolution=SIDE, polish_rounds=0, upsample=2)
    heights = polish.polish(made.heights, made.visible, made.bound, settings, Context(seed=1)).heights
    mask = painted_disk().repeat(2, 0).repeat(2, 1)
    found, terrain = run(made, asked(tmp_path, heights, mask, upsample=2, polish_rounds=0))
    assert terrain.grid.shape == (2 * SIDE, 2 * SIDE) and terrain.grid.dx_m == 0.5 * made.visible.grid.dx_m
    assert np.array_equal(terrain.heights[~found.free], heights[~found.free])
    assert not np.array_equal(terrain.heights, heights)


def test_a_picture_as_mask_and_the_geotiff_as_terrain(made, tmp_path):
    settings = asked(tmp_path, made.heights, painted_disk())
    Image.fromarray(painted_disk().astype(np.uint8) * 255).save(tmp_path / "region.png")
    heightmap.write_geotiff(tmp_path / "terrain.tif", Terrain(made.visible.grid, made.heights))
    drawn = dataclasses.replace(settings, region_path=str(tmp_path / "region.png"), base_path=str(tmp_path / "terrain.tif"))
    found, same = (region.find_region(made.visible, made.bound, s) for s in (settings, drawn))
    assert np.array_equal(found.free, same.free) and found.base.tobytes() == same.base.tobytes()


@pytest.mark.parametrize(("heights", "mask", "words"), [
    (np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE)), "No ground is painted"),
    (np.zeros((SIDE, SIDE), np.float32), "SEEN", "The picture shows all of the painted ground"),
    (np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE)), "The whole terrain is painted"),
    (np.zeros((64, 64), np.float32), np.ones((SIDE, SIDE)), "The terrain to change has 64 x 64 points"),
    (np.zeros((SIDE, SIDE), np.float32), np.ones((5, 7)), "The painted region has 5 x 7 points"),
    (np.zeros((SIDE, SIDE), np.float64), np.ones((SIDE, SIDE)), "32-bit"),
    (np.full((SIDE, SIDE), np.nan, np.float32), np.ones((SIDE, SIDE)), "32-bit"),
])
def test_wrong_input_is_one_sentence(made, tmp_path, heights, mask, words):
    mask = made.visible.mask if isinstance(mask, str) else mask
    settings = asked(tmp_path, heights, mask, region_seen="whole terrain" in words)
    with pytest.raises(BadSettings, match=words):
        region.find_region(made.visible, made.bound, settings)


@pytest.mark.parametrize(("name", "content"), [("base_path", b""), ("region_path", b"no picture"), ("region_path", None)])
def test_unreadable_files_are_one_sentence(made, tmp_path, name, content):
    settings = asked(tmp_path, made.heights, painted_disk())
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings, match="cannot be read"):
        region.find_region(made.visible, made.bound, dataclasses.replace(settings, **{name: str(path)}))


def test_mask_and_terrain_belong_together():
    with pytest.raises(BadSettings, match="needs both"):
        TerrainSettings(region_path="mask.png")


def test_a_terrain_that_does_not_fit_the_picture_is_said(made, tmp_path):
    notes = []
    for lift in (0.0, 500.0):
        ctx = Context()
        settings = asked(tmp_path, made.heights + np.float32(lift), painted_disk())
        region.sketch(region.find_region(made.visible, made.bound, settings), settings, ctx)
        notes.append([n["warning"] for n in ctx.notes if "warning" in n])
    assert not notes[0] and "500 m" in notes[1][0]


@pytest.mark.parametrize("stage", [region.sketch, region.complete])
def test_a_cancel_is_noticed(made, tmp_path, stage):
    settings = asked(tmp_path, made.heights, painted_disk())
    found = region.find_region(made.visible, made.bound, settings)
    ctx = Context(cancelled=lambda: True)
    with pytest.raises(Cancelled):
        if stage is region.sketch:
            stage(found, settings, ctx)
        else:
            stage(found, made.heights, settings, ctx, scenes.untrained())


def test_through_the_pipeline(tmp_path):
    """Fake estimation, real region: only the late stages run, the files hold the terrain, the report says what was done."""
    real = {s.name: s for s in pipeline.STORY}
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"any")
    folder = tmp_path / "out"
    plain = TerrainSettings(resolution=SIDE, steps=2, polish_rounds=0)
    base = pipeline.generate(pipeline.Job(picture, folder, plain), stages=fake_stages.STAGES)
    heights = np.load(base.files["heights"])
    mask = np.zeros((SIDE, SIDE), bool)
    mask[:, 100:] = True    # the fake picture shows the middle
    wish = asked(tmp_path, heights, mask, polish_rounds=0, region_seed=9)
    stages = [Stage(s.name, real[s.name].run) if s.name in ("start", "polished") else s for s in fake_stages.STAGES]
    previews: list[dict] = []

    class Keep(pipeline.Listener):
        def preview(self, stage, done):
            previews.append(stage_preview.write_preview(folder, stage, done, wish))

    outcome = pipeline.generate(pipeline.Job(picture, folder, wish), Keep(), stages=stages)
    cached = {s["name"]: s["cached"] for s in outcome.report["stages"]}
    assert cached["bound"] and not (cached["start"] or cached["polished"])
    result, found = np.load(outcome.files["heights"]), outcome.report["regions"]
    assert np.array_equal(result[~mask], heights[~mask]) and not np.array_equal(result, heights)
    assert len(found) == 1 and found[0]["seed"] == 9 and found[0]["cells"] == mask.sum() and found[0]["id"].startswith("9-")
    assert found[0]["mean_change_m"] > 0 and set(found[0]["seam"]) == {"step_m", "bend_m", "around_step_m", "around_bend_m"}
    assert found[0]["seam_before"] == pytest.approx(region.seam(heights, mask))
    assert json.loads((folder / outputs.FILES["report"]).read_text())["regions"] == found
    assert "regions" not in base.report and outcome.report["seed"] == base.report["seed"]
    whole = [p for p in previews if p["stage"] == "start"]
    assert np.array_equal(np.load(whole[0]["heights"])[~mask], heights[~mask]) and "evidence" in whole[0]
