"""The terrain object: fewer points in the viewport only, edits that can be taken back, finer renders, up-to-date attributes."""

from __future__ import annotations

import subprocess
import sys

import bpy
import numpy as np
import pytest

from backend.camera import Camera
from blender_tests.results import write_picture, write_result
from blender_tests.surfaces import pixels_of, write_surface

ROWS, COLS = 41, 60
PREFIX = "photo_to_terrain_"


@pytest.fixture
def heights() -> np.ndarray:
    """float32 (41, 60): no two points alike."""
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    noise = np.random.default_rng(5).normal(0, 2, (ROWS, COLS))
    return (300 - 5 * rows + 2 * cols + 20 * np.sin(cols / 4) + noise).astype(np.float32)


@pytest.fixture
def terrain(scene, part, tmp_path, heights) -> bpy.types.Object:
    """A finished terrain with a photograph on its left half, slope and flow."""
    camera = Camera(320, 240, 1.0, -0.4, 0.0, (0.0, -150.0, float(heights.max()) + 120.0))    # looks down on it
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), heights, camera=camera)
    photo = np.zeros(heights.shape)
    photo[:, : COLS // 2] = 1.0
    write_surface(folder, photo, rock=np.ones(heights.shape))
    np.save(folder / "analysis.npy", np.stack([heights / 10, heights * 7]).astype(np.float32))
    return part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))


def collection_of(terrain: bpy.types.Object) -> bpy.types.Collection:
    return terrain.users_collection[0]


def values_of(mesh: bpy.types.Mesh, name: str) -> np.ndarray:
    """A point attribute of numbers."""
    layer = mesh.attributes[name]
    assert layer.domain == "POINT"
    values = np.empty(len(layer.data), np.int32 if layer.data_type == "INT" else np.float32)
    layer.data.foreach_get("value", values)
    return values


def places_of(mesh: bpy.types.Mesh) -> np.ndarray:
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def uv_of(mesh: bpy.types.Mesh, name: str) -> dict[int, tuple[float, float]]:
    """Point number -> UV there, of every corner."""
    uv, corners = np.empty(2 * len(mesh.loops), np.float32), np.empty(len(mesh.loops), np.int32)
    mesh.uv_layers[name].data.foreach_get("uv", uv)
    mesh.loops.foreach_get("vertex_index", corners)
    return dict(zip(corners.tolist(), map(tuple, uv.reshape(-1, 2).tolist()), strict=True))


def in_viewport(terrain: bpy.types.Object) -> bpy.types.Mesh:
    """The mesh that 3D views draw."""
    return terrain.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def sculpt(terrain: bpy.types.Object, points: dict[int, float]) -> None:
    """Lift points by meters."""
    for number, lift in points.items():
        terrain.data.vertices[number].co.z += lift
    terrain.data.update()


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


def test_the_evidence_look_shows_edited_ground(terrain, scene, tmp_path, part):
    scene.photo_to_terrain_look = "EVIDENCE"
    before = small_render(scene, tmp_path / "before.png")
    values = np.ones(ROWS * COLS, np.float32)
    terrain.data.attributes["edited"].data.foreach_set("value", values)
    terrain.data.update()
    after = small_render(scene, tmp_path / "after.png")
    ground = np.abs(after - before).max(-1) > 0.02
    assert ground.mean() > 0.2
    red, green, blue = np.median(after[ground], axis=0)[:3]
    assert blue > red > green    # violet


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


def small_render(scene: bpy.types.Scene, path) -> np.ndarray:
    """float32 (48, 64, 4): through the terrain's camera."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 2, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return pixels_of(bpy.data.images.load(str(path)))


FARM = """
import sys, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[-2])
assert not any("photo_to_terrain" in name for name in bpy.context.preferences.addons.keys())
assert not hasattr(bpy.types.Scene, "photo_to_terrain") and not bpy.app.handlers.depsgraph_update_post
bpy.context.scene.render.filepath = sys.argv[-1]
bpy.ops.render.render(write_still=True)
sys.stdout.flush()
import os
os._exit(0)
"""


@pytest.mark.parametrize("choices", [{}, {"detail": "4", "edits": 0.5}, {"fine": True, "fine_px": 4.0}])
def test_a_farm_without_the_add_on_renders_the_same_pixels(terrain, scene, tmp_path, choices):
    sculpt(terrain, dict.fromkeys(range(600, 640), 25.0))
    for name, value in choices.items():
        setattr(collection_of(terrain), PREFIX + name, value)
    here = small_render(scene, tmp_path / "here.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "farm.blend"))
    (tmp_path / "a.png").unlink()    # nothing but the file goes to the farm
    environment = {"BLENDER_USER_RESOURCES": str(tmp_path / "nobody"), "PATH": "/usr/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", FARM, str(tmp_path / "farm.blend"), str(tmp_path / "there.png")],
                          env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    there = pixels_of(bpy.data.images.load(str(tmp_path / "there.png")))
    assert here[..., :3].std() > 0.02    # there is something to see
    assert np.array_equal(here, there)


def test_the_viewports_detail_never_reaches_a_render(terrain, scene, tmp_path):
    whole = small_render(scene, tmp_path / "whole.png")
    setattr(collection_of(terrain), PREFIX + "detail", "8")
    assert len(in_viewport(terrain).vertices) < 100
    assert np.array_equal(small_render(scene, tmp_path / "again.png"), whole)


def test_finer_ground_is_raised_where_it_is_painted_and_can_be_taken_back(terrain, scene, tmp_path):
    collection = collection_of(terrain)
    plain = small_render(scene, tmp_path / "plain.png")
    setattr(collection, PREFIX + "fine", True)
    setattr(collection, PREFIX + "fine_px", 1.0)
    assert getattr(collection, PREFIX + "fine") and terrain.modifiers[-1].type == "SUBSURF"
    assert len(in_viewport(terrain).vertices) == ROWS * COLS
    fine = small_render(scene, tmp_path / "fine.png")
    assert np.abs(fine - plain).max() > 0.05
    setattr(collection, PREFIX + "fine", False)
    assert not getattr(collection, PREFIX + "fine") and "Render Detail" not in terrain.modifiers
    assert np.array_equal(small_render(scene, tmp_path / "back.png"), plain)


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
