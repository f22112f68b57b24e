"""The fold "Match": the camera's handles, the ridge overlay with its legend, candidates of the pitch, a known fact."""

import bpy

from .. import jobs
from ..match_properties import PREFIX
from ..scene import pose
from ..scene import result_collections as places
from ..scene.pitch_candidates import SAME_DEG, offered_for
from ..scene.ridge_overlay import measured
from ..translations import later
from .match_facts import lens_sentence, ridge_sentences
from .settings import Fold
from .wrapped_text import draw_text


class PHOTO_TO_TERRAIN_PT_match(Fold, bpy.types.Panel):
    """How well camera and terrain fit the picture, with handles to change it"""

    bl_label = "Match"
    bl_parent_id = "PHOTO_TO_TERRAIN_PT_refine"
    bl_order = 10

    @classmethod
    def poll(cls, context):
        return jobs.current() is None and pose.is_matched(places.shown_result(context.scene))

    def draw(self, context):
        column, _ = self.begin(context)
        collection = places.shown_result(context.scene)
        handles, report, width = collection.photo_to_terrain_match, places.report_of(collection), context.region.width
        view = column.column(align=True)
        for name in ("focal_mm", "fov_x", "pitch", "roll", "height"):
            view.prop(collection, PREFIX + name)
        draw_text(column, lens_sentence(report), width)
        column.prop(collection, PREFIX + "relief")
        row = column.row(align=True)
        row.operator("photo_to_terrain.reset_match", icon="LOOP_BACK")
        row.operator("photo_to_terrain.keep_match", icon="CHECKMARK")
        self.draw_candidates(context, column, report, width)
        self.draw_overlay(column, collection, handles, width)
        self.draw_fact(column, handles, width)

    def draw_candidates(self, context, column, report, width):
        """Two buttons, where the search has found two pitches that fit about as well."""
        candidates = offered_for(context.scene, report)
        if not candidates:
            return
        box = column.box()
        draw_text(box, "The picture allows two pitches; each becomes a terrain of its own", width, icon="QUESTION")
        row = box.row(align=True)
        for candidate in candidates:
            is_shown = abs(candidate["pitch_deg"] - report["camera"]["pitch_deg"]) < SAME_DEG
            text = f"{candidate['pitch_deg']:+.1f}°"
            row.operator("photo_to_terrain.pitch_candidate", text=text, depress=is_shown).pitch_deg = candidate["pitch_deg"]

    def draw_overlay(self, column, collection, handles, width):
        """The switch, and when it is on numbers and legend."""
        column.prop(handles, "show_ridges")
        if not handles.show_ridges:
            return
        box = column.box()
        answer = measured(collection)
        if isinstance(answer, str):
            draw_text(box, answer, width, icon="INFO")
            return
        box.prop(handles, "tolerance_m")
        for line in ridge_sentences(answer[0], pose.size_of(collection)):
            draw_text(box, line, width)
        for icon, text in LEGEND:
            draw_text(box, text, width, icon=icon)

    def draw_fact(self, column, handles, width):
        """One known height or distance."""
        box = column.box()
        draw_text(box, "One known point: 3D cursor or selected vertex", width, icon="PIVOT_CURSOR")
        box.prop(handles, "fact")
        box.prop(handles, "fact_m")
        button = box.operator("photo_to_terrain.known_fact")
        button.fact, button.meters = handles.fact, handles.fact_m


LEGEND = (
    ("COLORSET_01_VEC", later("Red: terrain too high")),
    ("COLORSET_03_VEC", later("Green: terrain too low")),
    ("SNAP_FACE", later("White: within the tolerance")),
    ("COLORSET_10_VEC", later("Gray: not in the picture")),
    ("COLORSET_04_VEC", later("Blue: the picture's own ridges")),
)
"""Colors of scene/ridge_overlay.py beside icons of about that color, which every Blender has."""
