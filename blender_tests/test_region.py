"""A painted region is made anew as a further variation, and nothing else changes."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE
from blender_tests.modal_runs import modal_run, run_to_end

N = 128


@pytest.fixture
def terrain(scene, fake_stages, tmp_path):
    """A finished terrain of 128 x 128 points; its middle half is seen."""
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


def test_the_result_is_a_variation_and_the_rest_keeps_its_bits(terrain, paint, part, scene):
    before = heights(terrain)
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    scene.photo_to_terrain_region_seed = 7
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
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


def test_again_on_its_own_result(terrain, paint, part, scene):
    first = heights(terrain)
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}    # the region is still painted
    again = shown(part, scene)
    bpy.ops.photo_to_terrain.paint_region()
    paint(again, corner(30))
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    places = part("scene.result_collections")
    assert len(places.results(scene)) == 4
    last = heights(shown(part, scene))
    assert np.array_equal(last[~corner(30)], first[~corner(30)])
    assert np.allclose((last - first)[corner()], 1 + 2 + 3) and np.allclose((last - first)[corner(30) & ~corner()], 3)
    assert [r["seed"] for r in places.report_of(places.shown_result(scene))["regions"]] == [1, 2, 3]


def test_seen_ground_changes_only_when_it_may(terrain, paint, part, scene):
    before, seen = heights(terrain), heights(terrain, "visible") > 0
    region = np.ones((N, N), bool)
    region[:, -5:] = False
    for may_change in (False, True):
        places = part("scene.result_collections")
        for number, collection in enumerate(places.results(scene)):
            places.hide(scene, collection, number > 0)
        bpy.ops.photo_to_terrain.paint_region()
        paint(shown(part, scene), region)
        scene.photo_to_terrain_region_seen = may_change
        assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
        changed = heights(shown(part, scene)) != before
        assert np.array_equal(changed, region & (may_change | ~seen))


def test_sculpted_ground_is_the_base(terrain, paint, part, scene):
    points = np.empty((N * N, 3), np.float32)
    terrain.data.vertices.foreach_get("co", points.ravel())
    points[5000, 2] += 33.25
    terrain.data.vertices.foreach_set("co", points.ravel())
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    assert heights(shown(part, scene)).ravel()[5000] == points[5000, 2]


def test_points_moved_sideways_are_refused(terrain, paint, part, scene):
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    bpy.ops.photo_to_terrain.end_region()
    terrain.data.vertices[77].co.x += 50.0
    with pytest.raises(RuntimeError, match="sideways by up to 50 m"):
        bpy.ops.photo_to_terrain.regenerate_region()
    assert len(part("scene.result_collections").results(scene)) == 1


def test_what_was_matched_by_hand_stays(terrain, paint, part, scene):
    terrain.scale = (1.5, 1.5, 1.5)
    scene.camera.data.lens, scene.camera.location.z = 41.0, 777.0
    scene.photo_to_terrain_look = "EVIDENCE"
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    new = shown(part, scene)
    assert new != terrain and tuple(new.scale) == (1.5, 1.5, 1.5)
    assert scene.camera.data.lens == 41.0 and scene.camera.location.z == 777.0
    assert scene.photo_to_terrain_look == "EVIDENCE"


def test_the_region_survives_saving_in_the_middle_of_painting(terrain, paint, part, tmp_path):
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "painted.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "painted.blend"))
    again = shown(part, bpy.context.scene)
    assert np.array_equal(part("scene.region_paint").region_of(again.data, N * N).reshape(N, N), corner())
    assert bpy.ops.photo_to_terrain.regenerate_region() == {"FINISHED"}
    assert shown(part, bpy.context.scene).data != again.data


def test_a_missing_picture_is_one_sentence(terrain, paint, part, scene):
    places = part("scene.result_collections")
    collection = places.shown_result(scene)
    report = places.report_of(collection)
    report["picture"]["path"] = "/nowhere/gone.jpg"
    collection[places.REPORT_MARK] = json.dumps(report)
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    with pytest.raises(RuntimeError, match=r"gone\.jpg"):
        bpy.ops.photo_to_terrain.regenerate_region()
    assert part("scene.region_paint").has_region(terrain.data)    # nothing painted is lost


def test_nothing_painted_is_one_sentence(terrain, part):
    bpy.ops.photo_to_terrain.paint_region()
    with pytest.raises(RuntimeError, match="Nothing is painted"):
        bpy.ops.photo_to_terrain.regenerate_region()


def test_esc_leaves_the_old_terrain(terrain, paint, part, scene, monkeypatch):
    before = heights(terrain)
    bpy.ops.photo_to_terrain.paint_region()
    paint(terrain, corner())
    kind = part("operators.regions").PHOTO_TO_TERRAIN_OT_regenerate_region
    with modal_run(part, monkeypatch, scene, kind) as (operator, _, _, tick):
        tick("ESC", "PRESS")
        assert run_to_end(tick) == {"CANCELLED"}, operator.said
    assert len(part("scene.result_collections").results(scene)) == 1
    assert shown(part, scene) == terrain and np.array_equal(heights(terrain), before)
