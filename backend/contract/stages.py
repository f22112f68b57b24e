"""The stages of one job, in order, with the names used by the wire, the cache, the report and the panel.

Standard library only: both sides import this file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageInfo:
    """What everybody may know of a stage.

    name: in messages and files.   label: for people, says what happens.   share: expected part of the whole time on two
    CPU cores (the shares add up to 1); it only steers the progress bar.   shows_heights: a preview follows the stage.
    """

    name: str
    label: str
    share: float
    shows_heights: bool = False


STAGES = (
    StageInfo("picture", "Reading the picture", 0.005),
    StageInfo("scene", "Looking at the scene", 0.04),
    StageInfo("segmentation", "Telling land from sky", 0.03),
    StageInfo("pointmap", "Estimating distances", 0.05),
    StageInfo("cleaning", "Removing stray points", 0.02),
    StageInfo("prior", "Estimating slope and relief", 0.005),
    StageInfo("camera", "Finding the camera", 0.02),
    StageInfo("visible", "Laying out the visible ground", 0.01, shows_heights=True),
    StageInfo("bound", "Tracing what must stay hidden", 0.01),
    StageInfo("start", "Sketching the hidden ground", 0.06, shows_heights=True),
    StageInfo("completed", "Completing the terrain", 0.27, shows_heights=True),
    StageInfo("polished", "Polishing", 0.3, shows_heights=True),
    StageInfo("files", "Writing the files", 0.18),
)

STAGE_NAMES = tuple(stage.name for stage in STAGES)


def stage_index(name: str) -> int:
    """Position of a stage in the order. Raises ValueError for an unknown name."""
    return STAGE_NAMES.index(name)
