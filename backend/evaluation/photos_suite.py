"""Real photographs and paintings decide: masks and skylines against marks made by hand, depth against known points.

Every picture goes through the whole pipeline as a user's would. What it becomes is judged by the marks, not by our own
segmentation: the rendered skyline of the finished terrain lies where a person sees it, or not.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import metrics, pipeline, preview
from ..camera import Camera
from ..context import Context
from ..contract.errors import TerrainError
from ..contract.settings import TerrainSettings
from ..estimation import pointmap, segmentation
from ..networks.scene import SceneNetwork
from ..picture import load
from ..terrain import Grid, Terrain
from .contact_sheet import contact_sheet
from .marked_pictures import MarkedPicture, depth_order, marked_pictures, marked_segmentation, mask_scores
from .measures import Measure, SuiteResult
from .options import EvaluationOptions

TINTS = np.array([[70, 130, 255], [90, 190, 90], [255, 70, 50], [90, 90, 90]], np.float32)


def run(options: EvaluationOptions) -> SuiteResult:
    """All pictures. Raises FileNotFoundError where there is none."""
    began = time.monotonic()
    network = SceneNetwork.load()
    pictures = marked_pictures(options.pictures, options.masks, options.only)
    rows = []
    for number, item in enumerate(pictures, 1):
        row = judge(network, item, options)
        rows.append(row)
        print(f"  {number}/{len(pictures)} {item.path.stem}: {row['outcome']} " + " ".join(
            f"{k} {v:.3g}" for k, v in row.items() if isinstance(v, float)), flush=True)
    sheets = [_sheet(rows, options.out)]
    return SuiteResult("photos", measures(rows), [_without_pictures(row) for row in rows], sheets, time.monotonic() - began)


def judge(network: SceneNetwork, item: MarkedPicture, options: EvaluationOptions) -> dict[str, Any]:
    """One picture: its masks and depth as the pipeline sees them, then the terrain. Never raises for a refused picture."""
    settings = TerrainSettings(resolution=options.resolution)
    row: dict[str, Any] = {"picture": item.path.stem, "kind": item.kind, "outcome": "depth only"}
    picture = load(item.path)
    row["small"] = Image.fromarray((picture.rgb * 255).astype(np.uint8))
    row["small"].thumbnail((600, 600))
    try:
        seen = network.predict(picture.rgb)
        masks = segmentation.segment(picture, seen, settings, Context())
        if item.marks is not None:
            row |= mask_scores(item.marks, masks)
        row["masks"] = _tinted(row["small"], masks)
        if len(item.points):
            points = pointmap.estimate(picture, masks, seen, settings, Context())
            with np.errstate(invalid="ignore", divide="ignore"):
                row |= depth_order(item.points, np.log(points.points[..., 2]))
        if item.kind == "drone":
            return row
        folder = options.out / "photos" / item.path.stem
        begun = time.monotonic()
        report = pipeline.generate(pipeline.Job(item.path, folder, settings)).report
    except TerrainError as problem:
        outcome = "crash" if problem.code == "internal" else "refused"
        return row | {"outcome": outcome, "text": str(problem)}
    row |= {"outcome": "terrain", "seconds": time.monotonic() - begun}
    wanted = ("ove_m", "mdd_m", "visible_error_share_of_relief", "skyline_error_px")
    row |= {name: report["metrics"][name] for name in wanted if report["metrics"][name] is not None}
    row |= {"relief_m": report["prior"]["elevation_range_m"], "pitch_deg": report["camera"]["pitch_deg"],
            "fov_deg": report["camera"]["fov_x_deg"], "dx_m": report["terrain"]["dx_m"]}
    terrain, camera = finished(folder, report)
    light = preview.sunlight(terrain, preview.SUN_AZIMUTH, with_shadows=True)
    row["render"] = preview.matched_view(terrain, camera, light, round(preview.PANEL_WIDTH * camera.height / camera.width))
    if item.marks is not None:
        median, p90 = metrics.skyline_error_px(terrain, camera, marked_segmentation(item.marks))
        if median is not None and p90 is not None:
            row |= {"terrain_skyline_px": median, "terrain_skyline_p90_px": p90}
    truth = item.path.with_name(f"{item.path.stem}_truth.json")
    if truth.exists():
        known = json.loads(truth.read_text(encoding="utf-8"))
        if "hfov_deg" in known:
            row["fov_error_deg"] = abs(camera_deg(report, "fov_x_deg") - known["hfov_deg"])
        if "camera_pitch_deg" in known:
            row["pitch_error_deg"] = abs(camera_deg(report, "pitch_deg") - known["camera_pitch_deg"])
    return row


def camera_deg(report: dict[str, Any], name: str) -> float:
    """An angle of the camera in degrees."""
    return float(report["camera"][name])


def finished(folder: Path, report: dict[str, Any]) -> tuple[Terrain, Camera]:
    """Terrain and camera from the files that a user gets."""
    camera, grid = report["camera"], report["terrain"]
    heights = np.load(folder / "terrain.npy")
    terrain = Terrain(Grid(grid["rows"], grid["cols"], grid["dx_m"], tuple(grid["origin_m"])), heights)
    fov, pitch, roll = (float(np.radians(camera[name])) for name in ("fov_x_deg", "pitch_deg", "roll_deg"))
    return terrain, Camera(camera["width"], camera["height"], fov, pitch, roll, tuple(camera["position_m"]))


def measures(rows: list[dict[str, Any]]) -> list[Measure]:
    """The suite's numbers: medians over pictures, photographs and paintings apart where marks are judged."""
    def values(name: str, kind: str | None = None) -> np.ndarray:
        return np.array([row[name] for row in rows if name in row and (kind is None or row["kind"] == kind)], float)

    def median(name: str, kind: str | None = None) -> float:
        found = values(name, kind)
        return float(np.median(found)) if found.size else float("nan")

    judged = [row for row in rows if row["kind"] != "drone"]
    result = [
        Measure("pictures", float(len(judged))),
        Measure("became terrains", float(sum(row["outcome"] == "terrain" for row in judged))),
        Measure("crashes", float(sum(row["outcome"] == "crash" for row in judged)), ceiling=0.0),
        Measure("photographs: terrain IoU, median", median("terrain_iou", "photo"), floor=0.93),
        Measure("photographs: sky IoU, median", median("sky_iou", "photo")),
        Measure("photographs: foreground IoU, median", median("foreground_iou", "photo")),
        Measure("photographs: skyline of the masks, median", median("skyline_px", "photo"), "px", ceiling=4.0),
        Measure("photographs: skyline of the terrain, median", median("terrain_skyline_px", "photo"), "px", ceiling=4.0),
        Measure("paintings: terrain IoU, median", median("terrain_iou", "painting")),
        Measure("paintings: skyline of the masks, median", median("skyline_px", "painting"), "px"),
        Measure("paintings: skyline of the terrain, median", median("terrain_skyline_px", "painting"), "px"),
        Measure("skyline of the terrain against our own masks, median", median("skyline_error_px"), "px"),
        Measure("known points in the right order of depth, mean", float(np.mean(values("order_right"))) if values(
            "order_right").size else float("nan")),
        Measure("log depth error at known points, median", median("log_depth_mae")),
        Measure("OVE, worst", float(values("ove_m").max(initial=0.0)), "m", ceiling=0.5),
        Measure("MDD, worst", float(values("mdd_m").max(initial=0.0)), "m", ceiling=0.05),
        Measure("seen ground moved, worst share of relief", float(values("visible_error_share_of_relief").max(initial=0.0)),
                ceiling=0.01),
        Measure("seconds a picture, median", median("seconds"), "s"),
    ]
    return [m for m in result if np.isfinite(m.value)]


def _tinted(small: Image.Image, masks: Any) -> Image.Image:
    """The picture tinted by class: sky blue, terrain green, foreground red, unknown gray."""
    classes = np.full(masks.sky.shape, 3, np.uint8)
    for value, mask in enumerate((masks.sky, masks.terrain, masks.foreground)):
        classes[mask] = value
    shown = np.asarray(Image.fromarray(classes).resize(small.size, Image.Resampling.NEAREST))
    return Image.fromarray((0.55 * np.asarray(small) + 0.45 * TINTS[shown]).astype(np.uint8))


def _sheet(rows: list[dict[str, Any]], out: Path) -> Path:
    cases = []
    for row in rows:
        text = " ".join(f"{label} {row[name]:.2f}" for label, name in (
            ("IoU", "terrain_iou"), ("mask skyline", "skyline_px"), ("terrain skyline", "terrain_skyline_px"),
            ("depth order", "order_right")) if name in row)
        caption = f"{row['picture']}   {row['outcome']}   {text}"
        cases.append((caption, [row[name] for name in ("small", "masks", "render") if name in row]))
    path = out / "photos.jpg"
    contact_sheet(cases).save(path, quality=88)
    return path


def _without_pictures(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, Image.Image)}
