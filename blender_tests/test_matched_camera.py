"""Blender's camera projects the terrain exactly as the backend's camera does."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from backend.camera import Camera
from blender_tests.results import camera_values, write_picture

VIEWS = [
    Camera(1600, 1200, 1.1, 0.12, 0.0, (0.0, 0.0, 450.0)),
    Camera(1600, 1200, 0.7, -0.35, 0.1, (0.0, 0.0, 1450.5)),
    Camera(900, 1600, 0.8, 0.05, -0.2, (12.0, -30.0, 20.0)),      # a portrait
    Camera(4000, 1000, 1.9, 0.0, 0.0, (0.0, 0.0, 3.0)),           # a panorama
]


@pytest.mark.parametrize("view", VIEWS)
def test_points_land_on_the_same_pixels(scene, part, view):
    matched = part("scene.matched_camera")
    camera = matched.make_camera("Test", camera_values(view), 12_000.0)
    scene.collection.objects.link(camera)
    matched.frame_picture(scene, view.width, view.height)
    bpy.context.view_layer.update()
    generator = np.random.default_rng(1)
    points = generator.uniform((-2000, 500, -300), (2000, 9000, 1500), (200, 3))
    u, v, depth = view.project(points)
    for point, wanted_u, wanted_v, wanted_depth in zip(points, u, v, depth, strict=True):
        if wanted_depth < 100:
            continue
        seen = world_to_camera_view(scene, camera, Vector(point))
        assert seen.x * view.width == pytest.approx(wanted_u, abs=0.02)
        assert (1 - seen.y) * view.height == pytest.approx(wanted_v, abs=0.02)
        assert seen.z == pytest.approx(wanted_depth, rel=1e-5)


def test_render_has_the_size_of_the_picture(part):
    """As it was, not as the backend worked with it; never with another shape than the camera's."""
    size = part("scene.result").render_size
    camera = {"width": 1000, "height": 750}
    assert size({"picture": {"original_width": 1600, "original_height": 1200}, "camera": camera}) == (1600, 1200)
    assert size({"picture": {"original_width": 1200, "original_height": 1600}, "camera": camera}) == (1000, 750)
    assert size({"picture": {}, "camera": camera}) == (1000, 750)


def test_far_plane_is_behind_the_terrain(scene, part):
    camera = part("scene.matched_camera").make_camera("Test", camera_values(VIEWS[0]), 12_000.0)
    assert camera.data.clip_end > 12_000 and 0 < camera.data.clip_start < 5


def test_backdrop(scene, part, tmp_path):
    matched = part("scene.matched_camera")
    camera = matched.make_camera("Test", camera_values(VIEWS[0]), 12_000.0)
    image = matched.put_backdrop(camera, write_picture(tmp_path / "Señor ⛰ 1.png"))
    backdrop = camera.data.background_images[0]
    assert camera.data.show_background_images and backdrop.image == image and backdrop.display_depth == "BACK"
    assert matched.put_backdrop(camera, tmp_path / "none.png") is None


@pytest.mark.parametrize("orientation", range(2, 9))
def test_pictures_are_turned_as_exif_says(scene, part, tmp_path, orientation):
    """Each orientation undoes what a camera held that way has done."""
    upright = part("scene.upright_picture")
    top_down = np.random.default_rng(0).random((3, 5, 4)).astype(np.float32)
    stored = {2: top_down[:, ::-1], 3: top_down[::-1, ::-1], 4: top_down[::-1], 5: top_down.transpose(1, 0, 2),
              6: np.rot90(top_down, 1), 7: np.rot90(top_down, 2).transpose(1, 0, 2), 8: np.rot90(top_down, -1)}
    pixels = stored[orientation]
    image = bpy.data.images.new("stored", pixels.shape[1], pixels.shape[0], float_buffer=True)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
    turned = upright.turned(image, orientation)
    assert tuple(turned.size) == (5, 3)
    result = np.empty(60, np.float32)
    turned.pixels.foreach_get(result)
    assert np.abs(result.reshape(3, 5, 4)[::-1] - top_down).max() < 0.01


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_orientation_is_read(part, tmp_path, order):
    import struct

    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 1)
    tiff += struct.pack(order + "HHIHH", 0x0112, 3, 1, 6, 0)
    app1 = b"Exif\0\0" + tiff
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + b"\xff\xd9"
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg)
    read = part("scene.upright_picture").exif_orientation
    assert read(path) == 6
    for length in range(len(jpeg)):    # cut off anywhere
        path.write_bytes(jpeg[:length])
        assert read(path) in (1, 6)
    assert read(tmp_path / "none.jpg") == 1
