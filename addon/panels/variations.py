"""The third part of the story: all terrains as small pictures, the shown one's name, more of them, and redoing."""

import bpy

from .. import jobs
from ..operators import more_variations, variations
from ..redo_stages import REDO
from ..scene import result_collections as places
from ..scene import side_by_side
from ..scene.thumbnail import icon_of
from ..scene.variations import is_locked, of_picture, short_name
from ..stage_times import expected_seconds
from ..translations import tell
from .result_summary import draw_result
from .settings import Fold
from .story import Part
from .wrapped_text import draw_text

CELL_PX = 82
"""Least width of a cell with picture, name and lock."""

ICON_PX = 20
"""Blender draws icons of this size at scale 1."""


class PHOTO_TO_TERRAIN_PT_variations(Part, bpy.types.Panel):
    """The terrains of this scene"""

    bl_label = "Variations"
    bl_order = 30

    @classmethod
    def poll(cls, context):
        return bool(places.results(context.scene))

    def draw(self, context):
        layout, scene, width = self.layout, context.scene, context.region.width
        shown = places.shown_result(scene)
        column = layout.column()
        column.enabled = jobs.current() is None
        draw_gallery(column, scene, shown, width)
        if shown is not None:
            row = column.row(align=True)
            row.prop(shown, "name", text="")
            if not is_locked(shown):
                row.operator(variations.PHOTO_TO_TERRAIN_OT_remove_variation.bl_idname, text="", icon="TRASH").name = shown.name
        if jobs.current():
            return
        if shown is not None:
            draw_more(column, scene, shown, width)
        if len(places.results(scene)) > 1:
            row = column.row(align=True)
            row.operator(variations.PHOTO_TO_TERRAIN_OT_side_by_side.bl_idname, icon="GRID", depress=side_by_side.is_on(scene))
            row.operator(variations.PHOTO_TO_TERRAIN_OT_redraw_thumbnail.bl_idname, text="", icon="FILE_REFRESH")
        if shown is not None:
            draw_result(layout, shown, width)


def draw_gallery(layout, scene, shown, width):
    """A cell for each terrain: its picture, below it a button that shows it and its lock."""
    every = places.results(scene)
    scale = bpy.context.preferences.system.ui_scale or 1.0    # 0 without a window
    columns = max(1, min(len(every), int((width - 30 * scale) / (CELL_PX * scale))))
    picture_scale = min(8.0, (width / scale - 30) / columns / ICON_PX - 0.6)
    grid = layout.grid_flow(row_major=True, columns=columns, even_columns=True, even_rows=True, align=False)
    for collection in every:
        cell = grid.box().column(align=True)
        icon = icon_of(collection)
        if icon:
            cell.template_icon(icon_value=icon, scale=max(2.0, picture_scale))
        row = cell.row(align=True)
        row.operator(variations.PHOTO_TO_TERRAIN_OT_show_variation.bl_idname, text=short_name(collection), translate=False,
                     depress=collection == shown).name = collection.name
        row.operator(variations.PHOTO_TO_TERRAIN_OT_lock_variation.bl_idname, text="", depress=is_locked(collection),
                     icon="LOCKED" if is_locked(collection) else "UNLOCKED").name = collection.name


def draw_more(layout, scene, shown, width):
    """How many more, the button, and how long they will take."""
    ours, report = scene.photo_to_terrain, places.report_of(shown)
    if "sha256" not in (report.get("picture") or {}):
        return
    row = layout.row(align=True)
    row.scale_y = 1.3
    row.operator(more_variations.PHOTO_TO_TERRAIN_OT_more_variations.bl_idname, icon="ADD").count = ours.further
    count = row.row(align=True)
    count.ui_units_x = 3.0
    count.prop(ours, "further", text="")
    seconds = seconds_from("start", scene, report)
    if seconds is not None:
        draw_text(layout, tell("About {time} each: what the picture shows is known already", time=duration(seconds)), width)


def seconds_from(stage, scene, report):
    """How long it takes to redo a terrain from a stage on; None where nobody knows."""
    resolution = (report.get("settings") or {}).get("resolution", 0)
    return expected_seconds(of_picture(scene, report), resolution, stage)


def duration(seconds):
    """Seconds for people."""
    if seconds < 100:
        return tell("{seconds} s", seconds=max(1, round(seconds)))
    return tell("{minutes} min", minutes=round(seconds / 60))


class PHOTO_TO_TERRAIN_PT_redo(Fold, bpy.types.Panel):
    """Stages from which the shown terrain can be made again; what comes before is kept"""

    bl_label = "Redo From"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_variations"
    bl_order = 20

    @classmethod
    def poll(cls, context):
        return more_variations.PHOTO_TO_TERRAIN_OT_redo.poll(context)

    def draw(self, context):
        scene = context.scene
        report = places.report_of(places.shown_result(scene))
        column = self.layout.column(align=True)
        for stage in REDO:
            seconds = seconds_from(stage.name, scene, report)
            row = column.split(factor=0.74, align=True)
            row.operator(more_variations.PHOTO_TO_TERRAIN_OT_redo.bl_idname, text=stage.label).stage = stage.name
            row.label(text="" if seconds is None else duration(seconds))
        draw_text(column, "Earlier stages are kept", context.region.width)


CLASSES = (PHOTO_TO_TERRAIN_PT_variations, PHOTO_TO_TERRAIN_PT_redo)
