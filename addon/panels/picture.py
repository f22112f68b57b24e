"""The first part of the story: which picture."""

import bpy

from .. import jobs
from ..operators.remedies import REMEDIES
from .story import Part
from .wrapped_text import draw_text


class PHOTO_TO_TERRAIN_PT_picture(Part, bpy.types.Panel):
    """Which picture becomes a terrain"""

    bl_label = "Picture"
    bl_order = 10

    def draw(self, context):
        layout, ours = self.layout, context.scene.photo_to_terrain
        if ours.picture.strip():
            column = layout.column()
            column.enabled = jobs.current() is None
            column.prop(ours, "picture", text="")
            return
        button = layout.row()
        button.scale_y = 1.6
        button.operator(REMEDIES["choose_picture"], icon="FILE_IMAGE")
        draw_text(layout, "A photograph or painting of a landscape with mountains, with the skyline in it.", context.region.width)
