"""Finds the picture's masks: a short job that leaves an image to look at and to paint on."""

import functools

import bpy
import numpy as np

from ...backend.contract.errors import TerrainError
from ...backend.contract.settings import TerrainSettings
from .. import compatibility, environment, jobs, mask_watch, preferences
from ..scene import mask_image
from ..scene.land_classes import fingerprint
from ..scene.mask_editor import open_editor
from ..scene.viewport import redraw
from ..steps import Ahead, Work, ready
from ..translations import tell
from .launching import chosen_picture, job_folder, log_path, watch_idleness
from .waiting import Timers, WaitsForJob

TICK_S = 0.1


class PHOTO_TO_TERRAIN_OT_find_land(WaitsForJob, bpy.types.Operator):
    """Show what is taken for sky, land and foreground before anything is built from it. A few seconds; Esc cancels"""

    bl_idname = "photo_to_terrain.find_land"
    bl_label = "Find the Land"
    bl_options = {"UNDO"}
    timers = Timers()

    paint: bpy.props.BoolProperty(name="Paint", description="Open the mask for painting when it is there",
                                  options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("Something is being made")
            return False
        return context.scene is not None

    def execute(self, context):
        try:
            picture = chosen_picture(context.scene)
            python = environment.find_python(preferences.backend_python(context))
            folder = job_folder(context.scene.photo_to_terrain.folder, compatibility.user_folder(environment.PACKAGE), picture)
            self.job = jobs.start(python, environment.ROOT, picture, folder, TerrainSettings(), log_path(), is_terrain=False)
        except TerrainError as problem:
            return self.refuse(jobs.Problem(problem.code, str(problem), problem.fix))
        except OSError as problem:
            return self.refuse(jobs.Problem("backend_missing", tell("The backend cannot be started ({problem}).", problem=problem),
                                            "open_preferences"))
        self.scene_name, self.face = context.scene.name, None
        self.work, self.image = None, None    # the image: once it is there
        if bpy.app.background:
            while not self.job.wait():
                pass
            state = None
            while state is None:
                state = self.tick(context)
            return state
        self.timers.every(context, TICK_S)
        context.window_manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def tick(self, context):
        """Look what the backend says; put in what it has found. Returns the operator's end, or None."""
        if self.work is None:
            if not self.job.poll():
                return None
            watch_idleness()
            if self.job.result is None:
                return self.leave(self.job.problem)
            self.job.is_placing, self.job.label, self.job.text = True, "Showing the masks", ""
            self.work = Work(functools.partial(self.take, self.job.result))
        if self.job.is_stopped:
            self.work.stop()
            return self.leave(None)
        try:
            if not self.work.advance():
                return None
        except (OSError, ValueError, KeyError, RuntimeError) as problem:
            return self.leave(jobs.Problem(
                "damaged_result", tell("The masks cannot be read ({problem}). Find the land again.", problem=problem)))
        self.job.is_placing = False
        redraw()
        if self.paint and not bpy.app.background:
            open_editor(context, self.image)
        warning = self.image.get(mask_image.WARNING)
        self.report({"WARNING"} if warning else {"INFO"}, warning or
                    tell("Masks found after {seconds:.1f} s", seconds=self.job.seconds))
        return {"FINISHED"}

    def take(self, said):
        """The steps from the backend's `result` to an image in the scene. Raises OSError, ValueError, RuntimeError."""
        with Ahead() as soon:
            labels = yield from ready(soon(np.load, said["files"]["labels"]))
            of = yield from ready(soon(fingerprint, self.job.image))
        if labels.dtype != np.uint8 or labels.ndim != 2:
            raise ValueError("they are no masks")
        under = bpy.data.images.load(said["files"]["picture"])
        under.name = f"{self.job.image.stem} below its mask"
        under.pack()
        yield
        warning = " ".join(said["report"]["warnings"])
        image = mask_image.earlier_mask(of, labels.shape[::-1])
        if image is None:
            image = mask_image.new_mask(f"{self.job.image.stem} mask", of, labels, labels, under, warning)
            yield
            image.pack()
        else:    # painted before another picture was chosen: that is kept
            mask_image.renew(image, labels, under, warning)
        scene = bpy.data.scenes.get(self.scene_name) or bpy.context.scene
        scene.photo_to_terrain.mask = image
        yield
        mask_watch.look_at(image)
        self.image = image

    def cancel(self, context):
        """Blender ends the operator: its window closes, or another file is loaded."""
        jobs.abandon()
        self.timers.end()
        if self.work is not None:
            self.work.stop()

    def leave(self, problem):
        """Nothing was changed; say why."""
        self.job.is_placing = False
        redraw()
        if problem:
            return self.refuse(problem)
        self.report({"INFO"}, tell("Cancelled, nothing was changed"))
        return {"CANCELLED"}

    def refuse(self, problem):
        """Say what went wrong, here and in the panel."""
        jobs.fail(problem)
        redraw()
        self.report({"ERROR"}, problem.text)
        return {"CANCELLED"}
