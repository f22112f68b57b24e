"""The fold "Mask": what is taken for sky, land and foreground, and buttons to repaint it; more of them beside the brushes."""

import bpy

from .. import mask_watch
from ..operators.mask_painting import KINDS
from ..scene.mask_editor import color_in_use
from ..scene.mask_image import UNDER, WARNING, is_mask, mask_of
from ..translations import tell, translated
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
            row = column.row()
            row.use_property_split = False
            row.prop(ours, "use_mask")
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
    lines = column.column(align=True)
    lines.scale_y = 0.8
    for kind, share in zip(KINDS, look.shares, strict=True):
        text = tell("{kind}: {percent} %", kind=translated(kind[1]), percent=round(100 * share))
        lines.label(text=text, icon=kind[3], translate=False)
    if image.get(WARNING):
        draw_text(column, image[WARNING], width, icon="INFO")


def draw_kinds(layout, context):
    """The three colors as buttons, the one in use pressed."""
    in_use = color_in_use(context)
    for name, label, _, icon, number in KINDS:
        button = layout.operator("photo_to_terrain.paint_kind", text=label, icon=icon, depress=number == in_use)
        button.kind = name


def draw_in_header(header, context):
    """In the tool header of an Image Editor in which a mask is painted, before Blender's own settings of the brush."""
    image = context.space_data.image
    if not is_mask(image) or context.space_data.mode != "PAINT":
        return
    draw_kinds(header.layout.row(align=True), context)
    if image.get(UNDER) is not None:
        row = header.layout.row()
        row.ui_units_x = 5
        row.prop(context.scene.photo_to_terrain, "mask_picture", slider=True)
    header.layout.operator("photo_to_terrain.end_painting", icon="CHECKMARK")
    header.layout.separator_spacer()


def register() -> None:
    """Add to Blender's own header."""
    bpy.types.IMAGE_HT_tool_header.prepend(draw_in_header)


def unregister() -> None:
    """Leave it as it was."""
    bpy.types.IMAGE_HT_tool_header.remove(draw_in_header)


CLASSES = (PHOTO_TO_TERRAIN_PT_mask,)
