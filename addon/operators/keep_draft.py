"""Be content with the draft: stop the job and keep what it has come to."""

import bpy

from .. import jobs
from ..scene.viewport import redraw


class PHOTO_TO_TERRAIN_OT_keep_draft(bpy.types.Operator):
    """Stop here and keep the newest draft as a terrain, marked unfinished. The main button goes on from here later"""

    bl_idname = "photo_to_terrain.keep_draft"
    bl_label = "Use What You Have"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        job = jobs.current()
        if job is None:
            return False
        if not job.can_keep:
            cls.poll_message_set("Wait for the first draft of the whole terrain")
            return False
        return True

    def execute(self, context):
        jobs.current().keep()    # the running operator sees to the rest
        redraw()
        return {"FINISHED"}
