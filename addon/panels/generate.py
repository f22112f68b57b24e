"""The second part of the story: settings that need no thought, the button, progress, problems."""

import bpy

from .. import compatibility, jobs
from ..operators.generate import PHOTO_TO_TERRAIN_OT_generate
from ..operators.keep_draft import PHOTO_TO_TERRAIN_OT_keep_draft
from ..operators.presets import draw_presets
from ..operators.remedies import REMEDIES
from ..translations import tell
from .story import Part
from .terrain_object import draw_memory
from .wrapped_text import draw_text

WIDE_PX = 250
"""From this width of the sidebar on two buttons have room side by side."""

LONG_START_S = 8.0
"""A backend that has not begun by then is compiling its kernels."""


class PHOTO_TO_TERRAIN_PT_generate(Part, bpy.types.Panel):
    """Size and kind of the terrain, the button, how far it is, and what went wrong"""

    bl_label = "Generate"
    bl_order = 20

    @classmethod
    def poll(cls, context):
        return bool(context.scene.photo_to_terrain.picture.strip() or jobs.current() or jobs.last_problem)

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        ours, job, width = context.scene.photo_to_terrain, jobs.current(), context.region.width
        column = layout.column()
        column.enabled = job is None
        draw_presets(column, context)
        column.prop(ours.settings, "resolution")
        column.prop(ours.settings, "seed")
        if job:
            draw_job(layout, job, width)
            return
        draw_memory(column, context, width)
        if ours.picture.strip():
            button = layout.row()
            button.scale_y = 1.6
            button.operator(PHOTO_TO_TERRAIN_OT_generate.bl_idname, text="Generate Terrain", icon="RNDCURVE")
        if jobs.last_problem:
            draw_problem(layout, jobs.last_problem, width)


def draw_job(layout, job, width):
    """Stage, bar, remaining time, and the two ways to end it early."""
    column = layout.column()
    compatibility.draw_progress(column, job.fraction)
    lines = column.column(align=True)    # always three of them: a panel that jumps cannot be clicked
    lines.scale_y = 0.8
    if job.title:
        lines.label(text=job.title, translate=False)
    is_ending = job.is_cancelling and not job.is_placing
    lines.label(text=("Stopping, the draft is kept" if job.is_keeping else "Cancelling") if is_ending else job.label)
    is_news = job.text.lower() != job.label.lower() and not is_ending
    if job.fraction == 0.0 and job.seconds > LONG_START_S and not is_ending:
        lines.label(text="The first start after an update takes longer")
    else:
        lines.label(text=job.text if is_news else "")
    lines.label(text="" if is_ending or job.is_placing else time_left(job))
    is_wide = width > WIDE_PX * bpy.context.preferences.system.ui_scale
    row = column.split(factor=0.62, align=True) if is_wide and job.is_terrain else column.column(align=True)
    if job.is_terrain:
        row.operator(PHOTO_TO_TERRAIN_OT_keep_draft.bl_idname, icon="CHECKMARK")
    row.operator("photo_to_terrain.cancel", icon="X")


def time_left(job):
    """How long it takes, as far as known."""
    if job.remaining_s is None:
        return tell("{seconds:.0f} s so far", seconds=job.seconds)
    seconds = max(1, round(job.remaining_s))
    if seconds < 100:
        return tell("{seconds} s left", seconds=seconds)
    return tell("{minutes} min left", minutes=round(seconds / 60))


def draw_problem(layout, problem, width):
    """What went wrong and the ways out."""
    box = layout.box()
    draw_text(box, problem.text, width, icon="ERROR")
    row = box.row()
    fix = REMEDIES.get(problem.fix or "")
    if fix == PHOTO_TO_TERRAIN_OT_generate.bl_idname:
        row.operator(fix, text="Try Again", icon="FILE_REFRESH")
    elif fix:
        row.operator(fix)
    row.operator("photo_to_terrain.dismiss", text="", icon="X")
