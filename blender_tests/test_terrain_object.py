"""The terrain object: fewer points in the viewport only, edits that can be taken back, up-to-date attributes."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_tests.terrain_objects import (
    COLS,
    PREFIX,
    ROWS,
    collection_of,
    in_viewport,
    places_of,
    put_terrain,
    rough_ground,
    sculpt,
    uv_of,
    values_of,
)


@pytest.fixture
def heights() -> np.ndarray:
    """Those of the terrain."""
    return rough_ground()


@pytest.fixture
def terrain(scene, part, tmp_path) -> bpy.types.Object:
    """A finished terrain."""
    return put_terrain(scene, part, tmp_path)


def test_slope_and_flow_are_attributes(terrain, heights):
    assert np.array_equal(values_of(terrain.data, "slope"), (heights / 10).ravel())
    assert np.array_equal(values_of(terrain.data, "flow"), (heights * 7).ravel())


@pytest.mark.parametrize("step", [2, 4, 8])
def test_the_viewport_shows_every_nth_point_exactly(terrain, heights, step):
    collection = collection_of(terrain)
    setattr(collection, PREFIX + "detail", str(step))
    shown, whole = in_viewport(terrain), terrain.data
    rows, cols = (np.minimum(np.arange(0, n - 1 + step, step), n - 1) for n in (ROWS, COLS))
    wanted = (rows[:, None] * COLS + cols).ravel()    # the last row and column are always there
    used = np.unique(np.array([p.vertices[:] for p in shown.polygons]))
    assert len(used) == len(wanted) and len(shown.polygons) == (len(rows) - 1) * (len(cols) - 1)
    for name in ("height", "evidence", "visible", "slope", "flow", "photo", "rock", "moved", "edited"):
        assert np.array_equal(values_of(shown, name)[used], values_of(whole, name)[wanted]), name
    assert np.array_equal(places_of(shown)[used], places_of(whole)[wanted])
    assert [layer.name for layer in shown.uv_layers] == ["UVMap", "Camera UV"]
    for name in ("UVMap", "Camera UV"):
        coarse, fine = uv_of(shown, name), uv_of(whole, name)
        assert [coarse[n] for n in used] == [fine[n] for n in wanted], name
    normals = np.empty(3 * len(shown.polygons), np.float32)
    shown.polygons.foreach_get("normal", normals)
    assert (normals[2::3] > 0).all()
    assert {shown.materials[p.material_index].original for p in shown.polygons} == {terrain.active_material}
    assert getattr(collection, PREFIX + "detail") == str(step)


def test_automatic_detail_depends_on_the_number_of_points(terrain, part):
    modifiers = part("scene.terrain_modifiers")
    assert [modifiers.automatic_step(n, n) for n in (512, 1024, 1025, 2048, 4096)] == [1, 1, 2, 2, 4]
    assert getattr(collection_of(terrain), PREFIX + "detail") == "AUTO"
    assert len(in_viewport(terrain).vertices) == ROWS * COLS
    assert not terrain.modifiers["Viewport Detail"].show_viewport    # a mesh without active modifiers is sculpted fastest


def test_nodes_count_as_the_add_on_does(terrain, part, monkeypatch):
    """Automatic detail is computed in the node group, so that the file needs nobody."""
    group = terrain.modifiers["Viewport Detail"].node_group
    limit = next(n for n in group.nodes if n.bl_idname == "ShaderNodeMath" and n.operation == "DIVIDE"
                 and n.inputs[1].default_value == part("scene.terrain_modifiers").MOST_SHOWN)
    limit.inputs[1].default_value = 300.0    # as if 2460 points were too many: every third
    terrain.modifiers["Viewport Detail"].show_viewport = True
    used = {v for p in in_viewport(terrain).polygons for v in p.vertices}
    assert len(used) == 15 * 21


def test_sculpting_and_painting_see_all_points(terrain, part):
    setattr(collection_of(terrain), PREFIX + "detail", "4")
    bpy.context.view_layer.update()
    assert terrain.modifiers["Viewport Detail"].show_viewport
    bpy.context.view_layer.objects.active = terrain
    for mode in ("SCULPT", "EDIT", "VERTEX_PAINT"):
        bpy.ops.object.mode_set(mode=mode)
        bpy.context.view_layer.update()
        assert not terrain.modifiers["Viewport Detail"].show_viewport, mode
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.context.view_layer.update()
        assert terrain.modifiers["Viewport Detail"].show_viewport, mode


def test_another_mesh_is_shown_as_it_is(terrain):
    setattr(collection_of(terrain), PREFIX + "detail", "4")
    mesh = bpy.data.meshes.new("other")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    terrain.data = mesh
    assert len(in_viewport(terrain).vertices) == 3


def test_edits_slide_between_made_and_sculpted(terrain, heights):
    collection = collection_of(terrain)
    sculpt(terrain, {100: 30.0, 777: -4.0})
    sculpted = places_of(terrain.data)[:, 2]
    assert getattr(collection, PREFIX + "edits") == 1.0 and not terrain.modifiers["Edits"].show_render
    for amount, wanted in ((0.0, heights.ravel()), (0.5, 0.5 * (heights.ravel() + sculpted)), (1.0, sculpted)):
        setattr(collection, PREFIX + "edits", amount)
        found = places_of(in_viewport(terrain))[:, 2]
        assert np.array_equal(found, wanted) if amount != 0.5 else np.allclose(found, wanted, atol=1e-4)
        assert terrain.modifiers["Edits"].show_render == (amount < 1.0)
    assert np.array_equal(places_of(terrain.data)[:, 2], sculpted)    # the mesh keeps what was sculpted


def test_attributes_follow_sculpting(terrain, heights, fake_stages):
    fake_stages("STAGES")
    sculpt(terrain, {100: 30.0, 777: -4.0})
    assert bpy.ops.photo_to_terrain.update_attributes() == {"FINISHED"}
    assert np.flatnonzero(values_of(terrain.data, "edited")).tolist() == [100, 777]
    slope, flow = (values_of(terrain.data, name).reshape(ROWS, COLS) for name in ("slope", "flow"))
    border = np.ones(flow.shape, bool)
    border[1:-1, 1:-1] = False
    assert flow.min() == 64.0 and flow[border].sum() == 64.0 * flow.size    # all rain on cells of 8 m leaves over the border
    assert slope[100 // COLS, 100 % COLS - 1] > 45 and ((slope >= 0) & (slope < 90)).all()    # beside a spike of 30 m
    assert np.array_equal(values_of(terrain.data, "height"), heights.ravel())    # those that were made stay known

    assert bpy.ops.photo_to_terrain.restore_heights() == {"FINISHED"}
    assert np.array_equal(places_of(terrain.data)[:, 2], heights.ravel())
    assert not values_of(terrain.data, "edited").any()
    assert not np.array_equal(values_of(terrain.data, "flow"), flow.ravel())
    assert np.abs(values_of(terrain.data, "slope").reshape(ROWS, COLS) - slope).max() > 20


def test_without_a_backend_edits_are_marked_all_the_same(terrain, part, monkeypatch, tmp_path):
    part("jobs").stop_all()
    monkeypatch.setattr(part("environment"), "find_python", lambda chosen: tmp_path / "no python here")
    sculpt(terrain, {100: 30.0})
    before = values_of(terrain.data, "slope")
    assert bpy.ops.photo_to_terrain.update_attributes() == {"FINISHED"}
    assert np.flatnonzero(values_of(terrain.data, "edited")).tolist() == [100]
    assert np.array_equal(values_of(terrain.data, "slope"), before)


def test_a_broken_grid_is_refused_in_one_sentence(terrain):
    mesh = bpy.data.meshes.new("other")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    terrain.data = mesh
    for operator in (bpy.ops.photo_to_terrain.update_attributes, bpy.ops.photo_to_terrain.restore_heights):
        with pytest.raises(RuntimeError, match="no grid of 41 x 60 heights any more"):
            operator()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.photo_to_terrain.update_attributes.poll()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_after_undo_no_view_looks_through_a_camera_that_is_gone(scene, part, terrain, monkeypatch):
    viewport = part("scene.viewport")
    views = [space.region_3d for space in viewport.all_views() if space.region_3d is not None]
    monkeypatch.setattr(viewport, "_main_region", lambda context: views[0])
    assert viewport.note_camera in bpy.app.handlers.undo_pre and viewport.leave_lost_cameras in bpy.app.handlers.undo_post

    def undo(takes_camera: bool) -> set[str]:
        viewport.note_camera(scene)
        if takes_camera:    # another one is the scene's; not by removing it, because then Blender itself frees some views
            scene.camera.name = f"Earlier {scene.camera.name}"
        viewport.leave_lost_cameras(scene)
        return {view.view_perspective for view in views}

    views[0].view_perspective, views[0].view_distance = "PERSP", 123.0
    viewport.look_through_camera(bpy.context)
    views[0].view_distance = 7.0
    for view in views:
        view.view_perspective = "CAMERA"
    assert undo(takes_camera=False) == {"CAMERA"}
    assert undo(takes_camera=True) == {"PERSP"} and views[0].view_distance == 123.0
    for view in views:
        view.view_perspective = "CAMERA"    # now the artist has done it
    assert undo(takes_camera=True) == {"CAMERA"}


def test_choices_are_saved_and_a_removed_terrain_leaves_nothing(terrain, scene, part, tmp_path):
    collection = collection_of(terrain)
    for name, value in (("detail", "2"), ("edits", 0.25), ("fine", True), ("fine_px", 3.0)):
        setattr(collection, PREFIX + name, value)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    terrain = bpy.data.objects["Terrain"]
    collection = collection_of(terrain)
    found = [getattr(collection, PREFIX + name) for name in ("detail", "edits", "fine", "fine_px")]
    assert found == ["2", 0.25, True, 3.0]
    assert terrain.modifiers["Viewport Detail"].show_viewport
    part("scene.result_collections").remove(collection)
    assert not bpy.data.node_groups and not bpy.data.meshes and not bpy.data.materials


def test_where_the_modifiers_are_gone_nothing_breaks(terrain):
    collection = collection_of(terrain)
    terrain.modifiers.clear()
    for name, value in (("detail", "2"), ("edits", 0.25), ("fine_px", 3.0)):
        setattr(collection, PREFIX + name, value)
    assert [getattr(collection, PREFIX + n) for n in ("detail", "edits", "fine", "fine_px")] == ["AUTO", 1.0, False, 1.0]
    empty = bpy.data.collections.new("empty")
    assert getattr(empty, PREFIX + "edits") == 1.0
    empty_detail = getattr(empty, PREFIX + "detail")
    assert empty_detail == "AUTO"


def test_memory_is_told_in_words(part):
    words, needs = part("scene.memory_estimate").in_words, part("scene.memory_estimate").needs
    assert words(0.004) == "10 MB" and words(0.234) == "230 MB" and words(1.26) == "1.3 GB"
    small, large = needs(1 << 20), needs(1 << 22)
    assert (large.blender, large.render) == pytest.approx((4 * small.blender, 4 * small.render))
    assert small.render < needs(1 << 20, 2e6).render < needs(1 << 20, 2e6, 4.0).render < needs(1 << 20, 2e6, 1.0).render
