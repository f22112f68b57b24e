"""The fold that chooses what the terrain shows, turns its sun and bakes its colors."""

import bpy

from .. import shadow_watch
from ..look_properties import PREFIX
from ..operators.looks import PHOTO_TO_TERRAIN_OT_bake_colors, PHOTO_TO_TERRAIN_OT_cast_shadows, shown_terrain
from ..scene.bake import NODE_NAME
from ..translations import later, tell
from .settings import Fold
from .wrapped_text import draw_text

LEGEND = {"EVIDENCE": later("Sand: seen. Red: seen, but moved to let water run off. Blue: invented. Violet: edited by you.")}

COLORED = ("MATERIAL", "RENDERED")
"""Kinds of the viewport's shading that show materials."""


class PHOTO_TO_TERRAIN_PT_look(Fold, bpy.types.Panel):
    """How the terrain looks"""

    bl_label = "Look"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_refine"
    bl_order = 30

    @classmethod
    def poll(cls, context):
        return shown_terrain(context.scene) is not None

    def draw(self, context):
        column, _ = self.begin(context)
        scene, width = context.scene, context.region.width
        look = scene.photo_to_terrain_look
        column.prop(scene, PREFIX + "look")
        shading = getattr(context.space_data, "shading", None)    # no 3D view, no shading
        if shading is not None and shading.type not in COLORED:
            draw_text(column, "Solid view does not show it", width, icon="INFO")
            row = column.row()
            row.use_property_split = False    # the name belongs onto the button
            row.prop_enum(shading, "type", "MATERIAL", text="Material Preview")
        if look == "PHOTO":
            column.prop(scene, PREFIX + "photo_amount", text="Photo", slider=True)
            column.prop(scene, PREFIX + "grazing", text="Fade", slider=True)
        if look in ("PHOTO", "GROUND"):
            column.prop(scene, PREFIX + "snow_line")
        if look in LEGEND:
            draw_text(column, LEGEND[look], width)
        sun = column.column(align=True)
        sun.prop(scene, PREFIX + "sun_azimuth", text="Sun", slider=True)
        sun.prop(scene, PREFIX + "sun_elevation", text="Elevation", slider=True)
        if look == "SHADOW":
            if shadow_watch.state.problem:
                draw_text(column, shadow_watch.state.problem, width, icon="ERROR")
            column.operator(PHOTO_TO_TERRAIN_OT_cast_shadows.bl_idname, text="Update", icon="FILE_REFRESH")
        if look in ("PHOTO", "GROUND"):
            draw_bake(column, scene, shown_terrain(scene).active_material)


def draw_bake(column, scene, material):
    """Size, button, and where the image is."""
    column.separator()
    column.prop(scene, PREFIX + "bake_size")
    column.operator(PHOTO_TO_TERRAIN_OT_bake_colors.bl_idname, icon="RENDER_STILL")
    node = material.node_tree.nodes.get(NODE_NAME)
    if node is not None and node.image is not None:
        column.label(text=tell("Image: {name}", name=node.image.name), icon="IMAGE_DATA", translate=False)
