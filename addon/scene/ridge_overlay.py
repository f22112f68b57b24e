"""Draws the picture's ridges and the terrain's over the 3D view, through the matched camera.

As in figure 14 of Pixels2Peaks: red where the terrain is too high by more than the tolerance, green where it is too low.
Turning and zooming project known ridge points again; only another eye or other heights look for them anew.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent
from bpy_extras.view3d_utils import location_3d_to_region_2d

from . import result_collections as places
from .photo_ridges import MARK, PhotoRidges, parsed
from .pinhole import WIDTH_PX
from .pose import grid_of, is_matched, pinhole_of, size_of
from .result_folder import HeightGrid
from .ridge_lines import Compared, Ridges, compare, neighbors, ridges_of
from .screen_drawing import draw_lines, draw_triangles

PHOTO = (0.30, 0.75, 1.00, 0.90)
RIGHT = (1.00, 1.00, 1.00, 0.95)
TOO_HIGH = (1.00, 0.15, 0.10, 1.00)
TOO_LOW = (0.10, 0.85, 0.20, 1.00)
ALONE = (0.55, 0.55, 0.55, 0.60)
"""An inner ridge without counterpart in the picture, or a skyline behind a tree."""
LINE_PX = 2.0
FILL = 0.30
"""Opacity between the two skylines."""


class _Kept:
    """The newest answer to each question, with the key it was asked under. Nothing here outlives the session."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[Any, Any]] = {}
        self.heights_changed = 0

    def get(self, what: str, key: Any, make: Any) -> Any:
        """The kept answer, or a new one."""
        known = self.answers.get(what)
        if known is None or known[0] != key:
            known = self.answers[what] = (key, make())
        return known[1]


_kept = _Kept()
_handle: list[Any] = []


def photo_of(collection: bpy.types.Collection) -> PhotoRidges | None:
    """The picture's ridges that are stored with a terrain; None in files of earlier versions."""
    text = collection.get(MARK)
    if not isinstance(text, str):
        return None
    return _kept.get("photo", text, lambda: parsed(text))


def measured(collection: bpy.types.Collection) -> tuple[Compared, PhotoRidges] | str:
    """The comparison as things stand now, in the terrain's own meters; or a sentence why there is none."""
    photo = photo_of(collection)
    if photo is None:
        return "The picture's ridges are not stored with this terrain. Make it again to see them."
    terrain = places.terrain_in(collection)
    if terrain.mode == "EDIT":
        return "Leave Edit Mode to see the ridges."
    camera = pinhole_of(collection)
    fan = camera.fan()
    if fan is None:
        return "The camera does not look at the terrain."
    mesh = terrain.data
    heights_key = (collection.name, mesh.name, len(mesh.vertices), _kept.heights_changed)
    grid: HeightGrid = _kept.get("grid", heights_key, lambda: grid_of(collection))
    key = (heights_key, tuple(np.round(camera.eye_m, 4)), fan, photo.jump)
    ridges: Ridges = _kept.get("ridges", key, lambda: ridges_of(grid, camera.eye_m, fan, photo.jump))
    view_key = (key, camera.axes.tobytes(), camera.focal, camera.aspect)
    return _kept.get("compared", view_key, lambda: compare(ridges, camera, photo)), photo


def colors_of(compared: Compared, tolerance_m: float) -> np.ndarray:
    """float32 (N, 4): a color for each ridge point. tolerance_m: in the same meters as the comparison."""
    colors = np.tile(np.array(ALONE, np.float32), (len(compared.u), 1))
    off = compared.off_m
    known = np.isfinite(off)
    off = np.where(known, off, 0.0)
    colors[known & (np.abs(off) <= tolerance_m)] = RIGHT
    colors[known & (off > tolerance_m)] = TOO_HIGH
    colors[known & (off < -tolerance_m)] = TOO_LOW
    return colors


def photo_segments(photo: PhotoRidges) -> np.ndarray:
    """float (2 M, 2): ends of the segments of the picture's lines, pixels right and down."""
    sides = np.stack([photo.at, photo.skyline], -1)
    joined = np.isfinite(photo.skyline[:-1]) & np.isfinite(photo.skyline[1:])
    skyline = np.stack([sides[:-1], sides[1:]], 1)[joined].reshape(-1, 2)
    points = np.stack([photo.at[photo.ridge_columns], photo.ridge_rows], -1)
    step = photo.at[1] - photo.at[0]
    pairs = neighbors(photo.ridge_columns, np.rint(photo.ridge_rows / step).astype(int), 4)
    return np.concatenate([skyline, points[pairs].reshape(-1, 2)])


