"""Blender's Vertex Paint, set up for a region: mode, brush color, and a 3D view that shows what is painted."""

from __future__ import annotations

import bpy
from mathutils import Quaternion, Vector

from .region_paint import HIDDEN, PAINTED

VIEW_BEFORE = "photo_to_terrain_view_before"
"""Custom property of a screen: how its 3D view looked before painting."""

FROM_ABOVE = 0.6
"""Angle to the vertical, radians, of the view that takes the place of the picture's camera: what it hides shall be painted."""


def set_mode(context: bpy.types.Context, terrain: bpy.types.Object, mode: str) -> None:
    """Bring a terrain into a mode. It must be in the view layer."""
    layer = context.view_layer
    active = layer.objects.active
    if active is not None and active != terrain and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = terrain
    terrain.select_set(True)
    if terrain.mode != mode:
        bpy.ops.object.mode_set(mode=mode)


def take_color(context: bpy.types.Context, painted: bool) -> None:
    """From now on the brush paints the region, or takes from it."""
    paint = context.tool_settings.vertex_paint
    if paint is None:
        return
    shared = shared_settings(context)
    shared.use_unified_color = True
    shared.color, shared.secondary_color = [tuple(to_srgb(v) for v in color)
                                            for color in ((PAINTED, HIDDEN) if painted else (HIDDEN, PAINTED))]
    if paint.brush is not None:
        paint.brush.color, paint.brush.secondary_color = shared.color, shared.secondary_color


def is_erasing(context: bpy.types.Context) -> bool:
    """Whether the brush takes from the region."""
    return tuple(round(v, 3) for v in shared_settings(context).color[:3]) == tuple(round(to_srgb(v), 3) for v in HIDDEN)


def to_srgb(value: float) -> float:
    """A linear channel as brushes have their colors: in sRGB."""
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def shared_settings(context: bpy.types.Context) -> bpy.types.UnifiedPaintSettings:
    """Color, size and strength of all brushes; Blender 5.0 keeps them apart for each kind of painting."""
    tools = context.tool_settings
    return getattr(tools.vertex_paint, "unified_paint_settings", None) or tools.unified_paint_settings


def show_paint(context: bpy.types.Context, terrain: bpy.types.Object) -> None:
    """Let the 3D view show the colors, from above where it looks through the picture's camera. Without a window: nothing."""
    space = view_of(context)
    if space is None:
        return
    screen, region = context.window.screen, space.region_3d
    if VIEW_BEFORE not in screen:
        screen[VIEW_BEFORE] = [space.shading.type, space.shading.color_type, region.view_perspective]
    space.shading.type, space.shading.color_type = "SOLID", "VERTEX"
    if region.view_perspective == "CAMERA":
        corners = [terrain.matrix_world @ Vector(corner) for corner in terrain.bound_box]
        size = max((a - b).length for a in corners for b in corners)
        region.view_perspective = "PERSP"
        region.view_location = sum(corners, Vector()) / 8
        region.view_rotation = Quaternion((1.0, 0.0, 0.0), FROM_ABOVE)
        region.view_distance = 1.1 * size
        space.clip_end = max(space.clip_end, 4 * size)


def show_before(context: bpy.types.Context, look_back: bool) -> None:
    """Color the 3D view as it was; look_back: and look through the camera again where it did."""
    space = view_of(context)
    if space is None or VIEW_BEFORE not in context.window.screen:
        return
    screen = context.window.screen
    shading, color, perspective = screen[VIEW_BEFORE]
    del screen[VIEW_BEFORE]
    space.shading.type, space.shading.color_type = shading, color
    if look_back and perspective == "CAMERA":
        space.region_3d.view_perspective = "CAMERA"


def view_of(context: bpy.types.Context) -> bpy.types.SpaceView3D | None:
    """The 3D view under the pointer, or else the window's largest."""
    areas = [a for a in context.window.screen.areas if a.type == "VIEW_3D"] if context.window else []
    area = context.area if context.area in areas else max(areas, key=lambda a: a.width * a.height, default=None)
    return area.spaces.active if area is not None else None
