"""The surface files of a job's folder, made up here, and small renders to see what a material makes of them."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

PHOTO_COLOR = (1.0, 0.0, 1.0)
"""Of the made up photograph: no ground has it."""


class Look:
    """The scene's properties of the look, without their prefix."""

    def __init__(self, scene: bpy.types.Scene):
        object.__setattr__(self, "scene", scene)

    def __getattr__(self, name: str):
        return getattr(self.scene, "photo_to_terrain_" + name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.scene, "photo_to_terrain_" + name, value)


def write_surface(folder: Path, photo: np.ndarray, facing: np.ndarray | None = None, rock: np.ndarray | None = None) -> None:
    """Add surface.npy, ground.jpg and tint.png. photo, facing, rock: 0..1 (rows, cols)."""
    layers = np.zeros((5, *photo.shape), np.uint8)
    layers[0] = 255 * photo
    layers[1] = 255 if facing is None else 255 * facing
    layers[2] = 0 if rock is None else 255 * rock
    np.save(folder / "surface.npy", layers)
    save_image(folder / "ground.jpg", np.broadcast_to(np.array(PHOTO_COLOR), (24, 32, 3)), "JPEG")
    save_image(folder / "tint.png", np.full((4, 4, 3), 0.5), "PNG")    # opaque: all of the tone is taken


def save_image(path: Path, colors: np.ndarray, kind: str) -> None:
    """colors: (height, width, 3), encoded 0..1, first row below."""
    height, width = colors.shape[:2]
    image = bpy.data.images.new("made up", width, height)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = colors
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(path), kind
    image.save()
    bpy.data.images.remove(image)


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """float32 (height, width, 4), first row on top."""
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def render_from_above(terrain: bpy.types.Object, size: int, path: Path, samples: int = 4) -> np.ndarray:
    """float32 (size, size, 4), far side on top: the terrain seen from straight above, as an image over its UV map.

    Only for a square grid. Without color management beyond sRGB's own curve.
    """
    scene = bpy.context.scene
    points = np.empty(3 * len(terrain.data.vertices), np.float32)
    terrain.data.vertices.foreach_get("co", points)
    low, high = points.reshape(-1, 3).min(0), points.reshape(-1, 3).max(0)
    data = bpy.data.cameras.new("Above")
    data.type, data.ortho_scale, data.clip_end = "ORTHO", float(high[0] - low[0]), 1e6
    camera = bpy.data.objects.new("Above", data)
    camera.location = (*(0.5 * (low[:2] + high[:2])), float(high[2]) + 100.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = samples, False, "CPU"
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    return pixels_of(image)
