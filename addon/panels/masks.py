"""The fold "Mask": what is taken for sky, land and foreground, and the buttons to repaint it; beside the picture while painting."""

import bpy

from .. import mask_watch
from ..operators.mask_painting import KINDS
from ..scene.mask_editor import color_in_use
from ..scene.mask_image import UNDER, WARNING, is_mask, mask_of
from .settings import Fold
from .wrapped_text import draw_text

PREVIEW_SCALE = 8.0
"""Height of the small picture in rows of buttons."""


class PHOTO_TO_TERRAIN_PT_mask(Fold, bpy.types.Panel):
    """What is taken for land and what for sky"""

    bl_label = "Mask"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_picture"
    bl_order = 10

    @classmethod
    def poll(cls, context):
        return bool(context.scene.photo_to_terrain.picture.strip())

    def draw(self, context):
        column, ours = self.begin(context)
        width, image = context.region.width, mask_of(context.scene)
        if ours.settings.mask_path:    # set by a script, or taken over from a terrain: it goes before what is painted
            column.prop(ours.settings, "mask_path")
            return
        if image is None:
            draw_text(column, "See what is taken for sky, land and foreground, and repaint it", width)
            column.operator("photo_to_terrain.find_land", icon="VIEWZOOM")
            return
        draw_mask(column, image, width)
        row = column.row()
        row.scale_y = 1.3
        row.operator("photo_to_terrain.paint_mask", icon="BRUSH_DATA")
        look = mask_watch.seen(image)
        if look is not None and look.is_edited:
            column.prop(ours, "use_mask")
        row = column.row(align=True)
        row.operator("photo_to_terrain.load_mask", icon="FILEBROWSER")
        if look is not None and look.is_edited:
            row.operator("photo_to_terrain.reset_mask", icon="LOOP_BACK")


def draw_mask(column, image, width):
    """The picture in the colors of its classes, their shares, and what was found strange."""
    look = mask_watch.seen(image)
    if look is None:
        return
    if look.icon:
        column.template_icon(icon_value=look.icon, scale=PREVIEW_SCALE)
    row = column.row(align=True)
    for kind, share in zip(KINDS, look.shares, strict=True):
        row.label(text=f"{100 * share:.0f} %", icon=kind[3])
    if image.get(WARNING):
        draw_text(column, image[WARNING], width, icon="INFO")


class PHOTO_TO_TERRAIN_PT_painting(bpy.types.Panel):
    """What the brush paints, while the mask is in an Image Editor"""

    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Tool"
    bl_label = "Mask"
    bl_order = 0

    @classmethod
    def poll(cls, context):
        return is_mask(context.space_data.image)

    def draw(self, context):
        layout, image = self.layout, context.space_data.image
        if context.space_data.mode == "PAINT":
            draw_kinds(layout.column(align=True), context)
        if image.get(UNDER) is not None:
            layout.prop(context.scene.photo_to_terrain, "mask_picture", slider=True)
        look = mask_watch.seen(image)
        if look is not None:
            for kind, share in zip(KINDS, look.shares, strict=True):
                layout.label(text=f"{kind[1]}: {100 * share:.1f} %")
        layout.operator("photo_to_terrain.end_painting", icon="CHECKMARK")


def draw_kinds(layout, context):
    """The three colors as buttons, the one in use pressed."""
    in_use = color_in_use(context)
    for name, label, _, icon, number in KINDS:
        button = layout.operator("photo_to_terrain.paint_kind", text=label, icon=icon, depress=number == in_use)
        button.kind = name


def draw_in_header(header, context):
    """The same in the editor's tool header, which is always in view."""
    if is_mask(context.space_data.image) and context.space_data.mode == "PAINT":
        row = header.layout.row(align=True)
        draw_kinds(row, context)
        header.layout.operator("photo_to_terrain.end_painting", icon="CHECKMARK")


def register() -> None:
    """Add to Blender's own header."""
    bpy.types.IMAGE_HT_tool_header.prepend(draw_in_header)


def unregister() -> None:
    """Leave it as it was."""
    bpy.types.IMAGE_HT_tool_header.remove(draw_in_header)


CLASSES = (PHOTO_TO_TERRAIN_PT_mask, PHOTO_TO_TERRAIN_PT_painting)
