"""What can be done with the terrains that are there: show, lock, remove, lay out side by side."""

import bpy
import numpy as np

from .. import jobs
from ..scene import result_collections as places
from ..scene import side_by_side, thumbnail, variations
from ..scene.pose import grid_of, is_matched
from ..scene.result import select_only
from ..scene.viewport import look_down_on, look_freely, look_through_camera, redraw
from ..translations import tell


class TerrainsOperator:
    """What the operators below have in common: there are terrains, no job runs, and all is one undo step."""

    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("A terrain is in the making")
            return False
        return bool(places.results(context.scene))


class VariationOperator(TerrainsOperator):
    """For one terrain, given by its collection's name."""

    name: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"}, description="Name of the terrain's collection")

    def execute(self, context):
        collection = variations.find(context.scene, self.name)
        if collection is None:
            self.report({"ERROR"}, tell("There is no terrain of this name"))
            return {"CANCELLED"}
        state = self.act(context, collection)
        redraw()
        return state or {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_show_variation(VariationOperator, bpy.types.Operator):
    """Show this terrain and its camera; the others are hidden unless all stand side by side"""

    bl_idname = "photo_to_terrain.show_variation"
    bl_label = "Show"

    def act(self, context, collection):
        variations.choose(context.scene, collection)
        make_active(context, collection)


class PHOTO_TO_TERRAIN_OT_lock_variation(VariationOperator, bpy.types.Operator):
    """Keep this terrain as it is: no run replaces it and it cannot be removed. Click again to unlock it"""

    bl_idname = "photo_to_terrain.lock_variation"
    bl_label = "Lock"

    def act(self, context, collection):
        variations.set_locked(collection, not variations.is_locked(collection))


class PHOTO_TO_TERRAIN_OT_remove_variation(VariationOperator, bpy.types.Operator):
    """Remove this terrain with its camera, sun and material from the scene. Files on the disk stay"""

    bl_idname = "photo_to_terrain.remove_variation"
    bl_label = "Remove"

    def act(self, context, collection):
        if variations.is_locked(collection):
            self.report({"ERROR"}, tell("This terrain is locked; unlock it to remove it"))
            return {"CANCELLED"}
        shown = variations.take_out(context.scene, collection)
        if shown is not None:
            make_active(context, shown)
        elif not bpy.app.background:
            look_freely(context)    # its camera is gone
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_side_by_side(TerrainsOperator, bpy.types.Operator):
    """Lay all terrains out next to each other, seen from above; click again to put them back and show one"""

    bl_idname = "photo_to_terrain.side_by_side"
    bl_label = "Side by Side"

    def execute(self, context):
        scene = context.scene
        if side_by_side.is_on(scene):
            side_by_side.switch_off(scene)
            if not bpy.app.background:
                look_through_camera(context)
        else:
            side_by_side.switch_on(scene)
            if not bpy.app.background:
                look_down_on(context, *side_by_side.frame_of(scene))
        shown = places.shown_result(scene)
        if shown is not None:
            make_active(context, shown)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_redraw_thumbnail(TerrainsOperator, bpy.types.Operator):
    """Draw the small picture of the shown terrain again, from its ground as it is now, sculpted or not"""

    bl_idname = "photo_to_terrain.redraw_thumbnail"
    bl_label = "Redraw Picture"

    @classmethod
    def poll(cls, context):
        return super().poll(context) and is_matched(places.shown_result(context.scene))

    def execute(self, context):
        collection = places.shown_result(context.scene)
        thumbnail.put(collection, thumbnail.draw(grid_of(collection), evidence_of(collection)))
        redraw()
        return {"FINISHED"}


def evidence_of(collection):
    """uint8 like the grid: the terrain's attribute `evidence`; all seen where that is gone."""
    mesh, place = places.terrain_in(collection).data, places.report_of(collection)["terrain"]
    layer = mesh.attributes.get("evidence")
    values = np.ones(place["rows"] * place["cols"], np.int32)
    if layer is not None and len(layer.data) == values.size:
        layer.data.foreach_get("value", values)
    return values.astype(np.uint8).reshape(place["rows"], place["cols"])


def make_active(context, collection):
    """Make a terrain the selected and active object."""
    terrain = places.terrain_in(collection)
    if terrain is not None and context.view_layer is not None:
        select_only(context.view_layer, terrain)


CLASSES = (
    PHOTO_TO_TERRAIN_OT_show_variation,
    PHOTO_TO_TERRAIN_OT_lock_variation,
    PHOTO_TO_TERRAIN_OT_remove_variation,
    PHOTO_TO_TERRAIN_OT_side_by_side,
    PHOTO_TO_TERRAIN_OT_redraw_thumbnail,
)
