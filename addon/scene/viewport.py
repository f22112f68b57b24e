"""3D views that can show something kilometers wide."""

from __future__ import annotations

import math
from collections.abc import Iterator

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


@persistent
def leave_lost_cameras(scene: bpy.types.Scene, *_: object) -> None:
    """After an undo: a view through a camera that is no more shows the scene freely again. Undo itself leaves views alone."""
    for space in all_views():
        camera = space.camera if space.use_local_camera else scene.camera
        if camera is None and space.region_3d is not None and space.region_3d.view_perspective == "CAMERA":
            space.region_3d.view_perspective = "PERSP"


def register() -> None:
    """Begin to hear of undo."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(leave_lost_cameras)


def unregister() -> None:
    """Hear of it no more."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.remove(leave_lost_cameras)


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
