"""Two buttons of the terrain object: bring its attributes up to date after sculpting, and take all edits back."""

import bpy

from ...backend.contract.errors import TerrainError
from .. import environment, jobs, preferences
from ..attribute_update import NoAnalysis, update_steps
from ..scene import result_collections as places
from ..scene.height_array import height_array
from ..scene.result_folder import DamagedResult
from ..scene.viewport import redraw
from ..steps import Work
from ..translations import tell
from .launching import log_path, watch_idleness
from .waiting import Timers

TICK_S = 0.02


class SteppedUpdate:
    """What both operators do, some steps at a time while Blender stays usable."""

    bl_options = {"REGISTER", "UNDO"}
    timers = Timers()
    restores = False

    @classmethod
    def poll(cls, context):
        if context.scene is None or places.shown_result(context.scene) is None:
            cls.poll_message_set("Make a terrain first")
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Go back to Object Mode first")
            return False
        if cls.timers:
            cls.poll_message_set("The terrain's attributes are being computed")
            return False
        return True

    def execute(self, context):
        self.problem = ""
        collection = places.shown_result(context.scene)
        self.terrain_name = places.terrain_in(collection).name if places.terrain_in(collection) else ""
        try:
            self.grid = height_array(collection)
        except DamagedResult as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        self.backend = self.find_backend(context)
        self.work = Work(self.steps)
        if bpy.app.background:
            state = None
            while state is None:
                state = self.go_on()
            return state
        self.timers.every(context, TICK_S)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def steps(self):
        """Begun anew when undo comes in between: the mesh is looked up by name. Raises NoAnalysis."""
        terrain = bpy.data.objects.get(self.terrain_name)
        if terrain is None or terrain.type != "MESH" or len(terrain.data.vertices) != self.grid.heights.size:
            raise NoAnalysis(tell("The terrain is gone or no grid any more; undo, or make it again."))
        return update_steps(terrain.data, self.grid, self.backend, self.restores)

    def find_backend(self, context):
        """The backend's process; None, and `problem` says why, where it cannot be started."""
        try:
            backend = jobs.prepare(environment.find_python(preferences.backend_python(context)), environment.ROOT, log_path())
        except (TerrainError, OSError) as problem:
            self.problem = tell("Slope and flow stay as they were: the backend cannot be started ({reason}).", reason=problem)
            return None
        watch_idleness()
        return backend

    def modal(self, context, event):
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        state = self.go_on()
        if state is None:
            return {"PASS_THROUGH"}
        self.timers.end()
        return state

    def go_on(self):
        """Some steps. Returns the operator's end, or None."""
        try:
            if not self.work.advance():
                return None
        except (NoAnalysis, ReferenceError) as problem:
            self.problem = str(problem)
        redraw()
        if self.work.result is None and self.backend is None:
            self.report({"ERROR"}, self.problem)
            return {"CANCELLED"}
        if self.problem:
            self.report({"WARNING"}, self.problem)
        else:
            self.report({"INFO"}, tell("Attributes are up to date, {count} points are edited", count=self.work.result))
        return {"FINISHED"}

    def cancel(self, context):
        """Blender ends the operator: its window closes, or another file is loaded."""
        self.timers.end()
        self.work.stop()


class PHOTO_TO_TERRAIN_OT_update_attributes(SteppedUpdate, bpy.types.Operator):
    """After sculpting: mark the edited ground and compute slope (degrees) and flow (square meters) of the heights as they are"""

    bl_idname = "photo_to_terrain.update_attributes"
    bl_label = "Update Attributes"


class PHOTO_TO_TERRAIN_OT_restore_heights(SteppedUpdate, bpy.types.Operator):
    """Put every point back to where it was made, from the attribute height. All sculpting of this terrain is taken back"""

    bl_idname = "photo_to_terrain.restore_heights"
    bl_label = "Restore Heights"
    restores = True


CLASSES = (PHOTO_TO_TERRAIN_OT_update_attributes, PHOTO_TO_TERRAIN_OT_restore_heights)
