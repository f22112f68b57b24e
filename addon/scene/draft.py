"""The terrain in the making, shown while the backend works. Nothing of it is left when the job is over."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy

from ..steps import Ahead, Steps, ready
from . import result_collections as places
from .grid_mesh import draft_steps as mesh_steps
from .grid_mesh import move_draft
from .light import make_sun
from .matched_camera import frame_picture, make_camera, place_camera, put_backdrop
from .result_folder import HeightGrid, read_preview
from .viewport import reach

MOST_POINTS = 512
"""Along each side of a draft: its mesh is remade within the time of a few frames."""

NAME = "Draft"


def find_draft(scene: bpy.types.Scene) -> bpy.types.Collection | None:
    """The draft's collection; looked up anew each time, because undo replaces every object."""
    root = places.find_root(scene)
    return next((c for c in root.children if places.DRAFT_MARK in c), None) if root else None


def draft_steps(scene: bpy.types.Scene, preview: dict[str, Any], picture: Path) -> Steps[None]:
    """Show the heights of a `preview` message. Raises DamagedResult. Ended early, the draft stays as it was."""
    with Ahead() as soon:
        grid = yield from ready(soon(read_coarse, preview))
    far_m = diagonal(grid)
    collection = find_draft(scene)
    terrain = places.terrain_in(collection) if collection else None
    mesh = None
    if terrain is None or not move_draft(terrain.data, grid):
        mesh = yield from mesh_steps(NAME, grid)
        collection = find_draft(scene)    # looked up again: there were steps in between
        terrain = places.terrain_in(collection) if collection else None
    is_new = collection is None
    if collection is None:
        collection = _begin(scene, preview, far_m)
    camera = places.camera_in(collection)
    if camera is not None:
        place_camera(camera, preview["camera"], far_m)
    if mesh is not None and terrain is not None:
        old, terrain.data = terrain.data, mesh
        bpy.data.meshes.remove(old)
    elif mesh is not None:
        collection.objects.link(bpy.data.objects.new(NAME, mesh))
    if is_new and camera is not None:
        yield
        put_backdrop(camera, Path(preview.get("backdrop", picture)), picture.name)


def read_coarse(preview: dict[str, Any]) -> HeightGrid:
    """A preview's heights as far as a draft shows them. Raises DamagedResult. Touches no bpy."""
    return read_preview(preview).coarse(MOST_POINTS)


def drop_draft(scene: bpy.types.Scene) -> None:
    """Remove the draft and put back what it had hidden."""
    collection = find_draft(scene)
    if collection is None:
        return
    hidden = collection[places.DRAFT_MARK]["hidden"].split("\n")
    camera_before = collection[places.DRAFT_MARK]["camera"]
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = collection[places.DRAFT_MARK]["size"]
    for other in places.results(scene):
        if other[places.KEY_MARK] in hidden:
            places.hide(scene, other, False)
    if scene.camera is None or scene.camera in list(collection.objects):
        scene.camera = scene.objects.get(camera_before)
    places.remove(collection)
    root = places.find_root(scene)
    if root is not None and not root.children and not root.objects:
        bpy.data.collections.remove(root)


def diagonal(grid: HeightGrid) -> float:
    """Length of the terrain from corner to corner, in meters; what far planes are made of."""
    return grid.dx_m * math.hypot(*grid.heights.shape)


def _begin(scene: bpy.types.Scene, preview: dict[str, Any], far_m: float) -> bpy.types.Collection:
    """The draft's collection with camera and light; earlier terrains are hidden behind it."""
    shown = [c for c in places.results(scene) if not places.is_hidden(scene, c)]
    for other in shown:
        places.hide(scene, other, True)
    collection = places.add(scene, NAME)
    collection[places.DRAFT_MARK] = {
        "hidden": "\n".join(c[places.KEY_MARK] for c in shown),
        "camera": scene.camera.name if scene.camera else "",
        "size": [scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage],
    }
    camera = make_camera(f"{NAME} Camera", preview["camera"], far_m)
    collection.objects.link(camera)
    collection.objects.link(make_sun(0.5 * far_m))
    scene.camera = camera
    frame_picture(scene, int(preview["camera"]["width"]), int(preview["camera"]["height"]))
    reach(far_m)
    return collection
