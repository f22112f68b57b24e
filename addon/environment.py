"""Finds what the backend runs with: its code, and the Python of its own environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..backend.contract.errors import TerrainError

PACKAGE = __package__.rpartition(".")[0]
"""Whole name of the extension, for example bl_ext.user_default.photo_to_terrain."""

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds addon/, backend/ and kernels/."""

VARIABLE = "PHOTO_TO_TERRAIN_PYTHON"
"""Environment variable that goes before everything else."""


class BackendMissing(TerrainError):
    """There is no Python that could run the backend."""

    code, fix = "backend_missing", "open_preferences"


def find_python(preference: str, root: Path = ROOT) -> Path:
    """The Python of the backend's environment: the variable, else the preference, else `.venv` in `root`.

    preference: a path, or empty.   Raises BackendMissing with what to do.
    """
    for place, value in ((f"The environment variable {VARIABLE}", os.environ.get(VARIABLE, "")),
                         ("The add-on's preference Backend Python", preference)):
        if value.strip():
            # Kept as it is: resolving the link inside a virtual environment would leave that environment.
            python = interpreter(Path(value.strip()).expanduser())
            if not python.is_file():
                raise BackendMissing(f"{place} names {python}, and there is no such program. Correct it.")
            if not os.access(python, os.X_OK):
                raise BackendMissing(f"{place} names {python}, which is no program. Correct it.")
            return python
    python = interpreter(root / ".venv")
    if python.is_file():
        return python
    raise BackendMissing(
        "The backend is not set up yet. Press Set Up in the add-on's preferences; it needs to be done once.")


def interpreter(place: Path) -> Path:
    """The Python of an environment's folder; a path that is no folder is taken for the program itself."""
    if place.is_dir() or place.name == ".venv":
        return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return place
