"""The files of a finished job. All are written into a folder beside and renamed at the end, the report last."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .camera import Camera
from .contract.errors import OutputNotWritable
from .formats import heightmap
from .runner import Done
from .terrain import Terrain

CACHE_FOLDER = ".cache"
UNFINISHED = "unfinished-"

KEPT_PREVIEW_S = 60.0
"""A preview of another process stays so long: its Blender may be about to read it."""

BYTES_PER_CELL_ON_DISK = 150
"""Cache, previews, heights and stages of one job per cell of the grid, with a margin."""

FILES = {
    "geotiff": "terrain.tif", "png": "terrain.png", "png_json": "terrain.json", "heights": "terrain.npy",
    "evidence": "evidence.npy", "analysis": "analysis.npy", "surface": "surface.npy", "ground": "ground.jpg", "tint": "tint.png",
    "ridges": "ridges.json", "backdrop": "backdrop.jpg", "preview": "preview.png", "report": "report.json",
}
"""Name in the `result` message -> file in the job's folder."""

STAGE_FILES = ("segmentation", "pointmap", "visible", "bound", "start", "completed", "polished")
"""What --keep-stages leaves, each as .npz (docs/stages.md)."""


def prepare_folder(folder: Path, resolution: int) -> None:
    """Make the job's folder and check that it can take the job. Raises OutputNotWritable; leaves nothing then."""
    made = missing_folders(folder)
    try:
        (folder / CACHE_FOLDER).mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        remove_empty(folder, made)
        raise not_writable(folder, problem) from problem
    need = resolution**2 * BYTES_PER_CELL_ON_DISK
    if free < need:
        remove_empty(folder, made)
        raise OutputNotWritable(
            f"The disk of {folder} has {free / 1e6:.0f} MB free and this needs about {need / 1e6:.0f} MB. "
            "Free some space or choose another folder.")


def tidy_folder(folder: Path) -> None:
    """Take away what a killed run has left unfinished. For whoever holds the folder's lock; raises nothing."""
    with contextlib.suppress(OSError):
        for path in list((folder / CACHE_FOLDER).iterdir()):
            if path.name.startswith(UNFINISHED):
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith("preview-"):
                is_ours = f"-{os.getpid()}-" in path.name
                with contextlib.suppress(OSError):    # Windows: somebody still looks at it
                    if is_ours or time.time() - path.stat().st_mtime > KEPT_PREVIEW_S:
                        path.unlink()


def missing_folders(folder: Path) -> list[Path]:
    """`folder` and those of its parents that do not exist yet, innermost first."""
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    return missing


def remove_empty(folder: Path, made: list[Path]) -> None:
    """Take away folders a failed job has made, as far as nothing lies in them."""
    with contextlib.suppress(OSError):
        (folder / CACHE_FOLDER).rmdir()
    for path in made:
        with contextlib.suppress(OSError):
            path.rmdir()


def forget_cache(folder: Path) -> None:
    """Remove what earlier stages have left in the job's folder."""
    shutil.rmtree(folder / CACHE_FOLDER, ignore_errors=True)


def not_writable(folder: Path, problem: OSError) -> OutputNotWritable:
    """The sentence for a failed write."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputNotWritable(f"The disk of {folder} is full. Free some space or choose another folder.")
    reason = problem.strerror or str(problem)
    return OutputNotWritable(f"The folder {folder} cannot be written ({reason}). Choose another folder.")


@contextlib.contextmanager
def unfinished_folder(folder: Path) -> Iterator[Path]:
    """A folder for files in the making; gone afterwards, whatever happens. Raises OutputNotWritable for any OSError."""
    beside = folder / CACHE_FOLDER / f"{UNFINISHED}{os.getpid()}"
    try:
        beside.mkdir(parents=True, exist_ok=True)
        yield beside
    except OSError as problem:
        raise not_writable(folder, problem) from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def abandon(folder: Path) -> None:
    """Remove what this process has unfinished in `folder`, for a job whose thread cannot do so itself any more."""
    shutil.rmtree(folder / CACHE_FOLDER / f"{UNFINISHED}{os.getpid()}", ignore_errors=True)


def write_heights(beside: Path, terrain: Terrain, camera: Camera) -> list[str]:
    """Every height file into `beside`. Returns warnings, a sentence each. Raises OSError."""
    heightmap.write_geotiff(beside / FILES["geotiff"], terrain, heightmap.camera_tags(camera))
    sidecar = heightmap.write_png(beside / FILES["png"], terrain)
    heightmap.write_npy(beside / FILES["heights"], terrain.heights)
    heightmap.write_npy(beside / FILES["evidence"], terrain.layers["evidence"].astype(np.uint8))
    return [f"terrain.png: {sidecar['warning']}"] if "warning" in sidecar else []


def write_stages(beside: Path, done: Done) -> None:
    """The arrays of the stages, as docs/stages.md promises. Raises OSError."""
    segmentation, pointmap, visible = done["segmentation"], done["cleaning"], done["visible"]
    masks = {"terrain": segmentation.terrain, "sky": segmentation.sky, "foreground": segmentation.foreground}
    arrays: dict[str, dict[str, np.ndarray]] = {
        "segmentation": masks,
        "pointmap": {"points": pointmap.points, "mask": pointmap.mask},
        "visible": {"heights": visible.heights, "mask": visible.mask},
        "bound": {"heights": done["bound"]},
        "start": {"heights": done["start"]},
        "completed": {"heights": done["completed"]},
        "polished": {"heights": done["polished"].heights},
    }
    for name in STAGE_FILES:
        with (beside / f"{name}.npz").open("wb") as target:
            np.savez_compressed(target, **arrays[name])    # type: ignore[arg-type]


def write_report(beside: Path, report: dict[str, Any]) -> None:
    """report.json. Raises OSError."""
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    (beside / FILES["report"]).write_text(text + "\n", encoding="utf-8")


def publish(beside: Path, folder: Path, allowed: Callable[[], None]) -> dict[str, Path]:
    """Move the finished files into the job's folder; stage files of an earlier run go. Raises OSError.

    The report of an earlier run goes first and the new one comes last: files beside a report always belong to it.
    allowed: called right before the first move; raises Cancelled when the job may not appear any more.
    """
    names = sorted((path.name for path in beside.iterdir()), key=lambda name: name == FILES["report"])
    allowed()
    (folder / FILES["report"]).unlink(missing_ok=True)
    for stage in STAGE_FILES:
        if f"{stage}.npz" not in names:
            (folder / f"{stage}.npz").unlink(missing_ok=True)
    for name in names:
        (beside / name).replace(folder / name)
    return {key: folder / name for key, name in FILES.items() if name in names}
