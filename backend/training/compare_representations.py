"""Which representation of heights suits the terrain network: the same small U-Net, budget, seed and crops for each.

    python -m backend.training.compare_representations --library ../shared/data/dem --out DIR --minutes 9

Trains one after the other for `minutes` of CPU time on one thread, and goes on where it was interrupted. Then samples of
the validation regions (512 x 512 cells, noised to t = 0.5, eight steps) are measured. Leaves DIR/comparison.json,
DIR/table.md and DIR/samples.jpg; docs/representation.md states what this gave.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..completion.diffusion import fast_bfloat16
from ..evaluation.contact_sheet import contact_sheet
from ..evaluation.terrain_samples import measure, regions, samples_of, shade, yardsticks
from ..networks.representations import REPRESENTATIONS
from ..networks.terrain import TerrainNetwork
from ..networks.terrain_unet import TerrainUNet
from .denoising import Progress, Recipe, fit
from .elevation_data import DEFAULT_LIBRARY, list_elevation_files
from .terrain_crops import CropStream, load_sources

WIDTHS, EMBEDDING = (24, 48, 64, 80), 96
"""A quarter of the parameters of `small`: nine minutes of one core are enough to tell representations apart."""


def train_all(library: Path, out: Path, recipe: Recipe) -> dict[str, tuple[TerrainUNet, int]]:
    """Train, or load what is finished: name -> (averaged network, steps)."""
    sources = load_sources(f for f in list_elevation_files(library) if not f.validation)
    trained = {}
    for name, kind in REPRESENTATIONS.items():
        torch.manual_seed(recipe.seed)
        module, average = (kind(WIDTHS, EMBEDDING) for _ in range(2))

        def report(now: Progress, name: str = name) -> None:
            assert now.losses is not None
            print(json.dumps({"representation": name, "step": now.step, "minutes": round(now.spent_s / 60, 2),
                              "loss": now.losses.round(4).tolist()}), flush=True)

        out.mkdir(parents=True, exist_ok=True)
        crops = CropStream(sources, np.random.default_rng(recipe.seed))
        reached = fit(module, average, crops, recipe, out / f"{name}.pt", report)
        trained[name] = (average, reached.step)
    return trained


def compare_all(library: Path, trained: dict[str, tuple[TerrainUNet, int]], out: Path) -> dict[str, Any]:
    """Measure samples of every network; leaves OUT/comparison.json, OUT/table.md, OUT/samples.jpg. Returns what the first holds."""
    places = regions(library)
    made = yardsticks(places)
    for name, (module, _) in trained.items():
        samples = samples_of(places, TerrainNetwork(module, {}, half=fast_bfloat16("cpu")))
        made |= {f"{name}, from real ground": samples["sample"], f"{name}, from blurred ground": samples["sample from blur"]}
    report = {"steps": {name: steps for name, (_, steps) in trained.items()}, **measure(places, made)}
    (out / "comparison.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    (out / "table.md").write_text(markdown(report), encoding="utf-8")
    shown = [kind for kind in made if kind.endswith("from real ground")]
    sheet = [(f"{name}, {dx:g} m: {', '.join(shown)}", [shade(made[kind][k][:256, :256], dx) for kind in shown])
             for k, (name, _, dx) in enumerate(places)]
    contact_sheet(sheet[:3:2], 1, (256, 256)).save(out / "samples.jpg", quality=74)
    return report


def markdown(report: dict[str, Any]) -> str:
    """One line a kind of terrain: relief per octave over the real one (finest first) as medians over regions, and the rest."""
    lines = ["| terrain | octaves | slope dist. | curvature dist. | drainage | MDD m | grain | KID |", "| --- " * 8 + "|"]
    for kind, values in report["medians"].items():
        ratios = np.array([row[kind]["octave_ratio"] for row in report["regions"].values()])
        octaves = " ".join(f"{v:.2f}" for v in np.median(ratios, 0))
        kid = report["kid"].get(kind)
        text = f"{kid['mean']:.2f} +- {kid['spread']:.2f}" if kid else "-"
        lines.append(f"| {kind} | {octaves} | {values['slope_distance']:.2f} | {values['curvature_distance']:.2f} "
                     f"| {values['drainage_ratio']:.2f} | {values['mdd_m']:.2f} | {values['grain']:.2f} | {text} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line, train and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0, help="of CPU time for each representation")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    torch.set_num_threads(1)
    recipe = Recipe(a.minutes, a.seed, cpu_time=True, report_every_s=60.0)
    report = compare_all(a.library, train_all(a.library, a.out, recipe), a.out)
    print(markdown(report))


if __name__ == "__main__":
    main()
