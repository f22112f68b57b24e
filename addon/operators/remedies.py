"""Small operators around the big one: cancel, and the ways out that an error offers."""

from pathlib import Path

import bpy

from .. import jobs
from ..environment import PACKAGE
from ..scene.viewport import redraw

LEAST_RESOLUTION = 128


class PHOTO_TO_TERRAIN_OT_cancel(bpy.types.Operator):
    """Stop making this terrain; the scene stays as it was"""

    bl_idname = "photo_to_terrain.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        job = jobs.current()
        return job is not None and job.can_be_cancelled

    def execute(self, context):
        jobs.current().cancel()
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_dismiss(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "photo_to_terrain.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        jobs.fail(None)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_choose_picture(bpy.types.Operator):
    """Choose a photograph or painting of a landscape with mountains"""

    bl_idname = "photo_to_terrain.choose_picture"
    bl_label = "Choose Picture"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        context.scene.photo_to_terrain.picture = self.filepath
        jobs.fail(None)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_choose_folder(bpy.types.Operator):
    """Choose a folder that can be written"""

    bl_idname = "photo_to_terrain.choose_folder"
    bl_label = "Choose Folder"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        context.scene.photo_to_terrain.folder = self.directory
        jobs.fail(None)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_lower_resolution(bpy.types.Operator):
    """Halve the resolution: a quarter of the memory and of the time"""

    bl_idname = "photo_to_terrain.lower_resolution"
    bl_label = "Halve the Resolution"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        settings = context.scene.photo_to_terrain.settings
        settings.resolution = max(LEAST_RESOLUTION, settings.resolution // 2)
        jobs.fail(None)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_open_preferences(bpy.types.Operator):
    """Show this add-on's preferences"""

    bl_idname = "photo_to_terrain.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_show_log(bpy.types.Operator):
    """Open the backend's log, which says more, in Blender's text editor"""

    bl_idname = "photo_to_terrain.show_log"
    bl_label = "Show Log"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        problem = jobs.last_problem
        return problem is not None and bool(problem.log) and Path(problem.log).is_file()

    def execute(self, context):
        text = bpy.data.texts.load(jobs.last_problem.log)
        text.name = "Photo to Terrain log"
        bpy.ops.wm.window_new()
        area = context.window_manager.windows[-1].screen.areas[0]
        area.type = "TEXT_EDITOR"
        area.spaces.active.text = text
        return {"FINISHED"}


REMEDIES = {
    "choose_picture": PHOTO_TO_TERRAIN_OT_choose_picture.bl_idname,
    "choose_folder": PHOTO_TO_TERRAIN_OT_choose_folder.bl_idname,
    "lower_resolution": PHOTO_TO_TERRAIN_OT_lower_resolution.bl_idname,
    "open_preferences": PHOTO_TO_TERRAIN_OT_open_preferences.bl_idname,
    "show_log": PHOTO_TO_TERRAIN_OT_show_log.bl_idname,
    "edit_mask": "photo_to_terrain.paint_mask",
    "try_again": "photo_to_terrain.generate",
    "try_region": "photo_to_terrain.regenerate_region",
}
"""`fix` of an error -> the operator that the panel offers. Fixes without one are only described by their sentence."""
