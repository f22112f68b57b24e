"""The scene network alone, on views of held-back regions, and the camera that the pose search makes of what it says.

The pictures come from a fixed seed and show regions no training picture shows. The paper's numbers come from its own
photographs with other providers and are shown for orientation.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PIL import Image

from ..networks.scene import SceneNetwork, ScenePrediction
from ..training.elevation_data import list_elevation_files
from ..training.landscape_render import LabeledPicture, random_pictures
from . import pose_suite
from .contact_sheet import contact_sheet
from .measures import Measure, SuiteResult
from .options import EvaluationOptions
from .scene_scores import score_pictures, summarize

SEED = 30_000


def validation_views(library: Path, count: int, seed: int = SEED) -> list[LabeledPicture]:
    """`count` pictures of the held-back regions, the same for the same seed."""
    files = [file for file in list_elevation_files(library) if file.validation]
    rng = np.random.default_rng(seed)
    cache: dict = {}
    pictures: list[LabeledPicture] = []
    while len(pictures) < count:
        pictures += random_pictures(rng, files, cache, 1, (192, 288))
    return pictures


def depth_colors(log_depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Near dark, far light, nothing black; uint8 (H, W, 3)."""
    out = np.zeros((*mask.shape, 3), np.uint8)
    if mask.any():
        low, high = np.percentile(log_depth[mask], [1, 99])
        share = np.clip((log_depth - low) / max(high - low, 1e-6), 0, 1)
        out[mask] = np.stack([60 + 195 * share, 40 + 200 * share**1.5, 90 + 80 * share], -1)[mask]
    return out


def panel(rgb: np.ndarray, found: ScenePrediction) -> np.ndarray:
    """Picture beside its masks (sky blue, foreground red) and its depth, at the network's size."""
    h, w = found.log_depth.shape
    small = np.asarray(Image.fromarray((rgb * 255).astype(np.uint8)).resize((w, h), Image.Resampling.BOX))
    label = found.probabilities.argmax(0)
    tint = np.array([[60, 120, 255], [80, 200, 80], [255, 60, 40]], np.float32)[label]
    return np.concatenate(
        [small, (0.5 * small + 0.5 * tint).astype(np.uint8), depth_colors(found.log_depth, label == 1)], 1
    )


def run(options: EvaluationOptions) -> SuiteResult:
    """`options.views` views through the network, and another set through the stages up to the pose."""
    began = time.monotonic()
    network = SceneNetwork.load()
    pictures = validation_views(options.library, options.views)
    print(f"  {len(pictures)} views rendered", flush=True)
    rows = score_pictures(network, pictures)
    summary = summarize(rows)
    posed = pose_suite.rows(network, validation_views(options.library, options.views, pose_suite.SEED))
    cases = []
    for item, row in list(zip(pictures, rows, strict=True))[:24]:
        rgb = item.picture.astype(np.float32) / 255
        caption = f"AbsRel {row.get('abs_rel', np.nan):.2f}  pitch {row['pitch_error_deg']:.1f} deg"
        cases.append((caption, [panel(rgb, network.predict(rgb))]))
    sheet = options.out / "scene.jpg"
    contact_sheet(cases, 2, (720, 190)).save(sheet, quality=88)
    numbers = [
        Measure("views", float(len(rows))),
        Measure("AbsRel after scale and shift, median", summary["abs_rel_median"], ceiling=0.082, paper=0.082),
        Measure("delta < 1.25 after scale and shift, median", 100 * summary["delta_125_median"], "%", floor=92.0, paper=92.0),
        Measure("AbsRel with one scale only, median", summary["abs_rel_scale_only_median"]),
        Measure("pitch error of the network, median", summary["pitch_error_deg_median"], "deg", ceiling=3.0, paper=7.18),
        Measure("pitch error after the search, median", posed.measures["solved_median"], "deg", ceiling=3.0, paper=7.18),
        Measure("pitch error after the search, 90th percentile", posed.measures["solved_p90"], "deg"),
        Measure("relief error, median", summary["relief_error_percent_median"], "%", ceiling=27.0, paper=27.6),
        Measure("mean slope error, median", summary["slope_error_deg_median"], "deg"),
        Measure("field of view error, median", summary["fov_error_deg_median"], "deg"),
        Measure("sky IoU, median", summary["sky_iou_median"]),
        Measure("terrain IoU, median", summary["terrain_iou_median"]),
        Measure("foreground IoU, median", summary.get("foreground_iou_median", np.nan)),
    ]
    for name in ("pitch", "fov", "slope", "relief"):
        inside = 100 * summary[f"{name}_inside_80"]
        numbers.append(Measure(f"80 % intervals of {name} that hold the truth", inside, "%", floor=70.0))
    numbers.append(Measure("slope of the points less the expected slope, mean", posed.measures["gap_mean"], "deg"))
    numbers = [m for m in numbers if np.isfinite(m.value)]
    return SuiteResult("scene", numbers, [*rows, *posed.rows], [sheet], time.monotonic() - began)
