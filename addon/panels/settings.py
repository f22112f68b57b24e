"""Folds of settings: what the artist knows about the picture, and the expert's choices."""

import bpy

from .. import jobs
from ..properties import setting_names
from .story import Part


class Fold(Part):
    """A closed part of the panel; `bl_parent_id` says of which part of the story."""

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
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_picture"
    bl_order = 20

    @classmethod
    def poll(cls, context):
        return bool(context.scene.photo_to_terrain.picture.strip())

    def draw(self, context):
        column, ours = self.begin(context)
        for name in setting_names(expert=False):
            if name == "fix_pitch":
                continue    # the box before the pitch
            if name == "pitch_deg":
                row = column.row(heading="Pitch (°)")
                row.prop(ours.settings, "fix_pitch", text="")
                angle = row.row()
                angle.active = ours.settings.fix_pitch
                angle.prop(ours.settings, name, text="")
            else:
                column.prop(ours.settings, name)
        column.operator("photo_to_terrain.read_fspy", icon="CAMERA_DATA")


class PHOTO_TO_TERRAIN_PT_expert(Fold, bpy.types.Panel):
    """Choices named as in the papers"""

    bl_label = "Expert"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_generate"
    bl_order = 90

    def draw(self, context):
        column, ours = self.begin(context)
        for name in setting_names(expert=True):
            column.prop(ours.settings, name)
        column.prop(ours, "folder")
