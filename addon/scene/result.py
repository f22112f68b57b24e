"""A finished terrain in the scene: mesh, matched camera with the picture behind it, sun, sky, ranges of the views."""

from __future__ import annotations

import json
from typing import Any

import bpy

from . import result_collections as places
from .draft import diagonal
from .grid_mesh import terrain_mesh
from .light import make_sun, put_sky
from .matched_camera import frame_picture, make_camera, put_backdrop
from .photo_ridges import keep_ridges
from .result_folder import FinishedTerrain, key_of, typed_pitch
from .surface import dress
from .viewport import reach

NAME_LENGTH = 40
"""Letters of a picture's name that go into object names; Blender cuts names at 63 bytes."""


def put_result(scene: bpy.types.Scene, finished: FinishedTerrain) -> bpy.types.Object:
    """Add a finished terrain to the scene and return its mesh object.

    A terrain of the same picture, seed and typed pitch is replaced; others are kept, hidden. Whatever the scene uses is stored in
    the file: the picture is packed, and no part of it needs the add-on.
    """
    report = finished.report
    title, pitch = f"{finished.picture.stem[:NAME_LENGTH]}, seed {report['seed']}", typed_pitch(report)
    if pitch is not None:
        title += f", pitch {pitch:+.1f}°"
    key = key_of(report)
    for earlier in places.results(scene):
        if earlier[places.KEY_MARK] == key:
            places.remove(earlier)
        else:
            places.hide(scene, earlier, True)
    collection = places.add(scene, title)
    collection[places.KEY_MARK] = key
    collection[places.REPORT_MARK] = json.dumps(report, ensure_ascii=False)
    keep_ridges(collection, finished.folder)

    far_m = diagonal(finished.grid)
    terrain = bpy.data.objects.new("Terrain", terrain_mesh("Terrain", finished.grid, finished.evidence))
    dress(terrain, finished)
    camera = make_camera("Terrain Camera", report["camera"], far_m)
    image = put_backdrop(camera, finished.picture)
    if image is not None and not image.packed_file:
        image.pack()
    for thing in (terrain, camera, make_sun(0.5 * far_m)):
        collection.objects.link(thing)

    scene.camera = camera
    frame_picture(scene, *render_size(report))
    put_sky(scene)
    reach(far_m)
    return terrain


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
