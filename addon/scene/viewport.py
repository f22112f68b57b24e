"""3D views that can show something kilometers wide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent
from mathutils import Euler

CLIP_START_SHARE = 1e-5

DOWN_TILT = math.radians(38.0)
"""Of a view from above: 0 looks straight down."""

VIEW_WIDTH = 1.4
"""Width of what a 3D view shows at its distance, as a multiple of that, with Blender's usual 50 mm."""


def all_views() -> Iterator[bpy.types.SpaceView3D]:
    """Every 3D view of every workspace of this file."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type == "VIEW_3D":
                    yield space


def reach(far_m: float) -> None:
    """Let every 3D view see as far as `far_m`, never less than it does already."""
    for space in all_views():
        if space.clip_end < 4 * far_m:
            space.clip_end = 4 * far_m
            space.clip_start = max(space.clip_start, CLIP_START_SHARE * space.clip_end)


def look_through_camera(context: bpy.types.Context) -> None:
    """Show the scene as its camera sees it, in the 3D view under the pointer or else in the window's largest."""
    region = _main_region(context)
    if region is not None:
        if region.view_perspective != "CAMERA":
            _state.free_view = {"view_location": region.view_location.copy(), "view_rotation": region.view_rotation.copy(),
                                "view_distance": region.view_distance}
        region.view_perspective = "CAMERA"


def is_through_camera(context: bpy.types.Context) -> bool:
    """Whether that 3D view shows the scene as its camera sees it."""
    region = _main_region(context)
    return region is not None and region.view_perspective == "CAMERA"


def look_freely(context: bpy.types.Context) -> None:
    """Leave the camera's view again."""
    region = _main_region(context)
    if region is not None:
        region.view_perspective = "PERSP"


def look_down_on(context: bpy.types.Context, middle: tuple[float, float, float], diagonal_m: float) -> None:
    """Show something so wide from above and a little from the near side, in the same view as above, left of its sidebar."""
    area = _main_area(context)
    if area is None:
        return
    view = area.spaces.active.region_3d
    sidebar = sum(r.width for r in area.regions if r.type == "UI" and r.width > 1) / area.width
    view.view_perspective = "PERSP"
    view.view_rotation = Euler((DOWN_TILT, 0.0, 0.0)).to_quaternion()
    view.view_distance = 0.8 * diagonal_m / (1.0 - sidebar)
    view.view_location = middle[0] + VIEW_WIDTH * view.view_distance * 0.5 * sidebar, middle[1], middle[2]


class _State:
    """free_view: how a view looked before we turned it to a camera; None when we have not.

    camera: name of the scene's camera before an undo.
    """

    free_view: dict[str, Any] | None = None
    camera = ""


_state = _State()


@persistent
def note_camera(scene: bpy.types.Scene, *_: object) -> None:
    """Before an undo."""
    _state.camera = scene.camera.name if scene.camera else ""


@persistent
def leave_lost_cameras(scene: bpy.types.Scene, *_: object) -> None:
    """After an undo that took a camera away, through which we let a free view look: it is as before. Undo leaves views alone."""
    before = _state.free_view
    if before is None or not _state.camera or _state.camera in bpy.data.objects:
        return
    _state.free_view = None
    for space in all_views():
        if not space.use_local_camera and space.region_3d is not None and space.region_3d.view_perspective == "CAMERA":
            space.region_3d.view_perspective = "PERSP"
            for name, value in before.items():
                setattr(space.region_3d, name, value)


LISTENERS = (("undo_pre", note_camera), ("redo_pre", note_camera), ("undo_post", leave_lost_cameras),
             ("redo_post", leave_lost_cameras))


def register() -> None:
    """Begin to hear of undo."""
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).append(listener)


def unregister() -> None:
    """Hear of it no more."""
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).remove(listener)


def _main_region(context: bpy.types.Context) -> bpy.types.RegionView3D | None:
    """What looks in that 3D view."""
    area = _main_area(context)
    return area.spaces.active.region_3d if area is not None else None


def _main_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """The 3D view under the pointer, or else the window's largest."""
    areas = [a for a in context.window.screen.areas if a.type == "VIEW_3D"] if context.window else []
    return context.area if context.area in areas else max(areas, key=lambda a: a.width * a.height, default=None)


def redraw() -> None:
    """Draw every sidebar again, so that the panel shows the newest state. The views themselves can take long: not those."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if area.type == "VIEW_3D" and region.type == "UI":
                    region.tag_redraw()
