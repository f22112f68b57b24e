"""Two buttons of the look: bake the colors into an image, compute the shadow mask anew."""

import bpy

from .. import jobs, shadow_watch
from ..scene import result_collections as places
from ..scene.bake import NoBake, bake
from ..scene.material import LOOK, SHADOW, is_ours, set_value
from ..scene.shadow_mask import NoMask, shown_material
from ..scene.viewport import redraw


def shown_terrain(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The terrain that is shown, if it has a material of ours."""
    collection = places.shown_result(scene)
    terrain = places.terrain_in(collection) if collection else None
    return terrain if terrain is not None and is_ours(terrain.active_material) else None


class PHOTO_TO_TERRAIN_OT_bake_colors(bpy.types.Operator):
    """Bake photograph and painted ground into one image over the terrain's UV map. Blender stays usable; Esc ends it"""

    bl_idname = "photo_to_terrain.bake_colors"
    bl_label = "Bake Colors"
    bl_options = {"REGISTER"}    # undo would bring the unlit material back; Blender's own baker adds its step at the end

    @classmethod
    def poll(cls, context):
        if context.scene is None or shown_terrain(context.scene) is None:
            cls.poll_message_set("Make a terrain first")
            return False
        if jobs.current() is not None:
            cls.poll_message_set("A terrain is in the making")
            return False
        return True

    def execute(self, context):
        size = int(context.scene.photo_to_terrain_bake_size)
        try:
            bake(context, shown_terrain(context.scene), size, finish)
        except NoBake as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        return {"FINISHED"}


def finish(_: "str | None") -> None:
    """The bake is over; the image goes into the file when that is saved."""
    redraw()


class PHOTO_TO_TERRAIN_OT_cast_shadows(bpy.types.Operator):
    """Show the shadow mask of the terrain as it is now, also after sculpting"""

    bl_idname = "photo_to_terrain.cast_shadows"
    bl_label = "Update Shadow Mask"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if context.scene is None or shown_terrain(context.scene) is None:
            cls.poll_message_set("Make a terrain first")
            return False
        return True

    def execute(self, context):
        set_value(shown_material(context.scene), LOOK, SHADOW)
        if not bpy.app.background:
            shadow_watch.forget()
            shadow_watch.watch()
            return {"FINISHED"}
        try:
            shadow_watch.cast_now(context.scene)
        except NoMask as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        return {"FINISHED"}
