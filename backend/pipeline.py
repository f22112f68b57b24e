"""The whole story on one page: one picture in, one terrain out.

picture -> scene -> segmentation -> pointmap -> cleaning -> prior -> camera -> visible -> bound -> start -> completed ->
polished -> files. Each stage is one function (results so far, settings, context) -> result; what a stage reads of the
settings is declared there (`stage` in their metadata), which is what the cache goes by. Heavy modules load inside.
"""

from __future__ import annotations

import functools
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import job_folder, machine, outputs, report
from .cache import StageCache, file_hash
from .camera import Camera
from .context import Context
from .contract.errors import (
    BadPicture,
    ImplausibleGeometry,
    MissingWeights,
    NoTerrainFound,
    OutOfMemory,
)
from .contract.settings import TerrainSettings
from .contract.stages import STAGES
from .failures import named_failures
from .memory import PeakMemory, needed_gb, total_and_free_gb
from .runner import Done, Listener, Progress, Stage, StageRecord, run_stages
from .terrain import Terrain

log = logging.getLogger(__name__)


def _scene(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    return scene_network().predict(done["picture"].rgb)


def _segmentation(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import segmentation

    return segmentation.segment(done["picture"], done["scene"], settings, ctx)


def _pointmap(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import pointmap

    return pointmap.estimate(done["picture"], done["segmentation"], done["scene"], settings, ctx)


def _cleaning(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import cleaning

    return cleaning.clean(done["pointmap"], done["segmentation"], settings, ctx)


def _prior(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import priors

    return priors.estimate(done["picture"], done["segmentation"], done["cleaning"], done["scene"], settings, ctx)


def _camera(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import pose

    return pose.solve(done["cleaning"], done["segmentation"], done["prior"], settings, ctx)


def _visible(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import rasterization

    return rasterization.rasterize(done["camera"], done["segmentation"], settings, ctx)


def _bound(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .estimation import view_bound

    return view_bound.bound(done["visible"], done["camera"], done["segmentation"], settings, ctx)


def _start(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .completion import procedural_start, region

    if settings.region_path:
        return region.sketch(region.find_region(done["visible"], done["bound"], settings), settings, ctx)
    return procedural_start.start(done["visible"], done["bound"], settings, ctx)


def _completed(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .completion import diffusion, region

    if settings.region_path:
        part = region.find_region(done["visible"], done["bound"], settings)
        return region.complete(part, done["start"], settings, ctx, terrain_network(ctx.device))
    return diffusion.complete(done["start"], done["visible"], done["bound"], settings, ctx, terrain_network(ctx.device))


def _polished(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from .completion import polish, region

    network = terrain_network(ctx.device) if settings.polish_rounds else None
    if settings.region_path:
        part = region.find_region(done["visible"], done["bound"], settings)
        return region.finish(part, done["completed"], settings, ctx, network)
    return polish.polish(done["completed"], done["visible"], done["bound"], settings, ctx, network)


@functools.cache
def scene_network() -> Any:
    """The bundled scene network, loaded once in a process. Raises MissingWeights."""
    from .networks.scene import SceneNetwork

    try:
        return SceneNetwork.load()
    except (OSError, RuntimeError, ValueError) as problem:
        raise MissingWeights("The weights of the scene network are missing or damaged.") from problem


@functools.cache
def terrain_network(device: str) -> Any:
    """The bundled terrain network, loaded once in a process and device. Raises MissingWeights."""
    from .completion.diffusion import fast_bfloat16
    from .networks.terrain import TerrainNetwork

    return TerrainNetwork.load(device=device, half=fast_bfloat16(device))


def _load_picture(done: Done, settings: TerrainSettings, ctx: Context) -> Any:
    from . import picture

    return picture.load(done["image"])


STORY = [
    Stage("picture", _load_picture, lambda picture: "file", is_cached=False),
    Stage("scene", _scene, lambda scene: "bundled scene network"),
    Stage("segmentation", _segmentation, lambda segmentation: segmentation.provider),
    Stage("pointmap", _pointmap, lambda pointmap: pointmap.provider),
    Stage("cleaning", _cleaning, lambda pointmap: "DBSCAN"),
    Stage("prior", _prior, lambda prior: report.prior_values(prior)["source"]),
    Stage("camera", _camera, lambda posed: "pitch search"),
    Stage("visible", _visible, lambda visible: "surface rasterization"),
    Stage("bound", _bound, lambda bound: "view bound"),
    Stage("start", _start, lambda heights: "noise inpainting"),
    Stage("completed", _completed, lambda heights: "bundled terrain network"),
    Stage("polished", _polished, lambda terrain: "bundled terrain network"),
]


@dataclass(frozen=True)
class Job:
    """What to do.

    image: the picture's file.   folder: for results and cache, one running job a folder.   device: auto, cpu or cuda.
    redo_from: name of the first stage that is computed even when the cache has its result; empty: none.
    """

    image: Path
    folder: Path
    settings: TerrainSettings = field(default_factory=TerrainSettings)
    keep_stages: bool = False
    device: str = "auto"
    redo_from: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came out: the files by name (outputs.FILES) and the content of report.json."""

    files: dict[str, Path]
    report: dict[str, Any]


def generate(job: Job, listener: Listener | None = None, cancelled: Callable[[], bool] = lambda: False,
             stages: list[Stage] | None = None) -> Outcome:
    """Turn a picture into a terrain and leave the files in the job's folder.

    cancelled: asked often; once True, the job raises Cancelled and no file appears.   stages: for tests.
    Raises TerrainError (contract/errors.py) and leaves no half-written file then; the cache stays for the next try.
    """
    listener = listener or Listener()
    check_memory(job.settings)
    with named_failures(job.folder, job.settings.resolution), PeakMemory() as memory:
        device = machine.choose_device(job.device) if stages is None else "cpu"
        context = Context(job.settings.seed, device, machine.physical_cores(), cancelled=cancelled)
        with job_folder.opened(job.folder, job.settings.resolution, listener, context.check) as is_new:
            progress = Progress(listener)
            listener.plan(STAGES)
            done: Done = {"image": job.image}
            cache = StageCache(job.folder / outputs.CACHE_FOLDER)
            try:
                records = run_stages(
                    stages or STORY, done, job.settings, context, cache, file_hash(job.image), progress, memory, job.redo_from)
                return _write(job, done, context, records, progress, memory)
            except (BadPicture, NoTerrainFound, ImplausibleGeometry):
                if is_new:    # refused: there is nothing to go on with in a folder made for this
                    outputs.forget_cache(job.folder)
                raise


def _write(job: Job, done: Done, context: Context, records: list[StageRecord], progress: Progress,
           memory: PeakMemory) -> Outcome:
    """The last stage: measure, draw, write beside, rename."""
    from . import backdrop, metrics, picture_ridges, preview
    from .surface import analysis, cover

    begun, cpu_begun = time.monotonic(), time.process_time()
    progress.begin(STAGES[-1])
    terrain: Terrain = done["polished"]
    camera: Camera = done["visible"].camera
    with outputs.unfinished_folder(job.folder) as beside:
        for warning in outputs.write_heights(beside, terrain, camera):
            context.warning("files", warning)
        progress.report(0.3, "measuring", force=True)
        context.check()
        measured = metrics.measure(terrain, camera, done["segmentation"])
        picture_ridges.write(beside / outputs.FILES["ridges"],
                             picture_ridges.picture_ridges(done["segmentation"], done["camera"]))
        progress.report(0.4, "laying out the surface", force=True)
        context.check()
        surface = cover.cover(done["picture"], terrain, camera, done["segmentation"])
        cover.write(beside, surface)
        shutil.copyfile(backdrop.provide(job.folder / outputs.CACHE_FOLDER, done["picture"]), beside / outputs.FILES["backdrop"])
        analysis.write(beside / outputs.FILES["analysis"], analysis.analyze(terrain.heights, terrain.grid.dx_m))
        progress.report(0.55, "drawing the preview", force=True)
        context.check()
        preview.draw(done["picture"], terrain, camera).save(beside / outputs.FILES["preview"], compress_level=3)
        if job.keep_stages:
            context.check()
            outputs.write_stages(beside, done)
        seconds, cpu_seconds = time.monotonic() - begun, time.process_time() - cpu_begun
        records = [*records, StageRecord("files", seconds, cpu_seconds, memory.take(), "built-in", False)]
        content = report.build(done["picture"], done["camera"], done["prior"], terrain, measured, records, context.notes,
                               job.settings, context.device, progress.seconds(), surface.colors)
        if "region" in terrain.layers:
            from .completion import region

            content["regions"] = [region.describe(terrain, job.settings)]
        outputs.write_report(beside, content)
        files = outputs.publish(beside, job.folder, context.check)
    progress.end(worked=True)
    return Outcome(files, content)


def check_memory(settings: TerrainSettings) -> None:
    """Raises OutOfMemory when a job with these settings cannot fit; silent where free memory is not known."""
    free = total_and_free_gb()[1]
    need = needed_gb(settings.resolution)
    if 0.0 < free < need:
        raise OutOfMemory(need, free)


def warm_up() -> None:
    """Load what every job needs, so that the first one starts at once. Raises MissingWeights."""
    device = machine.choose_device()
    scene_network()
    terrain_network(device)
    from .rehearsal import rehearse

    rehearse()
