"""A finished terrain in the scene: mesh, matched camera with the picture behind it, sun, sky, ranges of the views."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import bpy

from ..steps import Steps, run
from . import result_collections as places
from .draft import diagonal, drop_draft
from .grid_mesh import terrain_steps
from .light import SUN_NAME, make_sun, put_sky
from .matched_camera import frame_picture, make_camera, put_backdrop
from .photo_ridges import keep_ridges
from .result_folder import FinishedTerrain, key_of, typed_pitch
from .surface import dress_steps
from .viewport import reach

TERRAIN, CAMERA = "Terrain", "Terrain Camera"

NAME_LENGTH = 40
"""Letters of a picture's name that go into object names; Blender cuts names at 63 bytes."""


def put_result(scene: bpy.types.Scene, finished: FinishedTerrain) -> bpy.types.Object:
    """Add a finished terrain to the scene at once and return its mesh object."""
    return run(result_steps(scene, finished))


def result_steps(scene: bpy.types.Scene, finished: FinishedTerrain) -> Steps[bpy.types.Object]:
    """Add a finished terrain to the scene and return its mesh object.

    All is made ready beside the scene; the last step puts it in, in the place of the draft. Ended early, nothing has changed. A
    terrain of the same picture, seed and typed pitch is replaced; others are kept, hidden. Whatever the scene uses is stored
    in the file: the picture is packed, and no part of it needs the add-on.
    """
    far_m = diagonal(finished.grid)
    made: list[bpy.types.Object] = []
    try:
        made.append(bpy.data.objects.new(TERRAIN, (yield from terrain_steps(TERRAIN, finished.grid, finished.evidence))))
        yield from dress_steps(made[0], finished)
        yield
        made.append(make_camera(CAMERA, finished.report["camera"], far_m))
        image = put_backdrop(made[1], finished.picture)
        yield
        if image is not None and not image.packed_file:
            image.pack()
        made.append(make_sun(0.5 * far_m))
        yield
        _put_in(scene, finished, made)
    except BaseException:
        for thing in made:
            with contextlib.suppress(ReferenceError):
                places.remove_object(thing)
        raise
    return made[0]


def _put_in(scene: bpy.types.Scene, finished: FinishedTerrain, things: list[bpy.types.Object]) -> None:
    """The last step. things: terrain, camera and sun."""
    report, key = finished.report, key_of(finished.report)
    drop_draft(scene)
    for earlier in places.results(scene):
        if earlier[places.KEY_MARK] == key:
            places.remove(earlier)
        else:
            places.hide(scene, earlier, True)
    collection = places.add(scene, title_of(finished))
    collection[places.KEY_MARK] = key
    collection[places.REPORT_MARK] = json.dumps(report, ensure_ascii=False)
    keep_ridges(collection, finished.folder)
    for thing, name in zip(things, (TERRAIN, CAMERA, SUN_NAME), strict=True):
        thing.name = thing.data.name = name    # while the draft or the replaced terrain had it, it had to be another one
        collection.objects.link(thing)
    scene.camera = things[1]
    frame_picture(scene, *render_size(report))
    put_sky(scene)
    reach(diagonal(finished.grid))


def title_of(finished: FinishedTerrain) -> str:
    """A name for a terrain's collection."""
    report, pitch = finished.report, typed_pitch(finished.report)
    title = f"{finished.picture.stem[:NAME_LENGTH]}, seed {report['seed']}"
    if pitch is not None:
        title += f", pitch {pitch:+.1f}°"
    return title + (", unfinished" if report.get("unfinished") else "")


def render_size(report: dict[str, Any]) -> tuple[int, int]:
    """Width and height of the picture as it was before the backend reduced it, if that has the camera's shape."""
    picture, camera = report["picture"], report["camera"]
    width, height = (int(picture.get(name, 0)) for name in ("original_width", "original_height"))
    if height and abs(width / height - camera["width"] / camera["height"]) < 0.01:
        return width, height
    return int(camera["width"]), int(camera["height"])


def select_only(view_layer: bpy.types.ViewLayer, thing: bpy.types.Object) -> None:
    """Make one object the selected and active one, if this view layer shows it."""
    view_layer.update()    # else it does not know objects that were just added
    for other in view_layer.objects:
        if other.select_get(view_layer=view_layer):
            other.select_set(False, view_layer=view_layer)
    if thing.name in view_layer.objects:
        thing.select_set(True, view_layer=view_layer)
        view_layer.objects.active = thing
