"""How an operator waits while Blender stays usable: its timer, Esc, and the panel drawn anew when the job has another face."""

import bpy

from ..scene.viewport import redraw
from .unexpected import ends_its_job


class Timers:
    """The timer of a running operator, kept by its class: it can also be taken away when the add-on is switched off."""

    everyone: "list[Timers]" = []

    def __init__(self):
        self._running: list[bpy.types.Timer] = []
        self.everyone.append(self)

    def __bool__(self):
        return bool(self._running)

    def every(self, context, seconds):
        """Call the operator this often, instead of as often as before."""
        self.end()
        self._running.append(context.window_manager.event_timer_add(seconds, window=context.window))

    def end(self):
        """Call it no more."""
        while self._running:
            bpy.context.window_manager.event_timer_remove(self._running.pop())


def end_timers() -> None:
    """Take all timers of our operators away."""
    for timers in Timers.everyone:
        timers.end()


class WaitsForJob:
    """An operator with a `job`, `timers`, and `tick(context)`, which returns its end or None."""

    face: object = None
    """What the panel showed of the job last."""

    @ends_its_job
    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            self.job.cancel()
            redraw()
            return {"RUNNING_MODAL"}    # this Esc was meant for us
        if event.type != "TIMER":
            return {"PASS_THROUGH"}     # Blender stays usable
        state = self.tick(context)
        if state is not None:
            self.timers.end()
            return state
        if self.job.face != self.face:
            self.face = self.job.face
            redraw()
        return {"PASS_THROUGH"}
