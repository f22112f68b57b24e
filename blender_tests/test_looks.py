"""The material: photograph where it may lie and nowhere else, looks that switch, a bake that equals the shader."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from backend.camera import Camera
from blender_tests.conftest import MODULE
from blender_tests.results import camera_values, write_picture, write_result
from blender_tests.surfaces import Look, pixels_of, render_from_above, write_surface

SIZE = 48


@pytest.fixture
def heights() -> np.ndarray:
    """float32 (48, 48): slopes that face the camera, with bumps."""
    rows, cols = np.mgrid[0:SIZE, 0:SIZE]
    return (6.0 * (SIZE - rows) + 20 * np.sin(cols / 5.0) * np.cos(rows / 7.0)).astype(np.float32)


@pytest.fixture
def photo() -> np.ndarray:
    """Weight of the photograph: the left half, with one soft column beside it."""
    weight = np.zeros((SIZE, SIZE))
    weight[:, : SIZE // 2] = 1.0
    weight[:, SIZE // 2] = 0.5
    return weight


@pytest.fixture
def terrain(scene, part, tmp_path, heights, photo) -> bpy.types.Object:
    """A finished terrain with a magenta photograph, and one without plants or tint to confuse."""
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), heights)
    write_surface(folder, photo, rock=np.tri(SIZE))
    return part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))


def uv_of(mesh: bpy.types.Mesh, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Point number and UV of every corner."""
    uv, corners = np.empty(2 * len(mesh.loops), np.float32), np.empty(len(mesh.loops), np.int32)
    mesh.uv_layers[name].data.foreach_get("uv", uv)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners, uv.reshape(-1, 2)


def is_photo(colors: np.ndarray) -> np.ndarray:
    """How much of the made up photograph's color is in (..., 3): it is the only one with less green than red and blue."""
    return np.minimum(colors[..., 0], colors[..., 2]) - colors[..., 1]


def test_the_camera_uv_is_the_projection(terrain, scene):
    mesh = terrain.data
    assert [layer.name for layer in mesh.uv_layers] == ["UVMap", "Camera UV"] and mesh.uv_layers.active.name == "UVMap"
    assert mesh.uv_layers["UVMap"].active_render
    corners, uv = uv_of(mesh, "Camera UV")
    bpy.context.view_layer.update()
    for corner in range(0, len(corners), 511):
        seen = world_to_camera_view(scene, scene.camera, Vector(mesh.vertices[corners[corner]].co))
        if seen.z > 0 and max(abs(seen.x - 0.5), abs(seen.y - 0.5)) < 1.5:
            assert abs(seen.x - uv[corner, 0]) * 320 < 0.01 and abs(seen.y - uv[corner, 1]) * 240 < 0.01


@pytest.mark.parametrize("camera", [
    Camera(1600, 1200, 0.92, 0.11, 0.03, (12.0, -40.0, 310.0)), Camera(900, 1600, 0.5, -0.3, -0.1, (0.0, 0.0, 900.0))])
def test_every_cell_is_within_a_tenth_of_a_pixel(part, camera):
    """Against the backend's own camera, in the middle of cells too, where a UV map is only straight between points."""
    dx = 8.0
    rows, cols = np.mgrid[0:512, 0:512]
    heights = (40 * np.sin(rows / 9.0) * np.cos(cols / 11.0) + 0.5 * (512 - rows)).astype(np.float32)
    grid = part("scene.result_folder").HeightGrid(heights, dx, (-dx * 255.5, dx * 560))
    found = np.concatenate([uv for _, uv in part("scene.projection").corner_uv_slabs(grid, camera_values(camera))])
    found = found.reshape(511, 511, 4, 2)
    x, y = grid.origin_m[0] + dx * cols, grid.origin_m[1] - dx * rows
    points = np.stack([x, y, heights], -1).astype(np.float64)
    u, v, depth = camera.project(points)
    near_left = np.stack([u[1:, :-1] / camera.width, 1 - v[1:, :-1] / camera.height], -1)
    inside = (depth[1:, :-1] > 0) & (near_left > 0).all(-1) & (near_left < 1).all(-1)
    assert inside.mean() > 0.2
    off = np.abs(found[:, :, 1] - near_left) * (camera.width, camera.height)
    assert off[inside].max() < 0.01
    edge = 0.5 * (points[1:, :-1] + points[1:, 1:])    # halfway to the next point on the right
    u, v, depth = camera.project(edge)
    halfway = 0.5 * (found[:, :, 1] + found[:, :, 2])
    off = np.abs(halfway - np.stack([u / camera.width, 1 - v / camera.height], -1)) * (camera.width, camera.height)
    assert off[inside & (depth > 20 * dx)].max() < 0.5


def test_points_behind_the_camera_are_kept_finite(part):
    camera = camera_values(Camera(100, 100, 1.0, 0.0))
    uv = part("scene.projection").camera_uv(np.array([[0, -5, 0], [0, 0, 0], [1e6, 1e-3, 0]], np.float32), camera)
    assert np.isfinite(uv).all() and np.abs(uv).max() <= 2.0


@pytest.fixture
def bake(terrain, scene):
    """A function: bake with this much photograph; float32 (96, 96, 4), far side on top."""
    def bake(amount: float, size: int = 96) -> np.ndarray:
        Look(scene).photo_amount = amount
        return baked(terrain, scene, size)

    return bake


def baked(terrain, scene, size: int) -> np.ndarray:
    """Bake into a small image: sizes in the panel begin at 1024, the operator takes the image that is there."""
    import importlib

    module = importlib.import_module(f"{MODULE}.addon.scene.bake")
    ended = []
    module.bake(bpy.context, terrain, size, ended.append)
    assert ended == [module.IMAGE_NAME]
    return pixels_of(bpy.data.images[ended[0]])


