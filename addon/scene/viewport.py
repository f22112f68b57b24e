"""3D views that can show something kilometers wide."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

CLIP_START_SHARE = 1e-5


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
    """Show the scene as its camera sees it in the 3D view under the pointer, or else in the largest one of the window."""
    areas = [a for a in context.window.screen.areas if a.type == "VIEW_3D"] if context.window else []
    area = context.area if context.area in areas else max(areas, key=lambda a: a.width * a.height, default=None)
    if area is not None:
        area.spaces.active.region_3d.view_perspective = "CAMERA"


def redraw() -> None:
    """Draw every 3D view again, so that the panel shows the newest state."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
