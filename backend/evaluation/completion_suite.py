"""Measure the terrain network and the completion on real terrain of the validation regions.

Three questions. Are samples (t = 0.5, eight steps, begun from the real terrain and from a blurred one) like real terrain,
beside a fractal of the same spectrum, blurred ground, and two halves of the same region? What does each guidance term do to
completed terrain, seen by a camera in it? Does the polished terrain keep its promises? Shaded pictures go beside the
numbers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..completion import diffusion, polish, procedural_start
from ..context import Context
from ..contract.settings import TerrainSettings
from ..metrics import occlusion_error, visible_error
from ..networks.terrain import TerrainNetwork
from ..scene import VisibleTerrain
from . import paper_figures
from .contact_sheet import contact_sheet
from .measures import Measure, SuiteResult
from .options import EvaluationOptions
from .relief_statistics import compare, slopes_deg
from .synthetic_view import view
from .terrain_samples import Place, measure, regions, sample_measures, samples_of, shade, yardsticks

VARIANTS: dict[str, dict[str, float | bool | int]] = {
    "tuned": {},
    "no drainage": {"hydrology_weight": 0.0},
    "no character": {"geomorphology_weight": 0.0},
    "no view": {"view_weight": 0.0},
    "no guidance": {"hydrology_weight": 0.0, "geomorphology_weight": 0.0, "view_weight": 0.0},
    "through the network": {"exact_guidance": True},
    "24 steps": {"steps": 24},
}


def judge(heights: np.ndarray, real: np.ndarray, visible: VisibleTerrain, bound: np.ndarray) -> dict[str, object]:
    """Metrics of P2P 7.3 and slopes of seen, hidden and truly hidden ground in degrees."""
    seen = visible.mask[2:-2, 2:-2]
    slope = slopes_deg(heights, visible.grid.dx_m)
    return {
        **compare(heights, real, visible.grid.dx_m),
        "ove_m": round(occlusion_error(heights, visible.heights, bound), 3),
        "visible_error_share": round(visible_error(heights, visible.heights)[2], 5),
        "slope_seen_deg": round(float(slope[seen].mean()), 2),
        "slope_hidden_deg": round(float(slope[~seen].mean()), 2),
        "real_slope_hidden_deg": round(float(slopes_deg(real, visible.grid.dx_m)[~seen].mean()), 2),
    }


def run(options: EvaluationOptions) -> SuiteResult:
    """Samples of every region, completions of up to four camera views."""
    began = time.monotonic()
    torch.set_num_threads(options.threads)
    library, out, views = options.library, options.out / "completion", min(4, options.views)
    out.mkdir(parents=True, exist_ok=True)
    network = TerrainNetwork.load(half=diffusion.fast_bfloat16("cpu"))
    places = regions(library)
    report: dict[str, object] = {"network": network.metadata}
    made = samples_of(places, network) | yardsticks(places)
    samples = measure(places, made)
    order = ("real", *(kind for kind in made if kind != "real"))
    sheet = [(f"{name}: {', '.join(order)}", [shade(made[kind][k], dx) for kind in order])
             for k, (name, _, dx) in enumerate(places)]
    contact_sheet(sheet, 1, (384, 384)).save(out / "samples.png")
    print("samples", json.dumps({"medians": samples["medians"], "kid": samples["kid"]}), flush=True)
    report["samples"] = samples
    completions: dict[str, dict[str, object]] = {}
    for name, real, dx in [p for p in places if p[2] < 60.0][:views]:
        visible, bound = view(real, dx)
        base = real - float(real[visible.mask].min()) if visible.mask.any() else real
        results: dict[str, object] = {"visible_share": round(float(visible.mask.mean()), 4)}
        context = Context(seed=0)
        began = time.perf_counter()
        start = procedural_start.start(visible, bound, TerrainSettings(), context)
        results["start_s"] = round(time.perf_counter() - began, 2)
        for label, changes in VARIANTS.items():
            settings = TerrainSettings(**changes)  # type: ignore[arg-type]
            began = time.perf_counter()
            completed = diffusion.complete(start, visible, bound, settings, context, network)
            seconds = round(time.perf_counter() - began, 2)
            results[label] = {**judge(completed, base, visible, bound), "seconds": seconds}
            if label == "tuned":
                began = time.perf_counter()
                terrain = polish.polish(completed, visible, bound, settings, context, network)
                results["polished"] = {
                    **judge(terrain.heights, base, visible, bound), "seconds": round(time.perf_counter() - began, 2)}
                seen = np.where(visible.mask, shade(real, dx), shade(real, dx) // 3)
                pictures = [shade(real, dx), seen, shade(start, dx), shade(completed, dx), shade(terrain.heights, dx)]
                Image.fromarray(np.hstack(pictures)).save(out / f"view_{name}.png")
            print("view", name, label, json.dumps(results[label]), flush=True)
        completions[name] = results
    report["views"] = completions
    figures = _figures(network, [p for p in places if p[2] < 60.0][:views], out)
    report["figures"] = figures
    (out / "completion.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    numbers = sample_measures(samples) + measures(completions) + figure_measures(figures)
    return SuiteResult("completion", numbers, [report], sorted(out.glob("*.png")), time.monotonic() - began)


def _figures(network: TerrainNetwork, places: Sequence[Place], out: Path) -> dict[str, Any]:
    """The paper's ablations, figure 16 as means over all views, the others on the first; strips of shaded heights beside."""
    _, real, dx = places[0]
    views = [(*view(heights, spacing), heights) for _, heights, spacing in places]
    visible, bound, _ = views[0]
    made: dict[str, Any] = {}
    made["crater"], strip = paper_figures.flow_guidance(network)
    Image.fromarray(strip).save(out / "figure_10_crater.png")
    made["quarter"], strip = paper_figures.geomorphology(network, real, dx)
    Image.fromarray(strip).save(out / "figure_13_quarter.png")
    made["initialization"], strip = paper_figures.initialization(network, visible, bound)
    Image.fromarray(strip).save(out / "figure_15_initialization.png")
    made["sweep"] = paper_figures.hydrology_sweep(network, views)
    made["steps"] = paper_figures.steps_against_many(network, visible, bound)
    for name, rows in made.items():
        print("figure", name, json.dumps(rows), flush=True)
    return made