def test_no_photo_on_hidden_cells_and_all_of_it_on_seen_ones(bake, photo):
    with_photo, without = bake(1.0, 188), bake(0.0, 188)
    hidden, seen = where(photo == 0, 188), where(photo == 1, 188)
    assert hidden.mean() > 0.1 and seen.mean() > 0.1
    assert np.array_equal(with_photo[hidden], without[hidden])
    assert is_photo(without).max() < 0.1
    assert is_photo(with_photo)[seen].min() > 0.95


def where(points: np.ndarray, size: int) -> np.ndarray:
    """Pixels of an image over the UV map that lie in cells all of whose corners are among these points."""
    cells = points[1:, :-1] & points[1:, 1:] & points[:-1, :-1] & points[:-1, 1:]
    at = (np.arange(size) + 0.5) / size * cells.shape[0]
    inner = at[:, None], at[None, :]
    away = [np.abs(a - np.round(a)) * size / cells.shape[0] > 0.5 for a in inner]    # a pixel has a width
    return cells[inner[0].astype(int), inner[1].astype(int)] & away[0] & away[1]


def test_the_bake_equals_the_shader(terrain, scene, tmp_path, part):
    image = baked(terrain, scene, 96)[..., :3]
    material = part("scene.material")
    material.set_value(terrain.active_material, material.FLAT, 1.0)
    seen = render_from_above(terrain, 96, tmp_path / "above.png", samples=16)[..., :3]
    off = np.abs(image - seen)[2:-2, 2:-2]
    assert image.std() > 0.1 and np.median(off) < 0.01 and np.percentile(off, 95) < 0.05, (np.median(off), np.percentile(off, 95))


def test_the_bake_leaves_scene_and_material_as_they_were(terrain, scene, part):
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.cycles.samples = 77
    Look(scene).look = "EVIDENCE"
    baked(terrain, scene, 64)
    assert scene.render.engine == "BLENDER_WORKBENCH" and scene.cycles.samples == 77
    assert Look(scene).look == "EVIDENCE"
    material = part("scene.material")
    assert material.value_of(terrain.active_material, material.FLAT) == 0.0
    assert not [f for f in bpy.app.handlers.object_bake_complete if f.__module__.startswith(MODULE)]


def test_the_bake_button(terrain, scene, tmp_path):
    Look(scene).bake_size = "1024"
    assert bpy.ops.photo_to_terrain.bake_colors() == {"FINISHED"}
    image = bpy.data.images["Terrain Color"]
    assert tuple(image.size) == (1024, 1024)
    colors = pixels_of(image)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "baked.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "baked.blend"))
    assert np.array_equal(pixels_of(bpy.data.images["Terrain Color"]), colors) and colors[..., :3].std() > 0.1
    terrain = bpy.data.objects["Terrain"]
    terrain.hide_render = True
    with pytest.raises(RuntimeError, match="hidden"):
        bpy.ops.photo_to_terrain.bake_colors()


def test_grazing_ground_has_no_photo(scene, part, tmp_path, heights):
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), heights)
    facing = np.full(heights.shape, math.sin(math.radians(8.0)))
    write_surface(folder, np.ones(heights.shape), facing)
    terrain = part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
    look = Look(scene)
    look.grazing = math.radians(2.0)
    assert is_photo(baked(terrain, scene, 48)).min() > 0.95
    look.grazing = math.radians(20.0)
    assert is_photo(baked(terrain, scene, 48)).max() < 0.1


def test_looks_and_sliders_are_kept_by_the_file_and_need_no_addon(terrain, scene, part, tmp_path):
    look = Look(scene)
    look.look, look.photo_amount, look.snow_line, look.grazing = "HEIGHT", 0.25, 1234.0, math.radians(15)
    saved = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(saved))
        nodes = bpy.data.objects["Terrain"].active_material.node_tree.nodes
        values = {name: nodes[name].outputs[0].default_value for name in ("Look", "Photo Amount", "Snow Line", "Grazing Fade")}
        assert values == pytest.approx({"Look": 4.0, "Photo Amount": 0.25, "Snow Line": 1234.0, "Grazing Fade": 15.0})
        assert nodes["Photo"].image.packed_file and nodes["Tint"].image.packed_file
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    look = Look(bpy.context.scene)
    assert look.look == "HEIGHT" and look.photo_amount == 0.25 and look.snow_line == 1234.0


def test_every_look_shows_something_else(terrain, scene, tmp_path, part):
    look, material = Look(scene), part("scene.material")
    material.set_value(terrain.active_material, material.FLAT, 1.0)
    pictures = []
    for name in ("PHOTO", "GROUND", "EVIDENCE", "SHADOW", "HEIGHT"):
        look.look = name
        pictures.append(render_from_above(terrain, 40, tmp_path / f"{name}.png", 1)[..., :3])
    for k, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > 0.03 for other in pictures[:k])
    evidence = pictures[2]
    assert (evidence[:, :17, 0] > evidence[:, :17, 2]).all()     # seen: sand
    assert (evidence[:, 24:, 2] > evidence[:, 24:, 0]).all()     # invented: blue


def test_undo_takes_a_look_back(terrain, scene):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    Look(scene).look = "EVIDENCE"
    bpy.ops.ed.undo_push(message="look")
    bpy.ops.ed.undo()
    assert Look(bpy.context.scene).look == "PHOTO"


def test_a_result_of_an_earlier_version_gets_painted_ground(scene, part, tmp_path, heights):
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), heights)
    terrain = part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
    assert [layer.name for layer in terrain.data.uv_layers] == ["UVMap"]
    colors = baked(terrain, scene, 48)[..., :3]
    assert colors.std() > 0.01 and is_photo(colors).max() < 0.1
