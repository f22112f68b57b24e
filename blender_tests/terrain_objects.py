"""A finished terrain object, made up here, and what its mesh holds."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from backend.camera import Camera
from blender_tests.results import write_picture, write_result
from blender_tests.surfaces import pixels_of, write_surface

ROWS, COLS = 41, 60
PREFIX = "photo_to_terrain_"


def rough_ground() -> np.ndarray:
    """float32 (41, 60): no two points alike."""
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    noise = np.random.default_rng(5).normal(0, 2, (ROWS, COLS))
    return (300 - 5 * rows + 2 * cols + 20 * np.sin(cols / 4) + noise).astype(np.float32)


def put_terrain(scene: bpy.types.Scene, part, folder: Path) -> bpy.types.Object:
    """A finished terrain of `rough_ground` with a photograph on its left half, slope and flow."""
    heights = rough_ground()
    camera = Camera(320, 240, 1.0, -0.4, 0.0, (0.0, -150.0, float(heights.max()) + 120.0))    # looks down on it
    write_result(folder / "job", write_picture(folder / "a.png"), heights, camera=camera)
    photo = np.zeros(heights.shape)
    photo[:, : COLS // 2] = 1.0
    write_surface(folder / "job", photo, rock=np.ones(heights.shape))
    np.save(folder / "job" / "analysis.npy", np.stack([heights / 10, heights * 7]).astype(np.float32))
    return part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder / "job"))


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


def small_render(scene: bpy.types.Scene, path) -> np.ndarray:
    """float32 (48, 64, 4): through the terrain's camera."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 2, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return pixels_of(bpy.data.images.load(str(path)))
