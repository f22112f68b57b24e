"""The big button: a picture becomes a terrain, in a window while Blender stays usable, or waiting without one."""

import functools

import bpy

from ...backend.contract.errors import TerrainError
from .. import jobs, properties
from ..scene.draft import draft_steps, drop_draft
from ..scene.mask_image import settings_with_mask
from ..scene.result import result_steps, select_only
from ..scene.result_folder import DamagedResult, read_result, read_unfinished
from ..scene.viewport import is_through_camera, look_freely, look_through_camera, redraw
from ..steps import Ahead, Work, ready
from ..translations import tell
from .launching import chosen_picture, folder_for, launch, watch_idleness
from .waiting import Timers, WaitsForJob

TICK_S = 0.1

DRAFT_BUDGET_S = 0.05
"""Steps of a draft are shorter than those of the terrain: a draft comes at once, the terrain in many ticks."""

QUICK_TICK_S = 0.01
"""While the terrain is put into the scene."""


class TerrainRun(WaitsForJob):
    """What every operator does that makes terrains: run a job, show its drafts, put its terrain into the scene, go on."""

    timers = Timers()
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("A terrain is in the making")
            return False
        return context.scene is not None

    def begin(self, context):
        """Start the first job. Raises TerrainError, OSError."""
        return start_job(context)

    def follow(self, context):
        """Start what comes after the terrain that was just put in, if anything does. Raises TerrainError, OSError."""

    def execute(self, context):
        self.scene_name = context.scene.name
        self.has_looked = False
        self.face = None
        self.drafting = self.placing = None
        self.placed = 0
        problem = self.start(context, self.begin)
        if problem is not None:
            return self.refuse(problem)
        if bpy.app.background:
            return self.run_to_end(context)
        self.timers.every(context, TICK_S)
        context.window_manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def start(self, context, begin):
        """Start a job, the first or the next one. Returns why there is none, if there should be one."""
        try:
            self.job = begin(context)
        except TerrainError as problem:
            return jobs.Problem(problem.code, str(problem), problem.fix)
        except OSError as problem:
            return jobs.Problem("backend_missing", f"The backend cannot be started ({problem}).", "open_preferences")
        return None

    def run_to_end(self, context):
        """Without a window: all of it."""
        state = None
        try:
            while state is None:
                state = self.tick(context) if self.placing is not None or self.job.is_over else self.wait(context)
        except BaseException:    # also Ctrl-C: no later run shall find this one still in the making
            jobs.abandon()
            raise
        return state

    def wait(self, context):
        """Without a window: wait a little."""
        if not self.job.wait():
            self.show_news(context)

    def tick(self, context):
        """Some steps of what there is to do, so few that nobody notices. Returns the operator's end, or None."""
        if self.placing is not None:
            return self.go_on_placing(context)
        if self.job.poll():
            return self.begin_placing(context)
        self.show_news(context)
        return None

    def cancel(self, context):
        """Blender ends the operator: its window closes, or another file is loaded (then the job is already over)."""
        was_running = jobs.current() is not None
        jobs.abandon(jobs.Problem("interrupted", tell(
            "The window was closed in which the terrain was in the making. Finished stages are kept: the button goes on from "
            "there."), "try_again"))
        self.timers.end()
        for work in (self.drafting, self.placing):
            if work is not None:
                work.stop()
        if was_running:
            drop_draft(self.scene(context))
            redraw()

    def scene(self, context):
        """The scene the job was started in; by name, because undo replaces it."""
        return bpy.data.scenes.get(self.scene_name) or context.scene

    def show_news(self, context):
        """Bring the newest preview into the scene, some steps of it."""
        if self.drafting is None:
            preview = self.job.take_preview()
            if preview is None or self.job.is_cancelling:
                return
            self.drafting = Work(lambda: draft_steps(self.scene(bpy.context), preview, self.job.image))
        try:
            if self.drafting.advance(DRAFT_BUDGET_S):
                self.drafting = None
                self.look(context)
        except DamagedResult as problem:    # the next preview comes soon
            self.drafting = None
            self.report({"WARNING"}, str(problem))

    def look(self, context):
        """Show the terrain as the picture does, once; afterwards the artist may turn the view as they like."""
        if not (self.has_looked or bpy.app.background):
            self.has_looked = True
            self.was_free = not is_through_camera(context)
            look_through_camera(context)

    def look_back(self, context):
        """Undo `look`."""
        if self.has_looked and self.was_free:
            look_freely(context)

    def begin_placing(self, context):
        """The backend is done: begin to put in its terrain, or the draft that shall do. Returns the operator's end, or None."""
        watch_idleness()
        if self.drafting is not None:
            self.drafting.stop()
            self.drafting = None
        job = self.job
        if job.result is not None:
            read = functools.partial(read_result, job.folder, job.result.get("report"))
        elif job.is_keeping:
            read = functools.partial(read_unfinished, job.whole_draft, job.seconds)
        else:
            return self.leave(context, job.problem)
        job.is_placing, job.label, job.text = True, "Putting the terrain into the scene", ""
        self.placing = Work(lambda: self.place(read))
        if not bpy.app.background:    # no more to wait for: as many steps as Blender takes
            self.timers.every(context, QUICK_TICK_S)
        return None

    def place(self, read):
        """The steps from files to a terrain in the scene. Raises DamagedResult."""
        with Ahead() as soon:
            finished = yield from ready(soon(read))
        yield
        return (yield from result_steps(self.scene(bpy.context), finished))

    def go_on_placing(self, context):
        """Some steps of it. Returns the operator's end, or None."""
        if self.job.is_stopped:
            self.placing.stop()
            return self.leave(context, None)
        try:
            if not self.placing.advance():
                return None
        except DamagedResult as problem:
            return self.leave(context, jobs.Problem("damaged_result", str(problem), "try_again"))
        except BaseException:
            self.leave(context, jobs.Problem("damaged_result", "The terrain cannot be put into the scene.", "try_again"))
            raise
        self.job.is_placing = False
        redraw()
        if context.view_layer is not None:
            select_only(context.view_layer, self.placing.result)
        self.look(context)
        self.placing, done = None, self.job
        self.placed += 1
        problem = self.start(context, self.follow)
        if problem is not None:
            return self.refuse(problem)
        if self.job is not None:
            if not bpy.app.background:
                self.timers.every(context, TICK_S)
            return None
        self.job = done
        said = tell("Draft kept after {seconds:.0f} s" if done.result is None else "Terrain made after {seconds:.0f} s",
                    seconds=done.seconds)
        self.report({"INFO"}, said)
        return {"FINISHED"}

    def leave(self, context, problem):
        """Leave the scene as it was, and say why."""
        self.job.is_placing = False
        drop_draft(self.scene(context))
        redraw()
        self.look_back(context)
        if problem:
            return self.refuse(problem)
        self.report({"INFO"}, tell("Cancelled, the finished terrains stay" if self.placed else "Cancelled, nothing was changed"))
        return {"CANCELLED"}

    def refuse(self, problem):
        """Say what went wrong, here and in the panel."""
        jobs.fail(problem)
        redraw()
        # For a script that calls the operator an ERROR report becomes a RuntimeError, which is what it needs.
        self.report({"ERROR"}, problem.text)
        return {"CANCELLED"}


class PHOTO_TO_TERRAIN_OT_generate(TerrainRun, bpy.types.Operator):
    """Turn the picture into a terrain with a matching camera. Esc cancels"""

    bl_idname = "photo_to_terrain.generate"
    bl_label = "Photo to Terrain"


def start_job(context: bpy.types.Context) -> jobs.Job:
    """Start what the scene's properties ask for. Raises TerrainError, OSError."""
    picture = chosen_picture(context.scene)
    folder = folder_for(context, picture)
    settings = settings_with_mask(context.scene, properties.read(context.scene.photo_to_terrain.settings), folder)
    return launch(context, picture, folder, settings)
