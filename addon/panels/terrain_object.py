"""The fold of the terrain object: detail in the viewport, edits, finer renders, memory. And the memory of the next run."""

import functools
import time

import bpy

from ...backend.memory import needed_gb, total_and_free_gb
from .. import jobs
from ..object_properties import PREFIX
from ..operators.terrain_object import PHOTO_TO_TERRAIN_OT_restore_heights, PHOTO_TO_TERRAIN_OT_update_attributes
from ..scene import result_collections as places
from ..scene.memory_estimate import in_words, needs
from ..scene.render_detail import has_cycles, is_fine, pixels_of
from ..scene.terrain_modifiers import EDITS, detail_of, our_modifier, shown_step
from ..translations import tell
from .settings import Fold
from .wrapped_text import draw_text


class PHOTO_TO_TERRAIN_PT_terrain_object(Fold, bpy.types.Panel):
    """The terrain as an object of Blender: what is shown, edited, rendered, and how much memory that takes"""

    bl_label = "Terrain Object"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_refine"
    bl_order = 40

    @classmethod
    def poll(cls, context):
        collection = places.shown_result(context.scene)
        return collection is not None and places.terrain_in(collection) is not None

    def draw(self, context):
        column, _ = self.begin(context)
        collection, width = places.shown_result(context.scene), context.region.width
        terrain = places.terrain_in(collection)
        points, step = len(terrain.data.vertices), shown_step(terrain)
        if detail_of(terrain) is not None:
            column.prop(collection, PREFIX + "detail")
            if step > 1:
                draw_text(column, tell("The view shows about {shown} thousand of {all} thousand points.",
                                       shown=round(points / step**2 / 1000), all=round(points / 1000)), width)
        if our_modifier(terrain, EDITS) is not None:    # terrains of earlier versions have none
            column.prop(collection, PREFIX + "edits", slider=True)
        buttons = column.column(align=True)
        buttons.operator(PHOTO_TO_TERRAIN_OT_update_attributes.bl_idname, icon="FILE_REFRESH")
        buttons.operator(PHOTO_TO_TERRAIN_OT_restore_heights.bl_idname, icon="LOOP_BACK")
        column.separator()
        if has_cycles(terrain):
            column.prop(collection, PREFIX + "fine")
        if is_fine(terrain):
            column.prop(collection, PREFIX + "fine_px")
            if context.scene.render.engine != "CYCLES":
                draw_text(column, "Only Cycles renders it finer.", width, icon="INFO")
        use = needs(points, pixels_of_render(context.scene), pixels_of(terrain) if is_fine(terrain) else 0.0)
        draw_text(column, tell("Memory: {mesh} in Blender, {render} more while Cycles renders",
                               mesh=in_words(use.blender), render=in_words(use.render)), width, icon="MEMORY")
        if 0.0 < free_gb() < use.render:
            draw_text(column, tell("Only {free} are free.", free=in_words(free_gb())), width, icon="ERROR")


def pixels_of_render(scene: bpy.types.Scene) -> float:
    """How many pixels a render has."""
    render = scene.render
    return render.resolution_x * render.resolution_y * (render.resolution_percentage / 100) ** 2


def draw_memory(layout: bpy.types.UILayout, context: bpy.types.Context, width: float) -> None:
    """How much memory the next terrain takes, below its resolution; nothing while one is made. width: of the region, pixels."""
    if jobs.current():
        return
    resolution = context.scene.photo_to_terrain.settings.resolution
    making, free = needed_gb(resolution), free_gb()
    use = needs(resolution**2)
    draw_text(layout, tell("Memory: {making} to make it, then {mesh} in Blender", making=in_words(making),
                           mesh=in_words(use.blender)), width, icon="MEMORY")
    if 0.0 < free < making + use.blender:
        draw_text(layout, tell("Only {free} are free. Choose a lower resolution.", free=in_words(free)), width, icon="ERROR")


@functools.lru_cache(maxsize=1)
def _free_gb(_: int) -> float:
    return total_and_free_gb()[1]


def free_gb() -> float:
    """Memory that is free on this machine, at most two seconds old; 0 where that is not known."""
    return _free_gb(int(time.monotonic() / 2))


CLASSES = (PHOTO_TO_TERRAIN_PT_terrain_object,)
