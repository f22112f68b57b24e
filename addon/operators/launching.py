"""Where a job finds its picture, its folder, its backend and its log; the backend started ahead and ended when idle."""

import os
from pathlib import Path
from typing import Any

import bpy

from ...backend.contract.errors import TerrainError
from ...backend.contract.settings import TerrainSettings
from .. import compatibility, environment, jobs, preferences
from ..scene.result_folder import folder_of_picture


class MissingPicture(TerrainError):
    """No picture is chosen, or it is gone."""

    code, fix = "missing_picture", "choose_picture"


def log_path() -> Path:
    """Where the backend's log goes: every Blender has its own. Raises OSError."""
    return compatibility.user_folder(environment.PACKAGE) / f"backend-{os.getpid()}.log"


def launch(context: bpy.types.Context, picture: Path, folder: Path, settings: TerrainSettings, title: str = "",
           **extra: Any) -> jobs.Job:
    """Start a job in the backend that is set up. title, extra: as for `jobs.start`. Raises TerrainError, OSError."""
    python = environment.find_python(preferences.backend_python(context))
    return jobs.start(python, environment.ROOT, picture, folder, settings, log_path(), title=title, **extra)


def watch_idleness() -> None:
    """Look now and then whether the backend can give its memory back."""
    if not bpy.app.background and not bpy.app.timers.is_registered(jobs.release_if_idle):
        bpy.app.timers.register(jobs.release_if_idle, first_interval=60.0, persistent=True)


def warm_up(context: bpy.types.Context) -> None:
    """A picture was chosen in a window: let the backend load its networks while the artist looks at the settings."""
    if bpy.app.background or jobs.current():
        return
    try:
        jobs.prepare(environment.find_python(preferences.backend_python(context)), environment.ROOT, log_path())
    except (TerrainError, OSError):
        return    # the button will say it
    watch_idleness()


def folder_for(context: bpy.types.Context, picture: Path) -> Path:
    """Where this scene wants a picture's files."""
    chosen = context.scene.photo_to_terrain.folder
    return job_folder(chosen, compatibility.user_folder(environment.PACKAGE), picture)


def chosen_picture(scene: bpy.types.Scene) -> Path:
    """The picture's file, with its whole path. Raises MissingPicture."""
    chosen = scene.photo_to_terrain.picture
    if not chosen.strip():
        raise MissingPicture("Choose a picture first.")
    picture = Path(bpy.path.abspath(chosen))
    if not picture.is_file():
        raise MissingPicture(f"There is no file {picture}. Choose another picture.")
    return picture.resolve()


def job_folder(chosen: str, own_folder: Path, picture: Path) -> Path:
    """Where a picture's files go. The same picture gets the same folder: its finished stages are found again."""
    base = Path(bpy.path.abspath(chosen)) if chosen.strip() else own_folder / "terrains"
    return folder_of_picture(base, picture)
