"""Draws the picture over its mask in every Image Editor that shows one, so that the classes tint the picture.

The brushes paint on the mask below. How strong the picture is, is the scene's `mask_picture`.
"""

from __future__ import annotations

from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from .mask_image import is_mask, pixels_in, under_of

_handle: list[Any] = []
_textures: dict[tuple[str, int], Any] = {}
"""The newest one only; its key is the picture's name and the strength in percent."""


def draw() -> None:
    """Called by Blender for each Image Editor."""
    context = bpy.context
    space, region = context.space_data, context.region
    image = getattr(space, "image", None)
    if not is_mask(image) or image.size[0] == 0:
        return
    under, strength = under_of(image), round(100 * context.scene.photo_to_terrain.mask_picture)
    if under is None or not strength:
        return
    left, bottom = region.view2d.view_to_region(0.0, 0.0, clip=False)
    right, top = region.view2d.view_to_region(1.0, 1.0, clip=False)
    shader = gpu.shader.from_builtin("IMAGE")
    batch = batch_for_shader(shader, "TRI_FAN", {
        "pos": [(left, bottom, 0.0), (right, bottom, 0.0), (right, top, 0.0), (left, top, 0.0)],
        "texCoord": [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]})
    gpu.state.blend_set("ALPHA")
    shader.bind()
    shader.uniform_sampler("image", texture_of(under, strength))
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def texture_of(under: bpy.types.Image, percent: int) -> gpu.types.GPUTexture:
    """The picture as a texture of this opacity."""
    key = (under.name, percent)
    if key not in _textures:
        pixels = pixels_in(under)
        pixels[3::4] = percent / 100
        data = gpu.types.Buffer("FLOAT", len(pixels), pixels)    # type: ignore[call-arg]
        _textures.clear()
        _textures[key] = gpu.types.GPUTexture(tuple(under.size), format="RGBA16F", data=data)    # type: ignore[call-arg]
    return _textures[key]


def redraw_editors() -> None:
    """Draw every Image Editor again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                area.tag_redraw()


def forget() -> None:
    """Another file is there, in which another picture may have the same name."""
    _textures.clear()


def register() -> None:
    """Begin to draw."""
    if not bpy.app.background:
        _handle.append(bpy.types.SpaceImageEditor.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    """Stop."""
    while _handle:
        bpy.types.SpaceImageEditor.draw_handler_remove(_handle.pop(), "WINDOW")
    forget()
