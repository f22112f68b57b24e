"""The stage cache: what a stage gave, kept in the job's folder under a hash of all that it depends on.

The key of a stage is a hash of the previous stage's key, the settings that belong to the stage (`stage` in their
metadata), and the code and weights that ran it. So a changed late setting reruns only the later stages, a killed run
resumes behind its last finished stage, and an update of the program never reads what an older one left. Entries are
written beside and renamed; one that cannot be read back is computed again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from . import stored_objects
from .contract.settings import TerrainSettings
from .contract.version import VERSION

log = logging.getLogger(__name__)

KEPT_PER_STAGE = 4
"""How many results of one stage stay: enough to go back and forth between a few settings; some 4-16 MB each."""


class StageCache:
    """Results of stages in one folder.

    folder: made when the first entry is stored. A folder that cannot be written raises OSError from `store`.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def _path(self, stage: str, key: str) -> Path:
        return self.folder / f"{stage}-{key[:24]}.npz"

    def load(self, stage: str, key: str) -> Any | None:
        """The stored result, or None where there is none or a damaged one (which is removed)."""
        path = self._path(stage, key)
        try:
            with path.open("rb") as source:
                value = stored_objects.load(source)
        except FileNotFoundError:
            return None
        except (OSError, stored_objects.DamagedObject) as problem:
            log.warning("The stored result %s is damaged (%s) and is computed again.", path.name, problem)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return value

    def store(self, stage: str, key: str, value: Any) -> None:
        """Keep a result; older ones of the same stage beyond KEPT_PER_STAGE go. Raises OSError, TypeError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(stage, key)
        beside = path.with_suffix(f".{os.getpid()}.part")
        try:
            with beside.open("wb") as target:
                stored_objects.store(value, target)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        self._forget_old(stage)

    def _forget_old(self, stage: str) -> None:
        entries = sorted(self.folder.glob(f"{stage}-*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
        leftovers = list(self.folder.glob(f"{stage}-*.part"))
        for path in entries[KEPT_PER_STAGE:] + leftovers:
            with contextlib.suppress(OSError):
                path.unlink()


def next_key(previous: str, stage: str, settings: TerrainSettings, device: str = "cpu") -> str:
    """Key of `stage`, given the key of the stage before it (for the first one: the hash of the picture's file)."""
    content = {
        "previous": previous, "stage": stage, "device": device, "code": code_fingerprint(),
        "settings": settings_of_stage(settings, stage),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def settings_of_stage(settings: TerrainSettings, stage: str) -> dict[str, Any]:
    """The settings that first matter at `stage`; for a path, the content of the file it names."""
    values: dict[str, Any] = {}
    for field in settings.__dataclass_fields__.values():
        if field.metadata["stage"] == stage:
            value = getattr(settings, field.name)
            if field.name.endswith("_path") and value:
                value = file_hash(Path(value))
            values[field.name] = value
    return values


def file_hash(path: Path) -> str:
    """SHA-256 of a file, or a word for a missing one (the stage that reads it then explains)."""
    try:
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError:
        return "unreadable"


COMPUTING = ("kernels", "backend/estimation", "backend/completion", "backend/networks", "backend/refinement",
             "backend/providers", "backend/camera.py", "backend/terrain.py", "backend/scene.py", "backend/picture.py")
"""Where results come from; a change anywhere else leaves them valid."""


@functools.cache
def code_fingerprint() -> str:
    """Hash of the version, the sources that compute and the bundled weights: another program, another cache."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(VERSION.encode())
    for place in COMPUTING:
        start = root / place
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.suffix in (".py", ".safetensors"):
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(file_hash(path).encode())
    return digest.hexdigest()
