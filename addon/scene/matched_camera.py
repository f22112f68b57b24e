"""The camera that sees the terrain as the picture does, with the picture behind it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy

from .upright_picture import load_upright

SENSOR_MM = 36.0
"""Width of a full-frame sensor: focal lengths read as photographers know them."""

CLIP_START_SHARE = 1e-5
"""Near plane as a share of the far one: a 24-bit depth buffer keeps ridges apart with it."""


def make_camera(name: str, values: dict[str, Any], far_m: float) -> bpy.types.Object:
    """A camera object from `camera` of report.json or of a preview. far_m: diagonal of the terrain.

    Pixels are square and the principal point is centered, as in backend/camera.py.
    """
    data = bpy.data.cameras.new(name)
    camera = bpy.data.objects.new(name, data)
    place_camera(camera, values, far_m)
    return camera


def place_camera(camera: bpy.types.Object, values: dict[str, Any], far_m: float) -> None:
    """Give a camera the place, direction and field of view of `values`."""
    data = camera.data
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_MM
    data.lens = 0.5 * SENSOR_MM / math.tan(math.radians(values["fov_x_deg"]) / 2)
    data.shift_x = data.shift_y = 0.0
    data.clip_end = 4.0 * far_m
    data.clip_start = max(0.1, CLIP_START_SHARE * data.clip_end)
    data.passepartout_alpha = 0.85
    data.display_size = 0.02 * far_m
    camera.location = values["position_m"]
    camera.rotation_mode = "XYZ"
    camera.rotation_euler = values["blender_euler_rad"]


def put_backdrop(camera: bpy.types.Object, picture: Path, name: str = "") -> bpy.types.Image | None:
    """Show the picture behind the scene in the camera's view. None, and no change, when the file cannot be shown.

    name: for the image where the file's own says less.
    """
    image = load_upright(picture)
    if image is None:
        return None
    if name:
        image.name = name
    data = camera.data
    data.background_images.clear()
    backdrop = data.background_images.new()
    backdrop.image = image
    backdrop.alpha = 1.0
    backdrop.display_depth = "BACK"
    backdrop.frame_method = "STRETCH"    # the frame has the picture's shape, so nothing is stretched
    data.show_background_images = True
    return image


def render_size(report: dict[str, Any]) -> tuple[int, int]:
    """Width and height of the picture as it was before the backend reduced it, if that has the camera's shape."""
    picture, camera = report["picture"], report["camera"]
    width, height = (int(picture.get(name, 0)) for name in ("original_width", "original_height"))
    if height and abs(width / height - camera["width"] / camera["height"]) < 0.01:
        return width, height
    return int(camera["width"]), int(camera["height"])


def frame_picture(scene: bpy.types.Scene, width: int, height: int) -> None:
    """Give renders this size, and with it the camera the shape of the picture."""
    render = scene.render
    render.resolution_x, render.resolution_y = width, height
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
