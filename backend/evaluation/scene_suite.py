"""Quality of the scene network on views of held-back regions, beside the numbers of Pixels2Peaks.

    python -m backend.evaluation.scene_suite --library ../shared/data/dem --out DIR [--views N]

Renders N pictures (fixed seed) of regions no training picture shows, runs the network, prints a table and writes
DIR/report.json. The paper's numbers come from its own photographs with other providers and are shown for orientation.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

from backend.networks.scene import WEIGHTS, SceneNetwork, ScenePrediction
from backend.training.elevation_data import DEFAULT_LIBRARY, list_elevation_files
from backend.training.landscape_render import LabeledPicture, random_pictures

from .scene_scores import score_pictures, summarize

PAPER = {
    "pitch_error_deg_median": 7.18,
    "relief_error_percent_median": 27.6,
    "abs_rel_median": 0.082,
    "delta_125_median": 0.92,
}
"""P2P section 7: tilt error, elevation-range error, AbsRel and delta < 1.25 of its pipeline."""
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


def contact_sheet(network: SceneNetwork, pictures: list[LabeledPicture], path: Path) -> None:
    """The first pictures with what the network sees in them."""
    rows = []
    for item in pictures:
        rgb = item.picture.astype(np.float32) / 255
        rows.append(panel(rgb, network.predict(rgb)))
    half = len(rows) // 2
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half : 2 * half])], 1)).save(path)


def main() -> None:
    """Parse the command, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=200)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    network = SceneNetwork.load(options.weights)
    pictures = validation_views(options.library, options.views)
    began = time.time()
    rows = score_pictures(network, pictures)
    summary = summarize(rows)
    contact_sheet(network, pictures[:24], options.out / "scene_suite.jpg")
    report = {
        "views": len(rows),
        "seed": SEED,
        "seconds_per_picture": (time.time() - began) / len(rows),
        "summary": summary,
    }
    report |= {"paper": PAPER, "rows": rows}
    (options.out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"{len(rows)} rendered views of held-back regions")
    print(f"{'':34}{'ours':>10}{'paper':>10}")
    for name, value in summary.items():
        print(f"{name:34}{value:10.3f}{PAPER.get(name, float('nan')):10.3f}".replace("       nan", "         -"))


if __name__ == "__main__":
    main()
