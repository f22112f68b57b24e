"""The masks alone, for the artist to look at and to repaint: picture, scene and segmentation, and nothing after them.

The stages are those of a whole run, with its cache, so that the run that follows does not repeat them. What the whole run
would refuse ("no mountains found") is told as a warning here: painting is the way out of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from . import job_folder, machine, outputs
from .cache import StageCache, file_hash
from .context import Context
from .contract.errors import NoTerrainFound
from .contract.height_files import written_beside
from .contract.masks import COLORS, NAMES, UNKNOWN
from .contract.stages import STAGES, stage_index
from .failures import named_failures
from .formats.heightmap import write_npy
from .memory import PeakMemory
from .pipeline import STORY, Job
from .runner import Done, Listener, Progress, Stage, run_stages

LAST_STAGE = "segmentation"

STAGES_OF_MASKS = STAGES[:stage_index(LAST_STAGE) + 1]

LEAST_RESOLUTION = 256
"""What the free disk space is checked for: a few MB."""

JPEG_QUALITY = 88

_number = itertools.count(1)


@dataclass(frozen=True)
class Masks:
    """What was found.

    labels: uint8 (H, W) of contract/masks.py, at most 1000 pixels a side.   rgb: uint8 (H, W, 3), the upright picture at the same
    size.   report: ready for JSON.
    """

    labels: np.ndarray
    rgb: np.ndarray
    report: dict[str, Any]


def find_masks(job: Job, listener: Listener | None = None, cancelled: Callable[[], bool] = lambda: False,
               stages: list[Stage] | None = None) -> Masks:
    """Look for sky, terrain and foreground. A mask file in the settings is not looked at: this is what the network sees.

    cancelled, stages: as for `pipeline.generate`.   Raises TerrainError.
    """
    listener = listener or Listener()
    settings = dataclasses.replace(job.settings, mask_path="")
    with contextlib.ExitStack() as stack:
        stack.enter_context(named_failures(job.folder, settings.resolution))
        memory = stack.enter_context(PeakMemory())
        device = machine.choose_device(job.device) if stages is None else "cpu"
        context = Context(settings.seed, device, machine.physical_cores(), cancelled=cancelled)
        stack.enter_context(job_folder.opened(job.folder, LEAST_RESOLUTION, listener, context.check))
        progress = Progress(listener, whole=sum(stage.share for stage in STAGES_OF_MASKS))
        listener.plan(STAGES_OF_MASKS)
        done: Done = {"image": job.image}
        names = [stage.name for stage in STAGES_OF_MASKS]
        table = [stage for stage in stages or STORY if stage.name in names]
        cache = StageCache(job.folder / outputs.CACHE_FOLDER)
        try:
            run_stages(table, done, settings, context, cache, file_hash(job.image), progress, memory)
        except NoTerrainFound as refusal:
            context.warning(LAST_STAGE, str(refusal))
        return _masks(done, context, progress.seconds())


def _masks(done: Done, context: Context, seconds: float) -> Masks:
    from .estimation import segmentation
    from .estimation.resample import resample_color

    picture, found = done["picture"], done.get(LAST_STAGE)
    if found is None:    # refused: what the network sees all the same
        labels = segmentation.found_labels(picture, done["scene"], context)
    else:
        labels = segmentation.labels_of(found)
    rgb = np.clip(np.rint(255.0 * resample_color(picture.rgb, *labels.shape)), 0, 255).astype(np.uint8)
    shares = {name: round(float((labels == k).mean()), 4) for k, name in enumerate(NAMES)}
    report = {
        "shares": shares, "seconds": round(seconds, 3),
        "warnings": [note["warning"] for note in context.notes if "warning" in note],
    }
    return Masks(labels, rgb, report)


def leave_masks(folder: Path, masks: Masks) -> dict[str, Path]:
    """Put them into the job's cache for the add-on, until the next job there: `labels` (.npy) and `picture` (.jpg).

    Raises OutputNotWritable.
    """
    cache = folder / outputs.CACHE_FOLDER
    start = f"preview-masks-{os.getpid()}-{next(_number)}"
    paths = {"labels": cache / f"{start}.npy", "picture": cache / f"{start}.jpg"}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        write_npy(paths["labels"], masks.labels)
        with written_beside(paths["picture"]) as beside:
            Image.fromarray(masks.rgb).save(beside, quality=JPEG_QUALITY)
    except OSError as problem:
        raise outputs.not_writable(folder, problem) from problem
    return paths


def write_picture(path: Path, labels: np.ndarray) -> None:
    """Masks as a PNG with a palette: red sky, green terrain, blue foreground, black where nobody knows. Raises OSError."""
    palette = [*COLORS, (0, 0, 0)]
    assert len(palette) == UNKNOWN + 1
    image = Image.fromarray(labels, "P")
    image.putpalette([value for color in palette for value in color])
    with written_beside(path) as beside:
        image.save(beside, "PNG", optimize=True)
