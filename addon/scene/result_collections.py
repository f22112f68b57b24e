"""Where results live in a scene: one collection for all, in it one for every terrain. Found by mark, not by name."""

from __future__ import annotations

import json
from typing import Any

import bpy

from .material import drop_material
from .terrain_modifiers import MODIFIER_GROUPS

ROOT_NAME = "Photo to Terrain"
ROOT_MARK = "photo_to_terrain"
KEY_MARK, REPORT_MARK, DRAFT_MARK = "photo_to_terrain_key", "photo_to_terrain_report", "photo_to_terrain_draft"
"""Custom properties. Plain text, so that the file keeps them and needs nothing to read them."""


def root_of(scene: bpy.types.Scene) -> bpy.types.Collection:
    """The scene's collection of all terrains; made when there is none."""
    root = find_root(scene)
    if root is None:
        root = bpy.data.collections.new(ROOT_NAME)
        root[ROOT_MARK] = True
        scene.collection.children.link(root)
    return root


def find_root(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The scene's collection of all terrains, if there is one."""
    return next((c for c in scene.collection.children if ROOT_MARK in c), None)


def results(scene: bpy.types.Scene) -> list[bpy.types.Collection]:
    """The collections of finished terrains, oldest first."""
    root = find_root(scene)
    return [c for c in root.children if KEY_MARK in c] if root else []


def shown_result(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The terrain that is not hidden; of several, as when they stand side by side, the one of the scene's camera or the newest."""
    shown = [c for c in results(scene) if not is_hidden(scene, c)]
    chosen = next((c for c in shown if scene.camera is not None and camera_in(c) == scene.camera), None)
    return chosen or (shown[-1] if shown else None)


def report_of(collection: bpy.types.Collection) -> dict[str, Any]:
    """The report of a finished terrain; empty when somebody has changed it into nonsense."""
    try:
        report = json.loads(collection.get(REPORT_MARK, "{}"))
    except (ValueError, TypeError):
        return {}
    return report if isinstance(report, dict) else {}


def add(scene: bpy.types.Scene, name: str) -> bpy.types.Collection:
    """A new, empty collection for one terrain."""
    collection = bpy.data.collections.new(name)
    root_of(scene).children.link(collection)
    return collection


def remove(collection: bpy.types.Collection) -> None:
    """Delete a terrain: its collection, objects and what only they use."""
    for thing in list(collection.objects):
        remove_object(thing)
    bpy.data.collections.remove(collection)


def remove_object(thing: bpy.types.Object) -> None:
    """Delete an object and what only it uses: mesh or camera, materials and their images, our node groups of its modifiers."""
    data = thing.data
    materials = [slot.material for slot in thing.material_slots]
    groups = {m.node_group for m in thing.modifiers if m.type == "NODES" and m.node_group and m.node_group.name in MODIFIER_GROUPS}
    bpy.data.objects.remove(thing)
    if data is not None and not data.users:
        bpy.data.batch_remove([data])
    for material in materials:
        if material is not None:
            drop_material(material)
    bpy.data.batch_remove([group for group in groups if not group.users])


def hide(scene: bpy.types.Scene, collection: bpy.types.Collection, hidden: bool) -> None:
    """Take a terrain out of views and renders, or bring it back: the box before its name in the outliner."""
    for layer in _layers_of(scene, collection):
        layer.exclude = hidden


def is_hidden(scene: bpy.types.Scene, collection: bpy.types.Collection) -> bool:
    """Whether no view layer shows a terrain."""
    return all(layer.exclude for layer in _layers_of(scene, collection))


def _layers_of(scene: bpy.types.Scene, collection: bpy.types.Collection) -> list[bpy.types.LayerCollection]:
    """The terrain's entry in each view layer."""
    waiting = [view_layer.layer_collection for view_layer in scene.view_layers]
    found = []
    while waiting:
        layer = waiting.pop()
        if layer.collection == collection:
            found.append(layer)
        waiting.extend(layer.children)
    return found


def terrain_in(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The terrain's mesh object."""
    return next((o for o in collection.objects if o.type == "MESH"), None)


def camera_in(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The picture's camera."""
    return next((o for o in collection.objects if o.type == "CAMERA"), None)
