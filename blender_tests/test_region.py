"""A painted region is made anew as a further variation, and nothing else changes."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE
from blender_tests.modal_runs import modal_run, run_to_end
from blender_tests.results import write_picture, write_result

N = 128


@pytest.fixture
def terrain(scene, part, tmp_path):
    """A finished terrain of 128 x 128 points; its left half is seen. No backend has run."""
    rows, cols = np.mgrid[0:N, 0:N]
    folder = write_result(tmp_path / "made", write_picture(tmp_path / "made.png"), (5 * np.sin(rows / 9) + cols).astype(np.float32))
    part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
    return bpy.data.objects["Terrain"]


@pytest.fixture
def generated(scene, fake_stages, tmp_path):
    """A terrain from a backend whose regions are lifted by as many meters as their seed says; its middle half is seen."""
    fake_stages("REGIONAL")
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(PICTURE), str(tmp_path / "out")
    ours.settings.resolution, ours.settings.seed = N, 3
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    return bpy.data.objects["Terrain"]


@pytest.fixture
def paint(part):
    """A function: paint these points, bool (N, N), as a brush would."""
    def apply(terrain: bpy.types.Object, region: np.ndarray) -> None:
        module = part("scene.region_paint")
        colors = np.empty((N * N, 4), np.float32)
        layer = terrain.data.attributes[module.COLORS]
        layer.data.foreach_get("color", colors.ravel())
        colors[region.ravel(), :3] = module.PAINTED
        layer.data.foreach_set("color", colors.ravel())
    return apply


def corner(size: int = 20) -> np.ndarray:
    region = np.zeros((N, N), bool)
    region[:size, :size] = True
    return region


def heights(terrain: bpy.types.Object, name: str = "height") -> np.ndarray:
    values = np.empty(N * N, np.float32)
    terrain.data.attributes[name].data.foreach_get("value", values)
    return values.reshape(N, N)


def shown(part, scene) -> bpy.types.Object:
    places = part("scene.result_collections")
    return places.terrain_in(places.shown_result(scene))


def test_painting_sets_up_blenders_own_tool(terrain, paint, part):
    module = part("scene.region_paint")
    assert bpy.ops.photo_to_terrain.paint_region() == {"FINISHED"}
    assert terrain.mode == "VERTEX_PAINT" and module.is_painting(terrain)
    mesh = terrain.data
    assert mesh.color_attributes.active_color.name == module.COLORS
    colors = np.empty((N * N, 4), np.float32)
    mesh.attributes[module.COLORS].data.foreach_get("color", colors.ravel())
    seen = heights(terrain, "visible").ravel() > 0
    assert np.allclose(colors[seen, :3], module.SEEN) and np.allclose(colors[~seen, :3], module.HIDDEN)
    mode = part("scene.paint_mode")
    brush = mode.shared_settings(bpy.context)
    strong = tuple(brush.color)
    assert not mode.is_erasing(bpy.context)
    assert bpy.ops.photo_to_terrain.region_brush(erase=True) == {"FINISHED"}
    assert mode.is_erasing(bpy.context) and tuple(brush.color) != strong
    paint(terrain, corner())
    assert module.region_of(mesh, N * N).sum() == 400
    assert bpy.ops.photo_to_terrain.end_region() == {"FINISHED"}
    assert terrain.mode == "OBJECT" and module.COLORS not in mesh.attributes
    assert np.array_equal(module.region_of(mesh, N * N).reshape(N, N), corner())
    assert bpy.ops.photo_to_terrain.paint_region() == {"FINISHED"}    # it comes back
    assert np.array_equal(module.region_of(mesh, N * N).reshape(N, N), corner())
    assert bpy.ops.photo_to_terrain.clear_region() == {"FINISHED"}
    assert not module.region_of(mesh, N * N).any() and module.is_painting(terrain)
    assert bpy.ops.photo_to_terrain.end_region() == {"FINISHED"}
    assert not module.has_region(mesh) and not bpy.ops.photo_to_terrain.regenerate_region.poll()


def test_a_soft_brush_has_an_edge(terrain, part):
    module = part("scene.region_paint")
    bpy.ops.photo_to_terrain.paint_region()
    layer = terrain.data.attributes[module.COLORS]
    for base in (module.HIDDEN, module.SEEN):
        for strength, is_in in ((0.3, False), (0.7, True)):
            mixed = [b + strength * (p - b) for b, p in zip(base, module.PAINTED, strict=True)]
            layer.data[0].color = (*mixed, 1.0)
            assert module.region_of(terrain.data, N * N)[0] == is_in


def run(terrain, paint, region: np.ndarray, **properties: object) -> None:
    """Paint a region and make it anew."""
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, region)
    for name, value in properties.items():
        setattr(bpy.context.scene, f"photo_to_terrain_region_{name}", value)
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}


def test_the_result_is_a_variation_and_the_rest_keeps_its_bits(generated, paint, part, scene, tmp_path):
    before, seen = heights(generated), heights(generated, "visible") > 0
    generated.scale = (1.5, 1.5, 1.5)
    scene.camera.data.lens, scene.camera.location.z = 41.0, 777.0
    scene.photo_to_terrain_look = "EVIDENCE"
    run(generated, paint, corner(), seed=7)
    places = part("scene.result_collections")
    old, new = places.results(scene)
    assert places.is_hidden(scene, old) and not places.is_hidden(scene, new)
    after = heights(places.terrain_in(new))
    assert np.array_equal(heights(places.terrain_in(old)), before)
    assert after[~corner()].tobytes() == before[~corner()].tobytes() and np.allclose(after[corner()] - before[corner()], 7.0)
    points = np.empty(3 * N * N, np.float32)
    places.terrain_in(new).data.vertices.foreach_get("co", points)
    assert np.array_equal(points[2::3], after.ravel())
    report = places.report_of(new)
    assert [(r["seed"], r["cells"]) for r in report["regions"]] == [(7, 400)] and report["seed"] == 3
    assert not report["settings"].get("base_path") and report["settings"] == places.report_of(old)["settings"]
    assert "region 1" in new.name and new[places.KEY_MARK] != old[places.KEY_MARK]
    assert scene.photo_to_terrain_region_seed == 8    # the next run invents other ground
    # what was matched and chosen by hand stays
    assert tuple(shown(part, scene).scale) == (1.5, 1.5, 1.5) and scene.photo_to_terrain_look == "EVIDENCE"
    assert scene.camera.data.lens == 41.0 and scene.camera.location.z == 777.0

    # Again on its own result. The region is still painted; more is added.
    wide = np.ones((N, N), bool)
    wide[:, -5:] = False
    run(shown(part, scene), paint, wide)
    last = heights(shown(part, scene))
    assert np.array_equal(last != before, wide & ~seen) and np.allclose((last - before)[corner()], 7 + 8)
    assert [r["seed"] for r in places.report_of(places.shown_result(scene))["regions"]] == [7, 8]
    assert len(places.results(scene)) == 3

    # Sculpted ground counts as it stands, also in a file that was saved while a region was painted. Seen ground may change.
    terrain = shown(part, scene)
    terrain.data.vertices[5117].co.z += 33.25
    wanted = terrain.data.vertices[5117].co.z
    bpy.ops.photo_to_terrain.paint_region()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "painted.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "painted.blend"))
    scene = bpy.context.scene
    assert np.array_equal(part("scene.region_paint").region_of(shown(part, scene).data, N * N).reshape(N, N), wide)
    scene.photo_to_terrain_region_seen = True
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    final = heights(shown(part, scene))
    sculpted = np.arange(N * N).reshape(N, N) == 5117
    assert np.array_equal(final != last, wide | sculpted) and final.ravel()[5117] == wanted


def test_esc_leaves_the_old_terrain(terrain, paint, part, scene, fake_stages, monkeypatch):
    fake_stages("PATIENT")
    before = heights(terrain)
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    kind = part("operators.regions").PHOTO_TO_TERRAIN_OT_regenerate_region
    with modal_run(part, monkeypatch, scene, kind) as (operator, _, _, tick):
        tick("ESC", "PRESS")
        assert run_to_end(tick) == {"CANCELLED"}, operator.said
    assert len(part("scene.result_collections").results(scene)) == 1
    assert shown(part, scene) == terrain and np.array_equal(heights(terrain), before)
    assert part("scene.region_paint").has_region(terrain.data)    # nothing painted is lost


def change_report(part, scene, **values: object) -> None:
    """Write something else into the shown terrain's report."""
    places = part("scene.result_collections")
    collection = places.shown_result(scene)
    collection[places.REPORT_MARK] = json.dumps({**places.report_of(collection), **values})


@pytest.mark.parametrize(("wrong", "words"), [
    ("picture", r"not at .*gone\.jpg any more"), ("sideways", "sideways by up to 50 m"), ("nothing", "Nothing is painted"),
    ("settings", "Resolution must be"),
])
def test_what_cannot_be_done_is_one_sentence(terrain, paint, part, scene, python, wrong, words):
    bpy.ops.photo_to_terrain.paint_region()
    if wrong != "nothing":
        paint(terrain, corner())
    bpy.ops.photo_to_terrain.end_region()
    if wrong == "picture":
        change_report(part, scene, picture={"path": "/nowhere/gone.jpg", "sha256": "ab" * 32})
    elif wrong == "sideways":
        terrain.data.vertices[77].co.x += 50.0
    elif wrong == "settings":
        change_report(part, scene, settings={"resolution": 3, "of_another_version": 5})
    else:
        bpy.ops.photo_to_terrain.paint_region()
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.photo_to_terrain.regenerate_region()
    assert shown(part, scene) == terrain and part("jobs").backend() is None
    assert wrong == "nothing" or part("scene.region_paint").has_region(terrain.data)
