"""The command inside of Blender: `blender --command photo_to_terrain IN OUT` (4.2 and newer), and what `run` calls."""

from __future__ import annotations

import atexit
import dataclasses
import logging
import os
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TextIO

import bpy

from ...backend.contract.command_options import settings_of
from ...backend.contract.errors import OutputNotWritable, TerrainError
from ...backend.contract.settings import TerrainSettings
from .. import environment, preferences
from ..write_blend import write_blend
from . import batch
from .exr_picture import readable
from .interrupt import Interrupt
from .options import parser
from .pictures import Task, WrongUse, share_of, tasks_for
from .voice import Voice

NAME = "photo_to_terrain"

_registered: list[object] = []


def register() -> None:
    """Make the command known to Blenders that have commands."""
    if hasattr(bpy.utils, "register_cli_command"):
        _registered.append(bpy.utils.register_cli_command(NAME, command))
        atexit.register(unregister)    # Blender as a Python module crashes at its end over a command that is left


def unregister() -> None:
    """Take it away again."""
    atexit.unregister(unregister)
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())


def command(arguments: list[str]) -> int:
    """What Blender calls. Returns the exit code."""
    return main(arguments, f"blender --command {NAME}")


def main(arguments: list[str], program: str) -> int:
    """Do what the arguments ask for and return the exit code. From here on stdout holds nothing but results."""
    try:
        options = parser(program).parse_args(arguments)
    except SystemExit as end:    # argparse has said why, or has shown the help
        return int(end.code or 0)
    results = claim_stdout()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings, tasks, python = prepare(options)
        full_log = open_log(options.log)
    except (WrongUse, TerrainError) as problem:
        print(problem, file=sys.stderr)
        return batch.WRONG_USE
    arguments_of_backend = ("--stages", options.stages) if options.stages else ()
    interrupt = Interrupt()
    with tempfile.TemporaryDirectory(prefix="photo-to-terrain-", ignore_cleanup_errors=True) as place, interrupt.listening():
        tools = batch.Tools(python, environment.ROOT, Path(place, "backend.log"), write_blend, readable, full_log,
                            arguments_of_backend, not options.forget_cache, options.masks)
        voice = Voice(sys.stderr, results, len(tasks), options.json_progress, full_log)
        try:
            return batch.run(tasks, settings, tools, voice, interrupt, options.overwrite)
        finally:
            if full_log:
                full_log.close()
            results.close()


def prepare(options: Namespace) -> tuple[TerrainSettings, list[Task], Path]:
    """Settings, tasks and the backend's Python. Raises WrongUse, TerrainError."""
    settings = settings_of(options)
    place, out = options.place.expanduser().absolute(), options.out.expanduser().absolute()
    tasks = tasks_for(place, out, options.recursive)
    if settings.mask_path:
        if len(tasks) > 1:
            raise WrongUse("A mask belongs to one picture; name that picture, or the masks' folder with --masks.")
        settings = dataclasses.replace(settings, mask_path=str(Path(settings.mask_path).expanduser().absolute()))
    if settings.region_path:
        if len(tasks) > 1:
            raise WrongUse("A region belongs to one terrain; name its picture instead of a folder.")
        settings = dataclasses.replace(settings, **{name: str(Path(getattr(settings, name)).expanduser().absolute())
                                                    for name in ("base_path", "region_path")})
    if options.masks:
        options.masks = options.masks.expanduser().absolute()
        if not options.masks.is_dir():
            raise WrongUse(f"--masks: there is no folder {options.masks}.")
        if settings.mask_path:
            raise WrongUse("Name one mask or a folder of masks, not both.")
    python = backend_python(options.python)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputNotWritable(f"The folder {out} cannot be made ({problem.strerror}).") from problem
    return settings, share_of(tasks, *options.part), python


def backend_python(given: str | None) -> Path:
    """The Python that was named, else the one that the add-on would take. Raises WrongUse, BackendMissing."""
    if given is None:
        return environment.find_python(preferences.backend_python(bpy.context))
    python = environment.interpreter(Path(given).expanduser().absolute())
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise WrongUse(f"--python: {python} is no program.")
    return python


def open_log(path: Path | None) -> TextIO | None:
    """The file for the whole log, to be appended to. Raises WrongUse."""
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        raise WrongUse(f"--log: {path} cannot be written ({problem.strerror}).") from problem


def claim_stdout() -> TextIO:
    """Keep the real stdout for results; what Blender prints there ("Saved ...", "Blender quit") goes to stderr instead."""
    sys.stdout.flush()
    results = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)
    return results
