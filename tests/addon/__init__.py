"""Parts of the add-on that touch no bpy, imported as Blender does: below a package that holds addon and backend."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]

PACKAGE = "photo_to_terrain_checkout"


def part(name: str) -> ModuleType:
    """The module addon.`name`: part("headless.pictures")."""
    package = sys.modules.setdefault(PACKAGE, types.ModuleType(PACKAGE))
    package.__path__ = [str(ROOT)]
    return importlib.import_module(f"{PACKAGE}.addon.{name}")


def make(folder: Path, *names: str) -> Path:
    """Files that fake stages take for pictures."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"picture {name}")
    return folder
