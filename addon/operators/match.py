"""Operators of the matched camera: back to the solved values, scale to a known fact, take over values, the other pitch, fSpy."""

import math
from dataclasses import replace
from pathlib import Path

import bmesh
import bpy
import numpy as np

from ...backend.contract.errors import TerrainError
from ...backend.contract.settings import TerrainSettings
from .. import jobs, match_properties, properties
from ..match_properties import value_of
from ..scene import pose
from ..scene import result_collections as places
from ..scene.fspy_project import BadProject, read_project
from ..scene.pitch_candidates import made_with
from ..scene.ridge_lines import first_ground
from ..scene.variations import choose
from ..translations import tell

LEAST_SHARE = 1e-3
"""Of its distance that a point must be above or below what it is measured from, to set a scale."""


class Refused(Exception):
    """Why something cannot be done, in one sentence."""


class MatchOperator:
    """What the operators below have in common: a terrain that is shown, and refusals as one sentence."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("A terrain is in the making")
            return False
        return pose.is_matched(places.shown_result(context.scene))

    def execute(self, context):
        try:
            said = self.act(context, places.shown_result(context.scene))
        except Refused as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        if said:
            self.report({"INFO"}, said)
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_reset_match(MatchOperator, bpy.types.Operator):
    """Put the camera back to the solved focal length, pitch, roll and height, and the terrain to its solved size"""

    bl_idname = "photo_to_terrain.reset_match"
    bl_label = "Reset"

    def act(self, context, collection):
        pose.reset(collection)


class PHOTO_TO_TERRAIN_OT_keep_match(MatchOperator, bpy.types.Operator):
    """Write these values into the settings: the next run takes this field of view, pitch, roll and relief as known"""

    bl_idname = "photo_to_terrain.keep_match"
    bl_label = "Use for the Next Run"

    def act(self, context, collection):
        settings = context.scene.photo_to_terrain.settings
        settings.fov_x_deg = math.degrees(value_of(collection, "fov_x"))
        settings.fix_pitch, settings.pitch_deg = True, math.degrees(value_of(collection, "pitch"))
        settings.roll_deg = math.degrees(value_of(collection, "roll"))
        settings.elevation_range_m = value_of(collection, "relief")


class PHOTO_TO_TERRAIN_OT_known_fact(MatchOperator, bpy.types.Operator):
    """Scale the terrain so that one point is as high or as far as it is known to be"""

    bl_description = ("Scale the terrain so that one point is as high or as far as it is known to be. The point is the "
                      "selected vertex in Edit Mode, else the ground under the 3D cursor as seen from the camera")
    bl_idname = "photo_to_terrain.known_fact"
    bl_label = "Scale to This"

    fact: bpy.props.EnumProperty(name="This Point Is", description="What is known of the point", items=match_properties.FACTS)
    meters: bpy.props.FloatProperty(name="Meters", description="The known height or distance in meters", subtype="DISTANCE")

    def act(self, context, collection):
        terrain, camera = places.terrain_in(collection), places.camera_in(collection)
        point, is_cursor = known_point(context, collection)
        eye, origin = np.array(camera.location), np.array(terrain.location)
        away = float(np.linalg.norm(point - eye))
        now = {"ABOVE_CAMERA": point[2] - eye[2], "ABOVE_LOWEST": point[2] - origin[2], "DISTANCE": away}[self.fact]
        if abs(now) < LEAST_SHARE * away:
            raise Refused("This point is level with what it is measured from, which sets no scale; choose another one.")
        factor = self.meters / float(now)
        if not factor > 0:
            raise Refused(f"In the picture this point is {'above' if now > 0 else 'below'} that, so {self.meters:g} m cannot be.")
        relief = pose.relief_m(collection) * factor
        low, high = pose.RELIEF_LIMITS_M
        if not low <= relief <= high:
            raise Refused(f"That would make a relief of {relief:.4g} m; it must be between {low:g} and {high:g} m.")
        pose.resize(collection, factor)
        if is_cursor:    # it stays on its ground
            context.scene.cursor.location = origin + (point - origin) * factor + np.array(terrain.delta_location)
        context.scene.photo_to_terrain.settings.elevation_range_m = relief
        return f"Scaled by {factor:.4g}; the relief is {relief:.0f} m, also for the next run"


def known_point(context: bpy.types.Context, collection: bpy.types.Collection) -> tuple[np.ndarray, bool]:
    """(3,) the artist's point in the scene's meters, and whether it is the 3D cursor's. Raises Refused.

    As if the terrain stood where it was made: terrains side by side are away from there by their objects' delta location.
    """
    terrain = places.terrain_in(collection)
    if terrain.mode == "EDIT":
        vertex = bmesh.from_edit_mesh(terrain.data).select_history.active
        if not isinstance(vertex, bmesh.types.BMVert):
            raise Refused("Select one vertex of the terrain, or leave Edit Mode to use the 3D cursor.")
        return np.array(terrain.matrix_world @ vertex.co - terrain.delta_location), False
    eye = pose.pinhole_of(collection).eye_m
    place = context.scene.cursor.location - terrain.delta_location - terrain.location
    place = np.array(place, np.float64) / terrain.scale.z
    ground = first_ground(pose.grid_of(collection), eye, place - eye) if np.any(place != eye) else None
    if ground is None:
        raise Refused("The 3D cursor is not on the terrain: look through the camera and Shift-right-click a point of it.")
    return ground * terrain.scale.z + np.array(terrain.location), True


class PHOTO_TO_TERRAIN_OT_pitch_candidate(MatchOperator, bpy.types.Operator):
    """Show the terrain made with this pitch; make it, with everything else as it was, when there is none yet"""

    bl_idname = "photo_to_terrain.pitch_candidate"
    bl_label = "Pitch"

    pitch_deg: bpy.props.FloatProperty(
        name="Pitch (°)", description="Camera pitch of this candidate in degrees, up is positive", min=-80.0, max=80.0)

    def act(self, context, collection):
        scene = context.scene
        report = places.report_of(collection)
        known = made_with(scene, report, self.pitch_deg)
        if known is None:
            self.make(context, report)
            return
        choose(scene, known)

    def make(self, context, report):
        """Run the backend with this pitch and put the artist's settings back at once: the job has its own copy."""
        ours = context.scene.photo_to_terrain
        before = ours.picture, properties.read(ours.settings)
        try:
            settings = TerrainSettings.from_dict(report.get("settings") or {})
            properties.write(ours.settings, replace(settings, fix_pitch=True, pitch_deg=self.pitch_deg))
            ours.picture = report["picture"]["path"]
            bpy.ops.photo_to_terrain.generate()
        except (RuntimeError, TerrainError) as problem:
            raise Refused(str(problem).removeprefix("Error: ").strip()) from problem
        finally:
            properties.write(ours.settings, before[1])
            ours.picture = before[0]


