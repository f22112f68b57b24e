"""Photographs and paintings whose sky and foreground were marked by hand, and points whose distance is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..estimation.resample import resample
from ..metrics import skyline_rows
from ..scene import Segmentation

SKY, TERRAIN, FOREGROUND, UNKNOWN = 0, 1, 2, 255
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
KINDS = ("photo", "painting")
LATTICE = 24
"""Points taken from a known depth map, along its shorter side."""


@dataclass(frozen=True)
class MarkedPicture:
    """One picture of the test set: its file, kind (photo, painting, drone), marks uint8 (h, w) or None, and known depths.

    points: float64 (n, 3), column and row as shares of the picture's width and height, and depth along the axis in m.
    """

    path: Path
    kind: str
    marks: np.ndarray | None
    points: np.ndarray


def marked_pictures(folder: Path, masks: Path, only: tuple[str, ...] = ()) -> list[MarkedPicture]:
    """The photographs and paintings below `folder` (subfolders photo and painting, or the folder itself), and drone pictures
    with known depths (satellite/drone_*).

    Raises FileNotFoundError where there is none.
    """
    found: list[MarkedPicture] = []
    files = [(kind, path) for kind in KINDS if (folder / kind).is_dir() for path in sorted((folder / kind).iterdir())]
    files += [("drone", path) for path in sorted((folder / "satellite").glob("drone_*.jpg"))]
    if not files and folder.is_dir():
        files = [("photo", path) for path in sorted(folder.iterdir())]
    for kind, path in files:
        if path.suffix.lower() not in SUFFIXES or path.stem.endswith(("_skymask", "_footprints")):
            continue
        if not only or path.stem in only:
            found.append(MarkedPicture(path, kind, _read_marks(masks / f"{path.stem}.png"), _known_depths(path)))
    if not found:
        raise FileNotFoundError(f"There is no picture in {folder}.")
    return found


def mask_scores(marks: np.ndarray, found: Segmentation, width_px: int = 1000) -> dict[str, float]:
    """IoU of each class where marked, and the skyline's error in pixels at `width_px`: median and 90th percentile.

    The skyline is judged in columns where both have land right below sky.
    """
    height, width = found.sky.shape
    rows = np.minimum((np.arange(height) + 0.5) / height * marks.shape[0], marks.shape[0] - 1).astype(int)
    cols = np.minimum((np.arange(width) + 0.5) / width * marks.shape[1], marks.shape[1] - 1).astype(int)
    truth = marks[rows][:, cols]
    known = truth != UNKNOWN
    scores = {}
    for name, value, mask in (("sky", SKY, found.sky), ("terrain", TERRAIN, found.terrain),
                              ("foreground", FOREGROUND, found.foreground)):
        wanted = truth == value
        if wanted.mean() > 0.002:
            scores[f"{name}_iou"] = float((mask & wanted).sum() / max(((mask & known) | wanted).sum(), 1))
    wanted_rows = skyline_rows(truth == SKY, truth == TERRAIN)
    found_rows = skyline_rows(found.sky, found.terrain)
    both = np.isfinite(wanted_rows) & np.isfinite(found_rows)
    if both.sum() >= 10:
        error = np.abs(wanted_rows - found_rows)[both] * width_px / width
        scores |= {"skyline_px": float(np.median(error)), "skyline_p90_px": float(np.percentile(error, 90))}
    return scores


def marked_segmentation(marks: np.ndarray) -> Segmentation:
    """The marks as the three masks of a segmentation."""
    return Segmentation(marks == TERRAIN, marks == SKY, marks == FOREGROUND, "marked by hand")


def depth_order(points: np.ndarray, log_depth: np.ndarray, farther: float = 1.15) -> dict[str, float]:
    """Share of pairs of known points that the depth map puts into the right order, and the error of their logs.

    points: (n, 3), see `MarkedPicture`.   log_depth: (h, w), NaN where unknown.   farther: pairs count whose true depths
    differ at least by this factor.   Empty below 3 points.
    """
    height, width = log_depth.shape
    known = np.isfinite(log_depth)
    smooth = resample(np.where(known, log_depth, 0.0).astype(np.float32), height, width)
    rows = np.clip((points[:, 1] * height).astype(int), 0, height - 1)
    cols = np.clip((points[:, 0] * width).astype(int), 0, width - 1)
    on_land = known[rows, cols]
    truth, guess = np.log(points[on_land, 2]), smooth[rows[on_land], cols[on_land]].astype(np.float64)
    if truth.size < 3:
        return {}
    first, second = np.triu_indices(truth.size, 1)
    apart = np.abs(truth[first] - truth[second]) > np.log(farther)
    right = np.sign(truth[first] - truth[second]) == np.sign(guess[first] - guess[second])
    offset = np.median(truth - guess)
    result = {"points": float(truth.size), "log_depth_mae": float(np.abs(guess + offset - truth).mean())}
    if apart.any():
        result["order_right"] = float(right[apart].mean())
    return result


def _read_marks(path: Path) -> np.ndarray | None:
    if not path.exists():
        return None
    with Image.open(path) as image:
        return np.asarray(image if image.mode == "P" else image.convert("L"), np.uint8)


def _known_depths(path: Path) -> np.ndarray:
    """Control points of NAME_truth.json, or a lattice of the depth map in NAME_truth.npz, (n, 3)."""
    truth, maps = path.with_name(f"{path.stem}_truth.json"), path.with_name(f"{path.stem}_truth.npz")
    if maps.exists():
        with np.load(maps) as arrays:
            if "depth_along_optical_axis_m" in arrays:
                return _lattice(arrays["depth_along_optical_axis_m"])
    if not truth.exists():
        return np.empty((0, 3))
    points = json.loads(truth.read_text(encoding="utf-8")).get("control_points", [])
    with Image.open(path) as image:
        width, height = image.size
    rows = [(p["px"][0] / width, p["px"][1] / height, p["depth_along_axis_m"]) for p in points if "depth_along_axis_m" in p]
    return np.array(rows, float).reshape(-1, 3)


def _lattice(depth: np.ndarray) -> np.ndarray:
    step = max(1, min(depth.shape) // LATTICE)
    rows, cols = np.meshgrid(*(np.arange(step // 2, n, step) for n in depth.shape), indexing="ij")
    values = depth[rows, cols]
    fits = np.isfinite(values) & (values > 0)
    return np.stack([(cols[fits] + 0.5) / depth.shape[1], (rows[fits] + 0.5) / depth.shape[0], values[fits]], 1)
