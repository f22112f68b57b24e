"""The frame of the panel: one story in five parts, Picture, Generate, Variations, Refine, Export.

Each part is a sub-panel of the one in the sidebar's tab and says in its `poll` when it belongs to the story; folds inside a
part name that part as `bl_parent_id`. Orders leave room: 10, 20, 30.
"""

import bpy

from ..scene import result_collections as places
from .setup import draw_hint


class SidebarPanel:
    """Where our panels live."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Photo to Terrain"


class PHOTO_TO_TERRAIN_PT_terrain(SidebarPanel, bpy.types.Panel):
    """The whole panel; says only what is missing before anything can work"""

    bl_label = "Photo to Terrain"

    def draw(self, context):
        draw_hint(self.layout, context.region.width)


class Part(SidebarPanel):
    """A part of the story, open."""

    bl_parent_id = PHOTO_TO_TERRAIN_PT_terrain.__name__


class PHOTO_TO_TERRAIN_PT_refine(Part, bpy.types.Panel):
    """Frame of the folds that change the shown terrain"""

    bl_label = "Refine"
    bl_order = 40

    @classmethod
    def poll(cls, context):
        return places.shown_result(context.scene) is not None

    def draw(self, context):
        """The folds draw themselves."""