class PHOTO_TO_TERRAIN_OT_read_fspy(bpy.types.Operator):
    """Take field of view, pitch and roll for the next run from an fSpy project of this picture"""

    bl_idname = "photo_to_terrain.read_fspy"
    bl_label = "Read fSpy Camera"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.fspy", options={"HIDDEN"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        try:
            camera = read_project(Path(bpy.path.abspath(self.filepath)))
            check_limits(camera)
        except BadProject as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        settings = context.scene.photo_to_terrain.settings
        settings.fov_x_deg, settings.roll_deg = camera.fov_x_deg, camera.roll_deg
        settings.fix_pitch, settings.pitch_deg = True, camera.pitch_deg
        said = tell("Field of view {fov:.1f}°, pitch {pitch:+.1f}°, roll {roll:+.1f}° of a picture of {width} x {height}",
                    fov=camera.fov_x_deg, pitch=camera.pitch_deg, roll=camera.roll_deg, width=camera.width,
                    height=camera.height)
        if camera.is_shifted:
            self.report({"WARNING"}, tell("{camera}; its principal point is off the center, so this camera only comes close",
                                         camera=said))
        else:
            self.report({"INFO"}, said)
        return {"FINISHED"}


def check_limits(camera):
    """Raises BadProject when the settings cannot hold this camera."""
    if camera.fov_x_deg > 150 or abs(camera.pitch_deg) > 80 or abs(camera.roll_deg) > 45:
        raise BadProject(f"The fSpy camera (field of view {camera.fov_x_deg:.0f}°, pitch {camera.pitch_deg:.0f}°, roll "
                         f"{camera.roll_deg:.0f}°) does not look at a landscape; check its axes, z must point up.")


CLASSES = (
    PHOTO_TO_TERRAIN_OT_reset_match,
    PHOTO_TO_TERRAIN_OT_keep_match,
    PHOTO_TO_TERRAIN_OT_known_fact,
    PHOTO_TO_TERRAIN_OT_pitch_candidate,
    PHOTO_TO_TERRAIN_OT_read_fspy,
)
