"""Tells the add-on how a job goes: plan, progress and previews as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contract import messages
from .contract.stages import StageInfo
from .runner import Done, Listener
from .stage_preview import write_preview

if TYPE_CHECKING:
    from .server import Request, Server


class WireListener(Listener):
    """A listener that speaks through `server` for one request."""

    def __init__(self, server: Server, request: Request):
        self._server, self._request = server, request

    def plan(self, stages: tuple[StageInfo, ...]) -> None:
        """Name the stages and their expected shares."""
        plan = [{"name": s.name, "label": s.label, "share": s.share} for s in stages]
        self._server.tell(self._request, messages.make("progress", self._request.job, plan=plan))

    def progress(self, stage: StageInfo, stage_fraction: float, fraction: float, text: str, seconds: float,
                 remaining_s: float | None) -> None:
        """Fractions rounded: a panel shows no more."""
        self._server.tell(self._request, messages.make(
            "progress", self._request.job, stage=stage.name, label=stage.label, fraction=round(fraction, 4),
            stage_fraction=round(stage_fraction, 4), text=text, seconds=round(seconds, 2),
            remaining_s=None if remaining_s is None else round(remaining_s, 1)))

    def preview(self, stage: StageInfo, done: Done) -> None:
        """Leave the heights in the job's folder and say where."""
        if self._request.cancelled.is_set():
            return
        values = write_preview(self._request.folder, stage, done, self._request.settings)
        self._server.tell(self._request, messages.make("preview", self._request.job, **values))
