"""The fold "Region": paint a part of the terrain, make it anew."""

import bpy

from .. import jobs
from ..operators.regions import shown_terrain
from ..region_properties import SEED, SEEN
from ..scene import paint_mode, region_paint
from ..scene import result_collections as places
from ..translations import tell
from .settings import Fold
from .wrapped_text import draw_text


class PHOTO_TO_TERRAIN_PT_region(Fold, bpy.types.Panel):
    """Make a painted part of the terrain anew; everything else keeps its bits"""

    bl_label = "Region"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_refine"
    bl_order = 20

    @classmethod
    def poll(cls, context):
        return jobs.current() is None and shown_terrain(context) is not None

    def draw(self, context):
        column, _ = self.begin(context)
        terrain, width = shown_terrain(context), context.region.width
        if region_paint.is_painting(terrain):
            self.draw_brushes(context, column, width)
        else:
            column.operator("photo_to_terrain.paint_region", icon="VPAINT_HLT")
            if not region_paint.has_region(terrain.data):
                draw_text(column, "Paint what shall be made anew", width)
        if region_paint.has_region(terrain.data):
            self.draw_run(context, column)
        regions = places.report_of(places.shown_result(context.scene)).get("regions") or []
        if regions:
            draw_text(column, tell("Made anew here: {count} points, seed {seed}", count=f"{regions[-1]['cells']:,}",
                                   seed=regions[-1]["seed"]), width)

    def draw_brushes(self, context, column, width):
        """Add, take away, clear, be done."""
        is_erasing = paint_mode.is_erasing(context)
        row = column.row(align=True)
        row.operator("photo_to_terrain.region_brush", text="Add", icon="ADD", depress=not is_erasing).erase = False
        row.operator("photo_to_terrain.region_brush", text="Erase", icon="REMOVE", depress=is_erasing).erase = True
        row = column.row(align=True)
        row.operator("photo_to_terrain.clear_region", icon="X")
        row.operator("photo_to_terrain.end_region", icon="CHECKMARK")
        draw_text(column, "Sand: the picture shows it. Gray: hidden. Orange: to be made anew.", width)

    def draw_run(self, context, column):
        """Choices and the button."""
        column.separator()
        column.prop(context.scene, SEED)
        whole = column.column()
        whole.use_property_split = False    # split, the words have no room in a narrow sidebar
        whole.prop(context.scene, SEEN)
        row = column.row()
        row.scale_y = 1.3
        row.operator("photo_to_terrain.regenerate_region", icon="FILE_REFRESH")


CLASSES = (PHOTO_TO_TERRAIN_PT_region,)
