"""Loads what jobs need while the artist still chooses a picture, the part that finds masks before everything else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from .contract.errors import TerrainError

log = logging.getLogger(__name__)


class Loading:
    """The scene network at once, the terrain network and the kernels in a thread beside the first requests for masks."""

    def __init__(self) -> None:
        self._rest = threading.Thread(target=_load_rest, name="loading", daemon=True)

    def begin(self) -> None:
        """Returns when masks could be looked for."""
        from . import pipeline

        _tolerantly(pipeline.scene_network)
        self._rest.start()

    def is_going_on(self) -> bool:
        """Whether something is still missing that a terrain needs."""
        return self._rest.is_alive()

    def wait(self) -> None:
        """Until all is there; at once where loading was never begun."""
        if self.is_going_on():
            self._rest.join()


def _load_rest() -> None:
    from . import pipeline

    _tolerantly(pipeline.warm_up)


def _tolerantly(load: Callable[[], object]) -> None:
    """A problem is only logged: the first job meets the same one and reports it."""
    try:
        load()
    except TerrainError as problem:
        log.warning("%s", problem)
    except Exception:
        log.exception("Loading failed; the first job will try again.")
