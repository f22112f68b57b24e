"""Operators around painting a mask: open the editor, choose what to paint, be done, go back, take a file."""

from pathlib import Path

import bpy

from ...backend.contract.masks import FOREGROUND, SKY, TERRAIN
from .. import jobs, mask_watch
from ..scene import mask_image
from ..scene.mask_editor import close_editor, editor_of, open_editor, take_color
from ..scene.mask_image import mask_of
from ..scene.viewport import redraw
from ..translations import tell
from .masks import PHOTO_TO_TERRAIN_OT_find_land

KINDS = (
    ("SKY", "Sky", "Red: nothing of the terrain may rise into it", "COLORSET_01_VEC", SKY),
    ("TERRAIN", "Land", "Green: the ground that becomes terrain", "COLORSET_03_VEC", TERRAIN),
    ("FOREGROUND", "Foreground", "Blue: trees, people and houses hide the land and are not built", "COLORSET_04_VEC", FOREGROUND),
)


class MaskOperator:
    """What the operators below have in common: a mask of the chosen picture."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("Something is being made")
            return False
        if context.scene is None or mask_of(context.scene) is None:
            cls.poll_message_set("Find the land of this picture first")
            return False
        return True

    def show(self, context, image):
        """Make this the scene's mask, also where the one before is shown."""
        before = mask_of(context.scene)
        context.scene.photo_to_terrain.mask = image
        before.use_fake_user = False
        for window in context.window_manager.windows:
            area = editor_of(window)
            if area is not None and area.spaces.active.image == before:
                area.spaces.active.image = image
        mask_watch.look_at(image)
        redraw()


class PHOTO_TO_TERRAIN_OT_paint_mask(bpy.types.Operator):
    """Open the mask over the picture and paint on it with Blender's own brushes"""

    bl_idname = "photo_to_terrain.paint_mask"
    bl_label = "Paint the Mask"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        if bpy.app.background:
            cls.poll_message_set("Painting needs a window")
            return False
        return PHOTO_TO_TERRAIN_OT_find_land.poll(context)

    def execute(self, context):
        jobs.fail(None)
        image = mask_of(context.scene)
        if image is None:    # it comes, and then opens
            bpy.ops.photo_to_terrain.find_land("INVOKE_DEFAULT", paint=True)
        else:
            open_editor(context, image)
            mask_watch.watch()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_paint_kind(bpy.types.Operator):
    """Choose what the brush paints"""

    bl_idname = "photo_to_terrain.paint_kind"
    bl_label = "Paint"
    bl_options = {"INTERNAL"}

    kind: bpy.props.EnumProperty(name="Paint", items=KINDS, description="What the brush paints")

    @classmethod
    def description(cls, context, properties):
        return tell(next(kind[2] for kind in KINDS if kind[0] == properties.kind))

    def execute(self, context):
        take_color(context, next(kind[4] for kind in KINDS if kind[0] == self.kind))
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_end_painting(bpy.types.Operator):
    """Leave the mask and show the 3D view again. What was painted is kept and used by the next run"""

    bl_idname = "photo_to_terrain.end_painting"
    bl_label = "Done"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return editor_of(context.window) is not None

    def execute(self, context):
        image = editor_of(context.window).spaces.active.image
        if image.is_dirty:
            image.pack()
        close_editor(context)
        mask_watch.look_at(image)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_reset_mask(MaskOperator, bpy.types.Operator):
    """Begin anew with the masks as they were found; what was painted goes"""

    bl_idname = "photo_to_terrain.reset_mask"
    bl_label = "Start Over"

    def execute(self, context):
        # A new image, not new pixels: the one before comes back with undo, stroke by stroke.
        self.show(context, mask_image.repainted(mask_of(context.scene), mask_image.found_in(mask_of(context.scene))))
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_load_mask(MaskOperator, bpy.types.Operator):
    """Take the masks from a picture file: red sky, green land, blue foreground; other colors keep what was found"""

    bl_idname = "photo_to_terrain.load_mask"
    bl_label = "Load Mask"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        mask, path = mask_of(context.scene), Path(bpy.path.abspath(self.filepath))
        try:
            labels = mask_image.labels_of_file(path, mask)
        except mask_image.BadMask as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        self.show(context, mask_image.repainted(mask, labels))
        return {"FINISHED"}


CLASSES = (
    PHOTO_TO_TERRAIN_OT_paint_mask,
    PHOTO_TO_TERRAIN_OT_paint_kind,
    PHOTO_TO_TERRAIN_OT_end_painting,
    PHOTO_TO_TERRAIN_OT_reset_mask,
    PHOTO_TO_TERRAIN_OT_load_mask,
)
