"""The whole pipeline on rendered views of held-back regions, where camera, relief and depth are known.

Each view becomes a terrain as a user's picture would; the terrain is then looked at from the camera that was found, and
its distances are compared with the true ones. What the networks guess and what the stages make of it are judged together.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kernels.derivatives import slope
from kernels.raycast import render_range, z_depth

from .. import pipeline, preview
from ..contract.errors import TerrainError
from ..contract.settings import TerrainSettings
from ..training.landscape_render import TERRAIN, LabeledPicture
from .contact_sheet import contact_sheet
from .depth_metrics import abs_rel, align_scale_shift, delta_125
from .measures import Measure, SuiteResult
from .options import EvaluationOptions
from .photos_suite import finished
from .scene_suite import validation_views

SEED = 60_000
ENLARGED = 2
"""Views are rendered at 288 x 192 pixels and handed in twice as large: users' pictures are larger still."""


def run(options: EvaluationOptions) -> SuiteResult:
    """`options.views` views, each a whole run at `options.resolution`."""
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    cases = []
    with tempfile.TemporaryDirectory(prefix="end-to-end-") as scratch:
        for number, view in enumerate(validation_views(options.library, options.views, SEED)):
            row, pictures = judge(view, Path(scratch) / str(number), options.resolution)
            rows.append(row)
            cases.append((f"{number} {row['outcome']} depth {row.get('abs_rel', math.nan):.2f} "
                          f"pitch {row.get('pitch_error_deg', math.nan):.1f} deg", pictures))
            print(f"  {number + 1}/{options.views} " + " ".join(
                f"{k} {v:.3g}" for k, v in row.items() if isinstance(v, float)), flush=True)
    sheet = options.out / "end_to_end.jpg"
    contact_sheet(cases[:24], 3, (288, 192)).save(sheet, quality=88)
    return SuiteResult("end-to-end", measures(rows), rows, [sheet], time.monotonic() - began)


def judge(view: LabeledPicture, folder: Path, resolution: int) -> tuple[dict[str, Any], list[Image.Image]]:
    """Numbers of one view and pictures to look at. Never raises for a refused one."""
    folder.mkdir()
    image = Image.fromarray(view.picture)
    image.resize((image.width * ENLARGED, image.height * ENLARGED), Image.Resampling.LANCZOS).save(folder / "view.png")
    pitch, fov, mean_slope, log_relief = view.truth
    try:
        report = pipeline.generate(
            pipeline.Job(folder / "view.png", folder / "out", TerrainSettings(resolution=resolution))).report
    except TerrainError as problem:
        return {"outcome": "crash" if problem.code == "internal" else "refused", "text": str(problem)}, [image]
    terrain, camera = finished(folder / "out", report)
    height, width = view.classes.shape
    ranges = render_range(terrain.heights, terrain.grid.dx_m, terrain.grid.origin_m, camera.position_m, camera.pitch_rad,
                          camera.fov_x_rad, width, height, roll_rad=camera.roll_rad)
    depth = z_depth(ranges, camera.pitch_rad, camera.fov_x_rad)
    row: dict[str, Any] = {
        "outcome": "terrain",
        "pitch_error_deg": math.degrees(abs(camera.pitch_rad - pitch)),
        "fov_error_deg": math.degrees(abs(camera.fov_x_rad - fov)),
        "relief_error_percent": 100 * abs(report["prior"]["elevation_range_m"] / math.exp(log_relief) - 1),
        "slope_error_deg": math.degrees(abs(float(np.nanmean(slope(terrain.heights, terrain.grid.dx_m))) - mean_slope)),
        "ove_m": float(report["metrics"]["ove_m"]), "mdd_m": float(report["metrics"]["mdd_m"]),
    }
    both = np.isfinite(view.log_depth) & (view.classes == TERRAIN) & np.isfinite(depth)
    if both.sum() > 100:
        truth = np.exp(view.log_depth[both].astype(np.float64))
        found = depth[both].astype(np.float64)
        aligned = align_scale_shift(found / np.median(found), truth)
        row |= {"abs_rel": abs_rel(aligned, truth), "delta_125": delta_125(aligned, truth),
                "scale_error_factor": float(np.exp(abs(np.log(np.median(found) / np.median(truth)))))}
    land = view.classes == TERRAIN
    sky = view.classes == 0
    judged = land | sky
    row["terrain_iou"] = float((np.isfinite(depth) & land).sum() / max(((np.isfinite(depth) & judged) | land).sum(), 1))
    light = preview.sunlight(terrain, preview.SUN_AZIMUTH, with_shadows=True)
    return row, [image, preview.matched_view(terrain, camera, light, round(preview.PANEL_WIDTH * height / width))]


def measures(rows: list[dict[str, Any]]) -> list[Measure]:
    """Medians over the views that became terrains."""
    made = [row for row in rows if row["outcome"] == "terrain"]

    def median(name: str) -> float:
        values = [row[name] for row in made if name in row]
        return float(np.median(values)) if values else math.nan

    result = [
        Measure("views", float(len(rows))),
        Measure("refused", float(sum(row["outcome"] == "refused" for row in rows))),
        Measure("crashes", float(sum(row["outcome"] == "crash" for row in rows)), ceiling=0.0),
        Measure("pitch error, median", median("pitch_error_deg"), "deg", ceiling=3.0, paper=7.18),
        Measure("field of view error, median", median("fov_error_deg"), "deg"),
        Measure("relief error, median", median("relief_error_percent"), "%", ceiling=27.0, paper=27.6),
        Measure("mean slope error, median", median("slope_error_deg"), "deg"),
        Measure("depth of the terrain: AbsRel, median", median("abs_rel")),
        Measure("depth of the terrain: delta < 1.25, median", median("delta_125")),
        Measure("scale of distances off by a factor, median", median("scale_error_factor")),
        Measure("rendered land against true land, IoU, median", median("terrain_iou")),
        Measure("OVE, worst", max((row["ove_m"] for row in made), default=math.nan), "m", ceiling=0.5),
        Measure("MDD, worst", max((row["mdd_m"] for row in made), default=math.nan), "m", ceiling=0.05),
    ]
    return [m for m in result if math.isfinite(m.value)]