def figure_measures(figures: dict[str, Any]) -> list[Measure]:
    """Figures 10, 13, 15 and 16 as numbers beside the paper's."""
    crater, quarter, rows = figures["crater"], figures["quarter"], figures["initialization"]
    unguided = crater["unguided"]["mdd_m"]
    full = rows["(d) everything"]
    result = [
        Measure("figure 10, crater: MDD before", crater["before"]["mdd_m"], "m", paper=4.49),
        Measure("figure 10, crater: MDD unguided", unguided, "m", paper=2.08),
        Measure("figure 10, crater: MDD guided", crater["guided"]["mdd_m"], "m", ceiling=round(0.5 * unguided, 3)),
        Measure("figure 10, crater: cut still needed, unguided", crater["unguided"]["cut_needed_m"], "m"),
        Measure("figure 10, crater: cut still needed, guided", crater["guided"]["cut_needed_m"], "m"),
    ]
    for key in ("slope_distance", "curvature_distance"):
        result += [Measure(f"figure 13, quarter: {key} {label} the term", quarter[label][key]) for label in ("without", "with")]
    for label, row in list(rows.items())[:-1]:
        result += [Measure(f"figure 15 {label}: {key}", row[key], "m") for key in ("mdd_m", "vve_m", "ove_m")]
    for key, paper in (("mdd_m", 0.01), ("vve_m", 2.06), ("ove_m", 0.14)):
        result.append(Measure(f"figure 15 (d) everything: {key}", full[key], "m", ceiling=paper, paper=paper))
    for weight, row in figures["sweep"].items():
        result += [Measure(f"figure 16, drainage weight x {weight}: MDD", row["mdd_m"], "m"),
                   Measure(f"figure 16, drainage weight x {weight}: slope_distance", row["slope_distance"])]
    result.append(Measure("8 steps over 100: relief of the finest octave", figures["steps"]["octaves_8_over_100"][0], floor=0.95))
    return result


def measures(completions: dict[str, Any]) -> list[Measure]:
    """Means over views of what the report holds."""
    result = []
    for label in (*VARIANTS, "polished"):
        for key, unit, ceiling in (("mdd_m", "m", 0.05), ("ove_m", "m", 0.5), ("visible_error_share", "", 0.01)):
            values = [view[label][key] for view in completions.values()]
            promise = ceiling if label == "polished" else None
            result.append(Measure(f"{label}: {key}", float(np.mean(values)), unit, ceiling=promise))
    return result
