"""Bakes what the material paints, photograph and ground, into one image over the terrain's UV map, with Blender's own baker.

The material itself is evaluated, unlit, so that the image equals what is rendered. In a window Blender bakes in a job of its
own, with its progress bar, and Esc ends it; in background mode the call returns when it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from .grid_mesh import UV_NAME
from .material import FLAT, GROUND, LOOK, PACK_MARK, PHOTO, set_value, value_of

IMAGE_NAME = "Terrain Color"
NODE_NAME = "Baked"

SAMPLES = {1024: 4, 2048: 4, 4096: 2}
"""Size -> places looked at within each pixel; 1 in larger images, whose pixels are finer than the ground's finest noise."""


class NoBake(ValueError):
    """Why nothing can be baked, in one sentence."""


def bake(context: bpy.types.Context, terrain: bpy.types.Object, size: int, done: Callable[[str | None], None]) -> None:
    """Begin, and in background mode finish, a bake. done: called with the image's name, or None when it was cancelled.

    The object becomes the only selected one. Scene and material are as before when `done` is called. Raises NoBake.
    """
    material = terrain.active_material
    if context.mode != "OBJECT":
        raise NoBake("Baking needs Object Mode; leave the mode that you are in first.")
    if terrain.name not in context.view_layer.objects or terrain.hide_render:
        raise NoBake("The terrain is hidden; show it in the view layer and in renders first.")
    if terrain.data.uv_layers.get(UV_NAME) is None:
        raise NoBake(f"The terrain has lost its UV map {UV_NAME}, over which the image is laid.")
    if bpy.app.is_job_running("OBJECT_BAKE") or bpy.app.is_job_running("RENDER"):
        raise NoBake("Blender is rendering or baking already; wait for its end.")
    image = image_for(material, size)
    restore = prepare(context, terrain, material, SAMPLES.get(size, 1 if size > 4096 else 4))
    how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
    if not bpy.app.background:
        handlers = bpy.app.handlers
        for calls, ended in ((handlers.object_bake_complete, image.name), (handlers.object_bake_cancel, None)):
            calls.append(_listener(restore, done, ended))
    try:
        state = bpy.ops.object.bake(how, type="EMIT", target="IMAGE_TEXTURES", save_mode="INTERNAL", use_clear=True, margin=2,
                                    use_selected_to_active=False, use_split_materials=False, uv_layer=UV_NAME)
    except RuntimeError as problem:
        _forget_listeners()
        restore()
        raise NoBake(f"Blender cannot bake this: {problem}") from problem
    if "CANCELLED" in state:
        _forget_listeners()
        restore()
        raise NoBake("Blender did not begin the bake.")
    if bpy.app.background:    # Blender calls no handlers then
        restore()
        done(image.name)


def image_for(material: bpy.types.Material, size: int) -> bpy.types.Image:
    """An empty image of this size in the material's active image node, which is linked to nothing.

    Active, so that it is the bake's target and what solid view shows when its color is set to Texture.
    """
    nodes = material.node_tree.nodes
    node = nodes.get(NODE_NAME)
    if node is None:
        node = nodes.new("ShaderNodeTexImage")
        node.name = node.label = NODE_NAME
        node.location = (-300, 300)
    if node.image is not None and tuple(node.image.size) != (size, size):
        if node.image.users == 1:
            bpy.data.images.remove(node.image)
        node.image = None
    if node.image is None:
        node.image = bpy.data.images.new(IMAGE_NAME, size, size, alpha=False)
        node.image[PACK_MARK] = True
    for other in nodes:
        other.select = False
    node.select = True
    nodes.active = node
    return node.image


def prepare(context: bpy.types.Context, terrain: bpy.types.Object, material: bpy.types.Material,
            samples: int) -> Callable[[], None]:
    """Set scene and material up for the bake. Returns what puts them back."""
    scene = context.scene
    before: list[tuple[Any, str, Any]] = []

    def change(owner: Any, name: str, value: Any) -> None:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    change(scene.render, "engine", "CYCLES")
    for name, value in (("samples", samples), ("use_denoising", False), ("use_adaptive_sampling", False)):
        change(scene.cycles, name, value)
    look = value_of(material, LOOK)
    set_value(material, FLAT, 1.0)
    set_value(material, LOOK, GROUND if round(look) == GROUND else PHOTO)
    for other in context.view_layer.objects:
        if other.select_get():
            other.select_set(False)
    terrain.select_set(True)
    context.view_layer.objects.active = terrain

    def restore() -> None:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
        set_value(material, FLAT, 0.0)
        set_value(material, LOOK, look)

    return restore


_listeners: list[Callable[..., None]] = []


def _listener(restore: Callable[[], None], done: Callable[[str | None], None], ended: str | None) -> Callable[..., None]:
    """What Blender calls at the end of a bake; it takes itself and its twin away."""
    def listen(*_: object) -> None:
        _forget_listeners()
        restore()
        done(ended)

    _listeners.append(listen)
    return listen


def _forget_listeners() -> None:
    for handlers in (bpy.app.handlers.object_bake_complete, bpy.app.handlers.object_bake_cancel):
        for listener in _listeners:
            if listener in handlers:
                handlers.remove(listener)
    _listeners.clear()
