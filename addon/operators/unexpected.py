"""A defect of ours inside of a running operator: the job ends with a sentence instead of being "in the making" for ever."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .. import jobs
from ..translations import tell

log = logging.getLogger(__name__)

Modal = TypeVar("Modal", bound=Callable[..., Any])


def ends_its_job(modal: Modal) -> Modal:
    """For `modal` of an operator that has `cancel`: where it raises, the job is ended, the panel says so, the console has more."""

    @functools.wraps(modal)
    def modal_or_end(self: Any, context: Any, event: Any) -> Any:
        try:
            return modal(self, context, event)
        except Exception as problem:
            log.exception("The operator failed.")
            said_before = jobs.last_problem
            self.cancel(context)
            jobs.fail(said_before or jobs.Problem("internal", tell(
                "Something failed in Blender ({problem}). Finished stages are kept; try again.",
                problem=f"{type(problem).__name__}: {problem}"), "try_again"))
            return {"CANCELLED"}

    return modal_or_end    # type: ignore[return-value]
