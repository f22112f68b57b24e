"""The big button: a picture becomes a terrain, in a window while Blender stays usable, or waiting without one."""

from pathlib import Path

import bpy

from ...backend.contract.errors import TerrainError
from .. import compatibility, environment, jobs, preferences, properties
from ..scene.draft import drop_draft, show_draft
from ..scene.result import put_result, select_only
from ..scene.result_folder import DamagedResult, folder_name, read_result
from ..scene.viewport import is_through_camera, look_freely, look_through_camera, redraw

TICK_S = 0.1

_timers: list[bpy.types.Timer] = []
"""The running timer, here so that it can also be taken away when the add-on is switched off in the middle of a job."""


class MissingPicture(TerrainError):
    """No picture is chosen, or it is gone."""

    code, fix = "missing_picture", "choose_picture"


class PHOTO_TO_TERRAIN_OT_generate(bpy.types.Operator):
    """Turn the picture into a terrain with a matching camera. Esc cancels"""

    bl_idname = "photo_to_terrain.generate"
    bl_label = "Photo to Terrain"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("A terrain is in the making")
            return False
        return context.scene is not None

    def execute(self, context):
        try:
            self.job = start_job(context)
        except TerrainError as problem:
            return self.refuse(jobs.Problem(problem.code, str(problem), problem.fix))
        except OSError as problem:
            return self.refuse(jobs.Problem("backend_missing", f"The backend cannot be started ({problem}).",
                                            "open_preferences"))
        self.scene_name = context.scene.name
        self.has_looked = False
        self.face = None
        if bpy.app.background:
            while not self.job.wait():
                self.show_news(context)
            return self.finish(context)
        _timers.append(context.window_manager.event_timer_add(TICK_S, window=context.window))
        context.window_manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            self.job.cancel()
            redraw()
            return {"RUNNING_MODAL"}    # this Esc was meant for us
        if event.type != "TIMER":
            return {"PASS_THROUGH"}     # Blender stays usable
        if self.job.poll():
            end_timers()
            return self.finish(context)
        self.show_news(context)
        if self.job.face != self.face:
            self.face = self.job.face
            redraw()
        return {"PASS_THROUGH"}

    def cancel(self, context):
        """Blender ends the operator: its window closes, or another file is loaded."""
        jobs.abandon()
        end_timers()

    def scene(self, context):
        """The scene the job was started in; by name, because undo replaces it."""
        return bpy.data.scenes.get(self.scene_name) or context.scene

    def show_news(self, context):
        """Bring the newest preview into the scene."""
        preview = self.job.take_preview()
        if preview is None or self.job.is_cancelling:
            return
        try:
            show_draft(self.scene(context), preview, self.job.image)
        except DamagedResult as problem:    # the next preview comes soon
            self.report({"WARNING"}, str(problem))
            return
        self.look(context)

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

    def finish(self, context):
        """The job is over: replace the draft by the result, or leave the scene as it was."""
        scene = self.scene(context)
        drop_draft(scene)
        redraw()
        watch_idleness()
        if self.job.result is None:
            self.look_back(context)
        if self.job.problem:
            return self.refuse(self.job.problem)
        if self.job.result is None:
            self.report({"INFO"}, "Cancelled, nothing was changed")
            return {"CANCELLED"}
        try:
            finished = read_result(self.job.folder)
        except DamagedResult as problem:
            return self.refuse(jobs.Problem("damaged_result", str(problem), "try_again"))
        terrain = put_result(scene, finished)
        if context.view_layer is not None:
            select_only(context.view_layer, terrain)
        self.look(context)
        self.report({"INFO"}, f"Terrain made in {self.job.seconds:.0f} s")
        return {"FINISHED"}

    def refuse(self, problem):
        """Say what went wrong, here and in the panel."""
        jobs.fail(problem)
        redraw()
        # For a script that calls the operator an ERROR report becomes a RuntimeError, which is what it needs.
        self.report({"ERROR"}, problem.text)
        return {"CANCELLED"}


def end_timers() -> None:
    """Take the timer away."""
    while _timers:
        bpy.context.window_manager.event_timer_remove(_timers.pop())


def watch_idleness() -> None:
    """Look now and then whether the backend can give its memory back."""
    if not bpy.app.background and not bpy.app.timers.is_registered(jobs.release_if_idle):
        bpy.app.timers.register(jobs.release_if_idle, first_interval=60.0, persistent=True)


def warm_up(context: bpy.types.Context) -> None:
    """A picture was chosen in a window: let the backend load its networks while the artist looks at the settings."""
    if bpy.app.background or jobs.current():
        return
    try:
        jobs.prepare(environment.find_python(preferences.backend_python(context)), environment.ROOT, log_path())
    except (TerrainError, OSError):
        return    # the button will say it
    watch_idleness()


def log_path() -> Path:
    """Where the backend's log goes. Raises OSError."""
    return compatibility.user_folder(environment.PACKAGE) / "backend.log"


def start_job(context: bpy.types.Context) -> jobs.Job:
    """Start what the scene's properties ask for. Raises TerrainError, OSError."""
    ours = context.scene.photo_to_terrain
    picture = Path(bpy.path.abspath(ours.picture)) if ours.picture.strip() else None
    if picture is None:
        raise MissingPicture("Choose a picture first.")
    if not picture.is_file():
        raise MissingPicture(f"There is no file {picture}. Choose another picture.")
    settings = properties.read(ours.settings)
    python = environment.find_python(preferences.backend_python(context))
    folder = job_folder(ours.folder, compatibility.user_folder(environment.PACKAGE), picture)
    return jobs.start(python, environment.ROOT, picture.resolve(), folder, settings, log_path())


def job_folder(chosen: str, own_folder: Path, picture: Path) -> Path:
    """Where a picture's files go. The same picture gets the same folder: its finished stages are found again."""
    base = Path(bpy.path.abspath(chosen)) if chosen.strip() else own_folder / "terrains"
    return base / folder_name(picture)
