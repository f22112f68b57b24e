"""The folds below the button: what the artist knows about the picture, and the expert's choices."""

import bpy

from .. import jobs
from ..properties import setting_names
from .terrain import PHOTO_TO_TERRAIN_PT_terrain, SidebarPanel


class Fold(SidebarPanel):
    """A closed part of the panel."""

    bl_parent_id = PHOTO_TO_TERRAIN_PT_terrain.__name__
    bl_options = {"DEFAULT_CLOSED"}

    def begin(self, context):
        """A column for settings, locked while a job runs."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        column = self.layout.column()
        column.enabled = jobs.current() is None
        return column, context.scene.photo_to_terrain


class PHOTO_TO_TERRAIN_PT_known(Fold, bpy.types.Panel):
    """Facts that the networks need not guess"""

    bl_label = "Known Facts"

    def draw(self, context):
        column, ours = self.begin(context)
        for name in setting_names(expert=False):
            row = column.row()
            row.active = name != "pitch_deg" or ours.settings.fix_pitch
            row.prop(ours.settings, name)
        column.operator("photo_to_terrain.read_fspy", icon="CAMERA_DATA")
        column.prop(ours, "folder")


class PHOTO_TO_TERRAIN_PT_expert(Fold, bpy.types.Panel):
    """Choices named as in the papers"""

    bl_label = "Expert"

    def draw(self, context):
        column, ours = self.begin(context)
        for name in setting_names(expert=True):
            column.prop(ours.settings, name)