def between_skylines(compared: Compared, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles between the terrain's skyline and the picture's: float (3 M, 2) and colors (3 M, 4)."""
    first, second = compared.pairs.T
    flat = compared.is_skyline[first] & compared.is_skyline[second] & np.isfinite(
        compared.wanted[first] + compared.wanted[second] + compared.v[first] + compared.v[second])
    first, second = first[flat], second[flat]
    corners = [np.stack([compared.u[at], rows[at]], -1) for at in (first, second) for rows in (compared.v, compared.wanted)]
    order = [0, 2, 1, 1, 2, 3]
    points = np.stack([corners[k] for k in order], 1).reshape(-1, 2)
    paint = np.repeat(colors[first], 6, axis=0)
    paint[:, 3] = np.where((paint[:, :3] == np.float32(RIGHT[:3])).all(axis=1), 0.0, FILL)
    return points, paint


def frame_in_region(context: bpy.types.Context, camera: bpy.types.Object) -> tuple[np.ndarray, float] | None:
    """Center of the camera's frame in the region and its width, in pixels of the screen; None when it is out of reach."""
    corners = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=context.scene)]
    seen = [location_3d_to_region_2d(context.region, context.region_data, corner) for corner in corners]
    if any(corner is None for corner in seen):
        return None
    places_2d = np.array([tuple(corner) for corner in seen])
    low, high = places_2d.min(axis=0), places_2d.max(axis=0)
    return 0.5 * (low + high), float(high[0] - low[0])


def draw() -> None:
    """Called by Blender for each 3D view; draws only through the camera of a terrain whose overlay is on."""
    context = bpy.context
    region_3d, scene = context.region_data, context.scene
    if region_3d is None or region_3d.view_perspective != "CAMERA" or not context.space_data.overlay.show_overlays:
        return
    collection = places.shown_result(scene)
    if collection is None or not collection.photo_to_terrain_match.show_ridges or not is_matched(collection):
        return
    camera = places.camera_in(collection)
    if (context.space_data.camera or scene.camera) != camera:
        return
    answer, frame = measured(collection), frame_in_region(context, camera)
    if isinstance(answer, str) or frame is None:
        return
    compared, photo = answer
    tolerance = collection.photo_to_terrain_match.tolerance_m / size_of(collection)
    key = (id(compared), id(photo), tolerance)    # both are kept, so that no other can have their numbers
    lines, line_colors, fills, fill_colors = _kept.get("pictured", key, lambda: pictured(compared, photo, tolerance))
    center, width = frame
    scale = width / WIDTH_PX * np.array([1.0, -1.0])    # the screen's rows go up
    middle = 0.5 * np.array([WIDTH_PX, compared.height_px])
    draw_triangles((fills - middle) * scale + center, fill_colors)
    draw_lines((lines - middle) * scale + center, line_colors, LINE_PX)


def pictured(compared: Compared, photo: PhotoRidges,
             tolerance_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lines with colors, triangles with colors, in pixels of the picture. The picture's lines lie below the terrain's."""
    colors = colors_of(compared, tolerance_m)
    theirs = _kept.get("photo lines", id(photo), lambda: photo_segments(photo))
    points = np.stack([compared.u, compared.v], -1)
    shown = np.isfinite(points[compared.pairs].sum(axis=(1, 2)))
    pairs = compared.pairs[shown]
    ours = points[pairs].reshape(-1, 2)
    paint = np.concatenate([np.tile(np.float32(PHOTO), (len(theirs), 1)), colors[pairs].reshape(-1, 4)])
    return np.concatenate([theirs, ours]), paint, *between_skylines(compared, colors)


def heights_were_changed() -> None:
    """They are read again."""
    _kept.heights_changed += 1


@persistent
def notice_heights(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Somebody has sculpted a mesh, perhaps a terrain."""
    if any(update.is_updated_geometry and isinstance(update.id, bpy.types.Mesh) for update in depsgraph.updates):
        heights_were_changed()


@persistent
def forget(*_: object) -> None:
    """Another file, or an undo: what was kept may be of other things with the same names."""
    _kept.answers.clear()


def register() -> None:
    """Begin to draw and to listen."""
    if not bpy.app.background:
        _handle.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))
    bpy.app.handlers.depsgraph_update_post.append(notice_heights)
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(forget)


def unregister() -> None:
    """Stop both and forget everything."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.remove(forget)
    bpy.app.handlers.depsgraph_update_post.remove(notice_heights)
    while _handle:
        bpy.types.SpaceView3D.draw_handler_remove(_handle.pop(), "WINDOW")
    _kept.answers.clear()
