"""`python -m backend run`: one job in the foreground, progress on stderr, a short table at the end."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from . import outputs, pipeline
from .contract.errors import Cancelled, InternalError
from .contract.settings import TerrainSettings
from .contract.stages import StageInfo
from .runner import Done, Listener, Stage

LOG_NAME = "photo_to_terrain.log"

BAR_WIDTH = 24

CANCEL_PATIENCE_S = 0.6


class Printer(Listener):
    """Progress for a person: one line that moves on a terminal, one line a stage elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stage = ""
        self.first_draft_s: float | None = None
        self._seconds = 0.0

    def progress(self, stage: StageInfo, stage_fraction: float, fraction: float, text: str, seconds: float,
                 remaining_s: float | None) -> None:
        """Draw or print."""
        self._seconds = seconds
        left = f", about {remaining_s:.0f} s left" if remaining_s is not None else ""
        if self._live:
            bar = ("#" * round(BAR_WIDTH * fraction)).ljust(BAR_WIDTH, ".")
            line = f"{bar} {100 * fraction:3.0f} %  {stage.label} {text}{left}"
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif stage.name != self._stage:
            print(f"{seconds:6.1f} s {100 * fraction:3.0f} %  {stage.label}{left}", file=sys.stderr, flush=True)
        self._stage = stage.name

    def preview(self, stage: StageInfo, done: Done) -> None:
        """Remember when a viewport would first have shown a whole terrain."""
        if stage.name == "start":
            self.first_draft_s = self._seconds

    def finish(self) -> None:
        """Leave the moving line behind."""
        if self._live:
            print(file=sys.stderr)


def run_command(options: argparse.Namespace, settings: TerrainSettings) -> None:
    """Do the job and print the table. Raises TerrainError; a defect leaves a log in the job's folder."""
    handler = logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=logging.INFO if options.debug else logging.ERROR, handlers=[handler],
                        format="%(levelname)s %(name)s: %(message)s")
    printer = Printer()
    job = pipeline.Job(options.picture, options.out, settings, options.keep_stages, options.device, options.redo_from)
    stages = stage_table(options.stages)
    with interrupt_flag() as asked:
        try:
            outcome = interruptible(lambda: pipeline.generate(job, printer, asked.is_set, stages), asked, job)
        except InternalError as problem:
            path = log_defect(options.out, problem)
            raise InternalError(f"{problem} (Log: {path})" if path else str(problem)) from problem
        finally:
            printer.finish()
    print(table(outcome.report, printer.first_draft_s))
    for path in outcome.files.values():
        print(path)
    for warning in outcome.report["warnings"]:
        print(f"Note: {warning['warning']}", file=sys.stderr)


@contextlib.contextmanager
def interrupt_flag() -> Iterator[threading.Event]:
    """A flag that Ctrl-C sets instead of raising KeyboardInterrupt wherever the program just is."""
    asked = threading.Event()

    def on_interrupt(signal_number: int, frame: FrameType | None) -> None:
        asked.set()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)


def interruptible(work: Callable[[], pipeline.Outcome], asked: threading.Event, job: pipeline.Job) -> pipeline.Outcome:
    """Run `work` in a thread, so that this one hears Ctrl-C at once, and return its result or raise what it raised.

    A stage that does not notice for CANCEL_PATIENCE_S is left behind: its unfinished files go and the process ends.
    """
    results: list[pipeline.Outcome] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as problem:    # handed to the waiting thread
            problems.append(problem)

    worker = threading.Thread(target=run, name="job", daemon=True)
    worker.start()
    while worker.is_alive() and not asked.is_set():
        worker.join(0.1)
    worker.join(CANCEL_PATIENCE_S if asked.is_set() else None)
    if worker.is_alive():
        outputs.abandon(job.folder)
        print(f"\n{Cancelled()}", file=sys.stderr, flush=True)
        os._exit(4)
    if problems:
        raise problems[0]
    return results[0]


def stage_table(place: str | None) -> list[Stage] | None:
    """The stage table at `module:name`, None for the real one. Only tests use another."""
    if not place:
        return None
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def log_defect(folder: Any, problem: BaseException) -> Any:
    """Leave the traceback in the job's folder and return its path; None where nothing can be written."""
    import traceback

    path = folder / LOG_NAME
    try:
        path.write_text("".join(traceback.format_exception(problem)), encoding="utf-8")
    except OSError:
        return None
    return path


def table(report: dict[str, Any], first_draft_s: float | None) -> str:
    """The short table that ends a run."""
    camera, terrain, metrics = report["camera"], report["terrain"], report["metrics"]
    skyline, slope = metrics["skyline_error_px"], report["prior"]["mean_slope_deg"]
    rows = [
        ("Terrain", f"{terrain['rows']} x {terrain['cols']} points, {terrain['dx_m']:g} m apart, "
                    f"{terrain['min_m']:.0f} to {terrain['max_m']:.0f} m"),
        ("Camera", f"pitch {camera['pitch_deg']:+.1f} deg, field of view {camera['fov_x_deg']:.1f} deg, "
                   f"{camera['height_above_ground_m'] or 0:.0f} m above ground"),
        ("Prior", f"relief {report['prior']['elevation_range_m']:.0f} m, mean slope {slope:.1f} deg "
                  f"({report['prior']['source']})"),
        ("Visible ground", f"moved {metrics['visible_error_m']:.2f} m on average "
                           f"({100 * metrics['visible_error_share_of_relief']:.2f} % of its relief)"),
        ("Above the view", f"{metrics['ove_m']:.3f} m (OVE)"),
        ("Water trapped", f"{metrics['mdd_m']:.3f} m (MDD)"),
        ("Skyline", "none in the picture" if skyline is None else f"{skyline:.1f} px off at 1000 px"),
        ("Time", f"{report['seconds']:.1f} s ({report['cpu_seconds']:.0f} s of CPU)"
                 + (f", first draft {first_draft_s:.1f} s" if first_draft_s else "")),
        ("Peak memory", f"{report['peak_memory_gb']:.1f} GB"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


