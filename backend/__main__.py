"""The command line: `python -m backend run | masks | serve | doctor | models | evaluate`.

Exit codes: 0 done, 1 a defect of ours, 2 bad picture, settings or folder, 3 no terrain in the picture, 4 cancelled.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
from pathlib import Path
from typing import Any

from . import machine
from .contract.command_options import add_settings, settings_of
from .contract.errors import (
    BadSettings,
    Cancelled,
    ImplausibleGeometry,
    InternalError,
    MissingWeights,
    NoTerrainFound,
    TerrainError,
)
from .contract.stages import STAGE_NAMES
from .contract.version import VERSION

DONE, DEFECT, BAD_INPUT, NO_TERRAIN, CANCELLED = range(5)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):    # a console of an old code page must not fail on a path
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    machine.prepare()
    if options.command == "run":
        from .command_run import run_command

        return guarded(lambda: run_command(options, settings_of(options)), options.debug)
    if options.command == "serve":
        from .server import serve

        return serve(options.stages)
    if options.command == "masks":
        from .command_masks import masks_command

        return guarded(lambda: masks_command(options.pictures, options.out), options.debug)
    if options.command == "evaluate":
        return guarded(lambda: _evaluate(options), False)
    from . import doctor

    return guarded(doctor.print_models if options.command == "models" else doctor.print_machine, False)


def _evaluate(options: argparse.Namespace) -> None:
    try:
        from .evaluation.command_evaluate import SUITES, evaluate
        from .evaluation.options import EvaluationOptions
    except ImportError as problem:    # the add-on's package leaves evaluation and training out
        raise BadSettings("This installation has no evaluation; run it from the project's source.") from problem
    given = {name: getattr(options, name) for name in ("library", "pictures", "views", "resolution")}
    chosen = {name: value for name, value in given.items() if value is not None}
    evaluate(options.suite or list(SUITES), EvaluationOptions(options.out, only=tuple(options.only), **chosen))


def guarded(command: Any, debug: bool) -> int:
    """Run a command; an expected failure becomes one sentence and an exit code."""
    try:
        command()
    except TerrainError as problem:
        print(f"\n{problem}" if sys.stderr.isatty() else str(problem), file=sys.stderr)
        if debug:
            logging.getLogger(__name__).exception("Details:")
        return exit_code(problem)
    except KeyboardInterrupt:
        print(Cancelled(), file=sys.stderr)
        return CANCELLED
    return DONE


def exit_code(problem: TerrainError) -> int:
    """The exit code of an expected failure."""
    if isinstance(problem, (InternalError, MissingWeights)):
        return DEFECT
    if isinstance(problem, (NoTerrainFound, ImplausibleGeometry)):
        return NO_TERRAIN
    return CANCELLED if isinstance(problem, Cancelled) else BAD_INPUT


def parser() -> argparse.ArgumentParser:
    """Every command and option; those of `run` come from the settings."""
    top = argparse.ArgumentParser(prog="python -m backend", description="One picture of mountains in, one terrain out.")
    top.add_argument("--version", action="version", version=VERSION)
    commands = top.add_subparsers(dest="command", required=True)

    run = commands.add_parser("run", help="turn a picture into a terrain")
    run.add_argument("picture", type=Path)
    run.add_argument("--out", type=Path, required=True, help="folder for the results; a second run continues there")
    run.add_argument("--keep-stages", action="store_true", help="also leave the arrays of each stage as .npz")
    run.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    run.add_argument("--redo-from", choices=STAGE_NAMES, default="", metavar="STAGE",
                     help="compute this stage and the later ones even when they are cached: " + ", ".join(STAGE_NAMES))
    run.add_argument("--debug", action="store_true", help="show the log and tracebacks")
    run.add_argument("--stages", help=argparse.SUPPRESS)    # module:name of a stage table, for tests
    add_settings(run)

    masks = commands.add_parser("masks", help="write what is taken for sky, terrain and foreground, to be edited and given back")
    masks.add_argument("pictures", metavar="PICTURE", type=Path, nargs="+")
    masks.add_argument("--out", type=Path, required=True, help="folder for NAME.png of each; for --mask-path and --masks")
    masks.add_argument("--debug", action="store_true", help="show the log and tracebacks")

    serve = commands.add_parser("serve", help="answer the add-on over stdin and stdout (JSON lines)")
    serve.add_argument("--stages", help=argparse.SUPPRESS)
    commands.add_parser("doctor", help="say what this machine can do")
    commands.add_parser("models", help="list the networks that come with this program")
    evaluate = commands.add_parser("evaluate", help="measure the networks and the pipeline on known scenes and photographs")
    evaluate.add_argument("suite", nargs="*", metavar="SUITE", choices=["scene", "completion", "end-to-end", "photos", []],
                          help="scene, completion, end-to-end, photos (default: all)")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for report.json, table.txt and contact sheets")
    evaluate.add_argument("--library", type=Path, help="elevation models (default: ../shared/data/dem)")
    evaluate.add_argument("--pictures", type=Path, help="test pictures (default: ../shared/data/photos)")
    evaluate.add_argument("--views", type=int, help="rendered views a suite looks at (default: 100)")
    evaluate.add_argument("--resolution", type=int, help="cells across of whole runs (default: 1024)")
    evaluate.add_argument("--only", nargs="*", default=[], help="names of pictures, without suffix")
    return top


if __name__ == "__main__":
    sys.exit(main())
