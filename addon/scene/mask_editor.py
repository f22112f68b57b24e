"""Blender's own Image Paint, set up for a mask: an Image Editor with the mask in it, a hard brush, three colors.

Where the window has an Image Editor it is used, else its largest 3D view becomes one until painting is done.
"""

from __future__ import annotations

import bpy

from ...backend.contract.masks import COLORS, SKY
from .. import compatibility
from .mask_image import is_mask, mask_of

BRUSH = "Mask Brush"

SETTLE_S = 0.3
"""After a change of the screen: Blender then knows sizes and tools."""

VIEW_AGAIN = "photo_to_terrain_view_again"
"""Custom property of a screen: its 3D view has become the Image Editor."""


def editor_of(window: bpy.types.Window | None) -> bpy.types.Area | None:
    """The window's Image Editor that shows a mask."""
    areas = window.screen.areas if window else ()
    return next((a for a in areas if a.type == "IMAGE_EDITOR" and is_mask(a.spaces.active.image)), None)


def open_editor(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show the mask for painting. Without a window nothing happens."""
    window = context.window
    if window is None:
        return
    screen = window.screen
    area = editor_of(window) or next((a for a in screen.areas if a.type == "IMAGE_EDITOR"), None)
    if area is None:
        views = [a for a in screen.areas if a.type == "VIEW_3D"] or list(screen.areas)
        area = max(views, key=lambda a: a.width * a.height)
        area.type = "IMAGE_EDITOR"
        screen[VIEW_AGAIN] = True
    space = area.spaces.active
    space.image = image
    space.mode = "PAINT"
    space.show_region_ui, space.show_region_tool_header = False, True
    if not bpy.app.background:
        name = screen.name
        bpy.app.timers.register(lambda: settle(name), first_interval=SETTLE_S)


def settle(screen_name: str) -> None:
    """What needs the editor to have been drawn once: the mask fills it, and its tool has our brush."""
    for window in bpy.context.window_manager.windows:
        area = editor_of(window)
        if window.screen.name != screen_name or area is None:
            continue
        region = next((r for r in area.regions if r.type == "WINDOW"), None)
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.image.view_all(fit_view=True)
            take_color(bpy.context, SKY)


def show_again() -> None:
    """After undo, which may have taken away the image that an editor shows: it shows the scene's mask as it is now."""
    for window in bpy.context.window_manager.windows:
        mask, screen = mask_of(window.scene), window.screen
        for area in screen.areas:
            space = area.spaces.active
            if mask is None or area.type != "IMAGE_EDITOR" or space.image == mask:
                continue
            is_empty = space.image is None and VIEW_AGAIN in screen
            if is_empty or (space.mode == "PAINT" and (space.image is None or is_mask(space.image))):
                space.image, space.mode = mask, "PAINT"


def close_editor(context: bpy.types.Context) -> None:
    """Painting is done: the editor becomes a 3D view again where it was one."""
    window = context.window
    area = editor_of(window)
    if area is None:
        return
    screen = window.screen
    area.spaces.active.mode = "VIEW"
    if VIEW_AGAIN in screen or not any(a.type == "VIEW_3D" for a in screen.areas):
        area.type = "VIEW_3D"
        if VIEW_AGAIN in screen:
            del screen[VIEW_AGAIN]


def take_color(context: bpy.types.Context, kind: int) -> None:
    """Paint sky, terrain or foreground from now on. kind: as in backend/contract/masks.py."""
    paint = context.tool_settings.image_paint
    color = tuple(value / 255 for value in COLORS[kind])
    shared = shared_settings(context)
    shared.use_unified_color, shared.color = True, color
    brush = paint.brush
    if compatibility.VERSION < (4, 3, 0):    # later brushes are assets
        brush = paint.brush = bpy.data.brushes.get(BRUSH) or hard_brush()
    if brush is not None:
        brush.color = color


def hard_brush() -> bpy.types.Brush:
    """A brush that changes a pixel or leaves it."""
    brush = bpy.data.brushes.new(BRUSH, mode="TEXTURE_PAINT")
    brush.curve_preset, brush.strength, brush.blend = "CONSTANT", 1.0, "MIX"
    brush.use_pressure_strength = False
    return brush


def color_in_use(context: bpy.types.Context) -> int | None:
    """Which of the three is painted now; None for another color."""
    color = [round(255 * value) for value in shared_settings(context).color[:3]]
    return next((k for k, wanted in enumerate(COLORS) if color == list(wanted)), None)


def shared_settings(context: bpy.types.Context) -> bpy.types.UnifiedPaintSettings:
    """Color, size and strength of all brushes; Blender 5.0 keeps them apart for each kind of painting."""
    tools = context.tool_settings
    return getattr(tools.image_paint, "unified_paint_settings", None) or tools.unified_paint_settings
