"""Reads what the backend leaves in a job's folder. No bpy here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPORT, HEIGHTS, EVIDENCE, BACKDROP = "report.json", "terrain.npy", "evidence.npy", "backdrop.jpg"


class DamagedResult(ValueError):
    """A result's files are missing, damaged or do not fit together."""


@dataclass(frozen=True)
class HeightGrid:
    """Heights with their place. heights: float32 (rows, cols), meters; row 0 is the farthest, column 0 the leftmost.

    dx_m: spacing.   origin_m: x, y of the center of cell (0, 0).   Raises DamagedResult.
    """

    heights: np.ndarray
    dx_m: float
    origin_m: tuple[float, float]

    def __post_init__(self) -> None:
        if self.heights.dtype != np.float32 or self.heights.ndim != 2 or min(self.heights.shape) < 2:
            raise DamagedResult(f"A terrain cannot be {self.heights.dtype} {self.heights.shape}.")
        if not self.dx_m > 0:
            raise DamagedResult(f"A terrain cannot have a spacing of {self.dx_m}.")

    def coarse(self, most: int) -> HeightGrid:
        """Every n-th row and column, so that no side has more than `most` points."""
        step = -(-max(self.heights.shape) // most)
        return HeightGrid(np.ascontiguousarray(self.heights[::step, ::step]), self.dx_m * step, self.origin_m)


@dataclass(frozen=True)
class FinishedTerrain:
    """A finished job.

    evidence: uint8 like the heights: 0 inferred, 1 visible, 2 visible but moved.   report: as in report.json.
    backdrop: the picture, upright and small enough to be opened in a moment; None for folders of earlier versions.
    """

    grid: HeightGrid
    evidence: np.ndarray
    report: dict[str, Any]
    folder: Path
    backdrop: Path | None = None

    @property
    def picture(self) -> Path:
        """The picture it was made from."""
        return Path(self.report["picture"]["path"])


def read_result(folder: Path, expected: dict[str, Any] | None = None) -> FinishedTerrain:
    """The finished job in `folder`. Raises DamagedResult with one sentence.

    expected: the report that was announced. Another process may have put its own result there meanwhile; whoever writes one
    removes the report first and writes it last, so that files between two equal looks at it belong to it.
    """
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        heights = np.load(folder / HEIGHTS, allow_pickle=False)
        evidence = np.load(folder / EVIDENCE, allow_pickle=False)
        place = report["terrain"]
        grid = HeightGrid(heights, float(place["dx_m"]), tuple(place["origin_m"]))
        camera_keys = ("fov_x_deg", "position_m", "blender_euler_rad", "width", "height")
        missing = [key for key in camera_keys if key not in report["camera"]]
        is_whole = json.loads((folder / REPORT).read_text(encoding="utf-8")) == report
    except DamagedResult:
        raise
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DamagedResult(f"The result in {folder} cannot be read ({problem}). Make the terrain again.") from problem
    if not is_whole or (expected is not None and report != expected):
        raise DamagedResult(f"Another Blender has put its terrain into {folder} meanwhile. Make this one again: its finished "
                            "stages are kept.")
    if missing or evidence.shape != heights.shape or not np.isfinite(heights).all():
        raise DamagedResult(f"The files in {folder} do not fit together. Make the terrain again.")
    backdrop = folder / BACKDROP
    return FinishedTerrain(grid, evidence, report, folder, backdrop if backdrop.is_file() else None)


def read_preview(message: dict[str, Any]) -> HeightGrid:
    """The heights a `preview` message names, NaN where nothing is known yet. Raises DamagedResult."""
    try:
        heights = np.load(message["heights"], mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as problem:
        raise DamagedResult(f"A preview cannot be read ({problem}).") from problem
    return HeightGrid(heights, float(message["dx_m"]), tuple(message["origin_m"]))


def read_unfinished(message: dict[str, Any], seconds: float) -> FinishedTerrain:
    """A terrain from a `preview` message whose heights are all known. seconds: the job has taken so far.

    Its folder is that of the previews, where no file of an earlier, finished job lies. Raises DamagedResult.
    """
    try:
        heights = np.load(message["heights"], allow_pickle=False)
        evidence = np.load(message["evidence"], allow_pickle=False)
        report = {**message["report"], "seconds": round(seconds, 3)}
        grid = HeightGrid(heights, float(message["dx_m"]), tuple(message["origin_m"]))
    except DamagedResult:
        raise
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DamagedResult(f"The draft cannot be read ({problem}). Make the terrain again.") from problem
    if evidence.shape != heights.shape or not np.isfinite(heights).all():
        raise DamagedResult("The draft is not complete. Make the terrain again.")
    backdrop = Path(message["backdrop"]) if message.get("backdrop") else None
    return FinishedTerrain(grid, evidence, report, Path(message["heights"]).parent, backdrop)


def key_of(report: dict[str, Any]) -> str:
    """Tells results apart: another picture, seed, seed of the details, typed pitch or painted region is another terrain.

    Anything else is a new version of the same one.
    """
    pitch, details = typed_pitch(report), (report.get("settings") or {}).get("detail_seed")
    key = f"{report['picture']['sha256'][:16]}/{report['seed']}" + ("" if pitch is None else f"/{pitch:+.2f}")
    if details:
        key += f"/details {details}"
    return key + "".join(f"/region {region['id']}" for region in report.get("regions") or [])


def typed_pitch(report: dict[str, Any]) -> float | None:
    """The pitch in degrees that a run was told to use; None where it searched."""
    settings = report.get("settings") or {}
    return float(settings["pitch_deg"]) if settings.get("fix_pitch") else None


def folder_of_picture(base: Path, picture: Path) -> Path:
    """Where a picture's files go: a folder in `base` that already has those of the same picture, also when both were moved."""
    folder = base / folder_name(picture)
    if folder.exists():
        return folder
    letters = folder.name.rsplit("-", 1)[0]
    others = sorted(other for other in base.glob(f"{letters}-????????") if (other / REPORT).is_file())
    content = content_hash(picture) if others else ""
    return next((other for other in others if content and content == _picture_in(other)), folder)


def content_hash(path: Path) -> str:
    """SHA-256 of a file; empty when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _picture_in(folder: Path) -> str | None:
    """SHA-256 of the picture whose results lie in a folder."""
    try:
        return str(json.loads((folder / REPORT).read_text(encoding="utf-8"))["picture"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def folder_name(picture: Path) -> str:
    """A name for a picture's folder: readable, safe on every system, the same for the same file."""
    letters = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in picture.stem)[:40]
    return f"{letters}-{hashlib.sha256(str(picture.resolve()).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
