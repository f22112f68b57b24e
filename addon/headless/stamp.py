"""The stamp of a finished terrain: written last, it says of what and how, so that the same need not be done again.

No bpy here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ...backend.contract.height_files import written_beside
from ...backend.contract.settings import TerrainSettings
from ...backend.contract.version import VERSION

STAMP = ".finished.json"

CACHE = ".cache"
"""Where the backend keeps results of stages (backend/outputs.py has the same)."""

RESULTS = ("terrain.blend", "terrain.tif", "terrain.png", "terrain.json", "preview.png", "report.json")
"""What a finished folder holds for people; `build.py demo` leaves the same."""


def wish_for(picture: Path, settings: TerrainSettings) -> dict[str, Any]:
    """What decides how a terrain looks: version, content of picture and mask, settings. Raises OSError."""
    values = settings.to_dict()
    for name, value in values.items():
        if name.endswith("_path") and value:
            values[name] = hash_of(Path(value))
    return {"version": VERSION, "picture_sha256": hash_of(picture), "settings": values}


def hash_of(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_finished(folder: Path, wish: dict[str, Any]) -> bool:
    """Whether `folder` holds what is wished for, with every file as long as it was."""
    stamp = _read(folder)
    return stamp.get("wish") == wish and stamp.get("bytes") == _sizes(folder)


def put_stamp(folder: Path, picture: Path, wish: dict[str, Any]) -> None:
    """Say that `folder` is finished. Raises OSError, also when a file is missing."""
    sizes = _sizes(folder)
    if len(sizes) != len(RESULTS):
        raise OSError(f"{folder} lacks {', '.join(sorted(set(RESULTS) - set(sizes)))}")
    with written_beside(folder / STAMP) as beside:
        text = json.dumps({"picture": str(picture.resolve()), "wish": wish, "bytes": sizes}, indent=1, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")


def owner_of(folder: Path) -> Path | None:
    """The picture that a finished folder was made from; None where nothing is finished."""
    place = _read(folder).get("picture")
    return Path(place) if isinstance(place, str) and place else None


def tidy(folder: Path) -> None:
    """Take away what a killed run may have left half-written beside the results."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if path.name.startswith(".unfinished-"):
                shutil.rmtree(path, ignore_errors=True)
            elif ".part" in path.suffixes[-2:]:
                path.unlink()


def forget_cache(folder: Path) -> None:
    """Remove what was kept to continue from."""
    shutil.rmtree(folder / CACHE, ignore_errors=True)


def _read(folder: Path) -> dict[str, Any]:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _sizes(folder: Path) -> dict[str, int]:
    sizes = {}
    for name in RESULTS:
        with contextlib.suppress(OSError):
            sizes[name] = (folder / name).stat().st_size
    return sizes
