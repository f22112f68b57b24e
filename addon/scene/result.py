"""A finished terrain in the scene: mesh, matched camera with the picture behind it, sun, sky, ranges of the views."""

from __future__ import annotations

import contextlib
import json

import bpy
import numpy as np

from ..steps import Ahead, Steps, ready, run
from . import result_collections as places
from . import side_by_side, thumbnail, variations
from .draft import diagonal, drop_draft
from .grid_mesh import terrain_steps
from .light import SUN_NAME, make_sun, put_sky
from .matched_camera import frame_picture, make_camera, put_backdrop, render_size
from .photo_ridges import keep_ridges
from .result_folder import FinishedTerrain
from .surface import dress_steps
from .terrain_modifiers import modifier_steps
from .viewport import reach

TERRAIN, CAMERA = "Terrain", "Terrain Camera"

def put_result(scene: bpy.types.Scene, finished: FinishedTerrain) -> bpy.types.Object:
    """Add a finished terrain to the scene at once and return its mesh object."""
    return run(result_steps(scene, finished))


def result_steps(scene: bpy.types.Scene, finished: FinishedTerrain) -> Steps[bpy.types.Object]:
    """Add a finished terrain to the scene and return its mesh object.

    All is made ready beside the scene; the last step puts it in, in the place of the draft. Ended early, nothing has changed. A
    terrain of the same picture, seed and typed pitch is replaced unless it is locked; others are kept, hidden. Whatever the scene
    uses is stored in the file: the picture is packed, and no part of it needs the add-on.
    """
    far_m = diagonal(finished.grid)
    made: list[bpy.types.Object] = []
    try:
        made.append(bpy.data.objects.new(TERRAIN, (yield from terrain_steps(TERRAIN, finished.grid, finished.evidence))))
        yield from dress_steps(made[0], finished)
        yield from modifier_steps(made[0], *finished.grid.heights.shape)
        yield
        made.append(make_camera(CAMERA, finished.report["camera"], far_m))
        image = put_backdrop(made[1], finished.backdrop or finished.picture, finished.picture.name)
        yield
        if image is not None and not image.packed_file:
            image.pack()
        made.append(make_sun(0.5 * far_m))
        yield
        with Ahead() as soon:
            picture = yield from ready(soon(thumbnail.draw, finished.grid, finished.evidence))
        _put_in(scene, finished, made, picture)
    except BaseException:
        for thing in made:
            with contextlib.suppress(ReferenceError):
                places.remove_object(thing)
        raise
    return made[0]


def _put_in(scene: bpy.types.Scene, finished: FinishedTerrain, things: list[bpy.types.Object], picture: np.ndarray) -> None:
    """The last step. things: terrain, camera and sun.   picture: of thumbnail.py."""
    report = finished.report
    drop_draft(scene)
    key, name = variations.make_room(scene, report)
    collection = places.add(scene, name)
    variations.sign(collection, key, report)
    collection[places.REPORT_MARK] = json.dumps(report, ensure_ascii=False)
    thumbnail.put(collection, picture)
    keep_ridges(collection, finished.folder)
    for thing, name in zip(things, (TERRAIN, CAMERA, SUN_NAME), strict=True):
        thing.name = thing.data.name = name    # while the draft or the replaced terrain had it, it had to be another one
        collection.objects.link(thing)
    scene.camera = things[1]
    side_by_side.arrange(scene)
    side_by_side.light_only(scene, collection)
    frame_picture(scene, *render_size(report))
    put_sky(scene)
    reach(diagonal(finished.grid))


def select_only(view_layer: bpy.types.ViewLayer, thing: bpy.types.Object) -> None:
    """Make one object the selected and active one, if this view layer shows it."""
    view_layer.update()    # else it does not know objects that were just added
    for other in view_layer.objects:
        if other.select_get(view_layer=view_layer):
            other.select_set(False, view_layer=view_layer)
    if thing.name in view_layer.objects:
        thing.select_set(True, view_layer=view_layer)
        view_layer.objects.active = thing
