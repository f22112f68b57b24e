"""Scores of the scene network on pictures with known truth."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from backend.networks.scene import SceneNetwork

from .depth_metrics import abs_rel, align_log, align_scale_shift, delta_125, intersection_over_union


def score_pictures(network: SceneNetwork, pictures: list) -> list[dict[str, float]]:
    """One dictionary of errors a picture (`LabeledPicture`); depth counts on true bare terrain, masks where labeled."""
    rows = []
    for item in pictures:
        found = network.predict(item.picture.astype(np.float32) / 255)
        height, width = item.classes.shape
        labels = np.asarray(
            Image.fromarray(found.probabilities.argmax(0).astype(np.uint8)).resize(
                (width, height), Image.Resampling.NEAREST
            )
        )
        log_depth = np.asarray(Image.fromarray(found.log_depth).resize((width, height), Image.Resampling.BILINEAR))
        pitch, fov, slope, log_relief = item.truth
        row = {
            "pitch_error_deg": math.degrees(abs(found.pitch - pitch)),
            "pitch_z": (found.pitch - pitch) / found.pitch_spread,
            "fov_error_deg": math.degrees(abs(found.fov_x - fov)),
            "fov_z": (found.fov_x - fov) / found.fov_x_spread,
            "slope_error_deg": math.degrees(abs(found.mean_slope - slope)),
            "slope_z": (found.mean_slope - slope) / found.mean_slope_spread,
            "relief_error_percent": 100 * abs(math.exp(found.log_relief - log_relief) - 1),
            "relief_z": (found.log_relief - log_relief) / found.log_relief_spread,
        }
        judged = item.classes != 255
        for k, name in enumerate(("sky", "terrain", "foreground")):
            if (item.classes == k).any():
                row[f"{name}_iou"] = intersection_over_union((labels == k) & judged, item.classes == k)
        known = np.isfinite(item.log_depth)
        if known.sum() > 100:
            truth, log_found = np.exp(item.log_depth[known].astype(np.float64)), log_depth[known].astype(np.float64)
            aligned = align_scale_shift(np.exp(log_found - np.median(log_found)), truth)
            scaled = align_log(log_found, truth)
            row |= {
                "abs_rel": abs_rel(aligned, truth),
                "delta_125": delta_125(aligned, truth),
                "abs_rel_scale_only": abs_rel(scaled, truth),
                "delta_125_scale_only": delta_125(scaled, truth),
                "log_mae": float(np.mean(np.abs(np.log(scaled) - np.log(truth)))),
            }
        rows.append(row)
    return rows


def summarize(rows: list[dict[str, float]]) -> dict[str, float]:
    """Medians of errors, and the share of truths inside the 80 % intervals."""
    out: dict[str, float] = {}
    for name in sorted({name for row in rows for name in row}):
        values = np.array([row[name] for row in rows if name in row])
        if name.endswith("_z"):
            out[name.removesuffix("_z") + "_inside_80"] = float((np.abs(values) < 1.2816).mean())
        else:
            out[name + "_median"] = float(np.median(values))
            out[name + "_mean"] = float(np.mean(values))
    return out


def summary_line(rows: list[dict[str, float]]) -> str:
    """The summary on one line, medians only."""
    return " ".join(
        f"{name.removesuffix('_median')} {value:.3f}"
        for name, value in summarize(rows).items()
        if not name.endswith("_mean")
    )
