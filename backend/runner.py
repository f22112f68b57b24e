"""Runs stages one after another: cache, cancel, progress, previews, seconds and peak memory. Knows no terrain."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import cache as stage_cache
from .cache import StageCache
from .context import Context
from .contract.errors import InternalError, TerrainError
from .contract.settings import TerrainSettings
from .contract.stages import STAGES, StageInfo, stage_index
from .memory import PeakMemory, is_shortage, shortage

log = logging.getLogger(__name__)

Done = dict[str, Any]
"""Results of the finished stages by name."""

PROGRESS_EVERY_S = 0.1

FIRST_SEEDED_STAGE = "start"
"""The seed invents hidden ground; what the picture shows does not depend on it, so another seed reuses those stages."""

FIRST_DETAILED_STAGE = "completed"
"""From here on `detail_seed`, if given, is the seed: the same sketch of the hidden ground with other details."""


@dataclass(frozen=True)
class Stage:
    """One step of the story.

    run: (results so far, settings, context) -> result.   provider: says who did it, from the result.
    is_cached: False for what is quicker to do again than to read.
    """

    name: str
    run: Callable[[Done, TerrainSettings, Context], Any]
    provider: Callable[[Any], str] = lambda result: "built-in"
    is_cached: bool = True


@dataclass
class StageRecord:
    """What the report says of a stage, in this run.

    cpu_seconds: summed over threads, so that a busy machine does not make it longer.   cached: read, not computed.
    """

    name: str
    seconds: float
    cpu_seconds: float
    peak_memory_gb: float
    provider: str
    cached: bool


class Listener:
    """Hears of a running job; the base class ignores everything. Called from the thread that runs the job."""

    def plan(self, stages: tuple[StageInfo, ...]) -> None:
        """Called once, first."""

    def progress(self, stage: StageInfo, stage_fraction: float, fraction: float, text: str, seconds: float,
                 remaining_s: float | None) -> None:
        """fraction: of the whole job.   seconds: since the start.   remaining_s: None while it cannot be told."""

    def preview(self, stage: StageInfo, done: Done) -> None:
        """Called after each stage that shows heights."""


@dataclass
class Progress:
    """Turns a stage's own fraction into the job's, no more often than a person can read. Clock in seconds.

    whole: the stages' shares that this job runs through, 1 for a terrain.
    """

    listener: Listener
    clock: Callable[[], float] = time.monotonic
    whole: float = 1.0
    started: float = field(init=False)
    finished_share: float = 0.0
    worked_share: float = 0.0
    stage: StageInfo = STAGES[0]
    _last: float = -1.0

    def __post_init__(self) -> None:
        self.started = self.clock()

    def seconds(self) -> float:
        """Since the start."""
        return self.clock() - self.started

    def begin(self, stage: StageInfo) -> None:
        """The next stage starts."""
        self.stage = stage
        self.report(0.0, "", force=True)

    def end(self, worked: bool) -> None:
        """The stage is over; `worked` is False when its result came from the cache."""
        self.finished_share += self.stage.share
        self.worked_share += self.stage.share if worked else 0.0

    def report(self, stage_fraction: float, text: str, force: bool = False) -> None:
        """The current stage has come this far."""
        now = self.clock()
        if not force and now - self._last < PROGRESS_EVERY_S:
            return
        self._last = now
        fraction = min(1.0, (self.finished_share + self.stage.share * stage_fraction) / self.whole)
        worked = (self.worked_share + self.stage.share * stage_fraction) / self.whole
        seconds = self.seconds()
        remaining = (1.0 - fraction) * seconds / worked if worked > 0.05 else None
        self.listener.progress(self.stage, stage_fraction, fraction, text, seconds, remaining)


def run_stages(stages: list[Stage], done: Done, settings: TerrainSettings, context: Context, cache: StageCache,
               first_key: str, progress: Progress, memory: PeakMemory, redo_from: str = "") -> list[StageRecord]:
    """Run `stages` in order and put their results into `done`, by name. Returns what each took.

    first_key: what the first stage depends on besides settings (the picture's hash).   redo_from: this stage and the later
    ones are computed, whatever the cache has.
    Raises what the stages raise: TerrainError for expected failures, OutOfMemory for a failed allocation,
    InternalError for anything else (the original is its __cause__); OSError when the cache cannot be written.
    """
    records = []
    key = first_key
    for stage in stages:
        info = STAGES[stage_index(stage.name)]
        key = stage_cache.next_key(key, stage.name, settings, context.device)
        context.check()
        memory.take()
        begun, cpu_begun = time.monotonic(), time.process_time()
        progress.begin(info)
        is_redone = bool(redo_from) and stage_index(stage.name) >= stage_index(redo_from)
        entry = cache.load(stage.name, key) if stage.is_cached and not is_redone else None
        is_cached = entry is not None
        if entry is None:
            entry = _compute(stage, done, settings, _context_of(stage.name, settings, context, progress))
            if stage.is_cached:
                cache.store(stage.name, key, entry)
        context.check()
        done[stage.name] = entry["result"]
        context.notes.extend(entry["notes"])
        seconds, cpu_seconds = time.monotonic() - begun, time.process_time() - cpu_begun
        records.append(StageRecord(stage.name, seconds, cpu_seconds, memory.take(), entry["provider"], is_cached))
        progress.end(worked=not is_cached)
        if info.shows_heights:
            progress.listener.preview(info, done)
        log.info("%s: %.2f s, %.2f s CPU%s", stage.name, seconds, cpu_seconds, " (from the cache)" if is_cached else "")
    return records


def _context_of(stage: str, settings: TerrainSettings, context: Context, progress: Progress) -> Context:
    """The context a stage gets: notes of its own, so that they can be kept with its result."""
    seed = context.seed if stage_index(stage) >= stage_index(FIRST_SEEDED_STAGE) else 0
    if settings.detail_seed and stage_index(stage) >= stage_index(FIRST_DETAILED_STAGE):
        seed = settings.detail_seed
    return Context(seed=seed, device=context.device, threads=context.threads, report=progress.report,
                   cancelled=context.cancelled, notes=[])


def _compute(stage: Stage, done: Done, settings: TerrainSettings, context: Context) -> dict[str, Any]:
    try:
        result = stage.run(done, settings, context)
    except TerrainError:
        raise
    except Exception as problem:
        if is_shortage(problem):
            raise shortage(problem, settings.resolution) from problem
        label = STAGES[stage_index(stage.name)].label.lower()
        raise InternalError(
            f"Something failed while {label} ({type(problem).__name__}); the log has the details.") from problem
    return {"result": result, "notes": context.notes, "provider": stage.provider(result)}
