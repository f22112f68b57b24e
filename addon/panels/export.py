"""Ways out of Blender for a finished terrain."""

import bpy

from .. import jobs
from ..operators.export_heights import FORMATS, PHOTO_TO_TERRAIN_OT_export_heights, last
from ..scene import result_collections as places
from ..translations import tell
from .settings import Fold
from .wrapped_text import draw_text


class PHOTO_TO_TERRAIN_PT_export(Fold, bpy.types.Panel):
    """Files for other programs"""

    bl_label = "Export"
    bl_order = 50

    @classmethod
    def poll(cls, context):
        return jobs.current() is None and places.shown_result(context.scene) is not None

    def draw(self, context):
        layout, width = self.layout, context.region.width
        layout.label(text="Heights of the shown terrain:")
        column = layout.column(align=True)
        for name, one in FORMATS.items():
            column.operator(PHOTO_TO_TERRAIN_OT_export_heights.bl_idname, text=one.label).file_format = name
        place = places.report_of(places.shown_result(context.scene)).get("terrain", {})
        if {"min_m", "max_m"} <= place.keys():
            step_cm = (place["max_m"] - place["min_m"]) / 65535 * 100
            draw_text(layout, tell("A gray step of the PNG is {step:.1f} cm.", step=step_cm), width)
        writing = last()
        if writing is None:
            return
        if not writing.is_over:
            draw_text(layout, tell("Writing {name}", name=writing.path.name), width, icon="FILE_TICK")
        elif writing.problem:
            draw_text(layout, writing.problem, width, icon="ERROR")
        else:
            draw_text(layout, tell("Written: {path}", path=writing.path), width, icon="CHECKMARK")
        if writing.warning:
            draw_text(layout, writing.warning, width, icon="INFO")
