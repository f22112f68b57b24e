"""A report in a few lines for the artist."""

from __future__ import annotations

from typing import Any

from ..scene import result_collections as places
from ..translations import tell
from .wrapped_text import draw_text


def sentences(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Lines about the terrain, and warnings. Whatever a report lacks is left out."""
    lines = []
    if report.get("unfinished"):
        lines.append(tell("Unfinished: press the button to go on"))
    terrain, camera, metrics = (report.get(part) or {} for part in ("terrain", "camera", "metrics"))
    if {"rows", "cols", "dx_m", "min_m", "max_m"} <= terrain.keys():
        wide, deep = (terrain[n] * terrain["dx_m"] / 1000 for n in ("cols", "rows"))
        lines.append(tell("{wide:.1f} x {deep:.1f} km, a point every {spacing:g} m", wide=wide, deep=deep, spacing=terrain["dx_m"]))
        lines.append(tell("{relief:.0f} m from lowest to highest", relief=terrain["max_m"] - terrain["min_m"]))
    if {"pitch_deg", "fov_x_deg"} <= camera.keys():
        lines.append(tell("Camera tilted {pitch:+.1f}°, sees {fov:.0f}° across", pitch=camera["pitch_deg"],
                          fov=camera["fov_x_deg"]))
    if metrics.get("skyline_error_px") is not None:
        lines.append(tell("Skyline {pixels:.1f} px off at 1000 px", pixels=metrics["skyline_error_px"]))
    if report.get("seconds"):
        lines.append(tell("Stopped after {seconds:.0f} s" if report.get("unfinished") else "Made in {seconds:.0f} s",
                          seconds=report["seconds"]))
    warnings = [str(w.get("warning", "")) for w in report.get("warnings", []) if isinstance(w, dict)]
    return lines, [w for w in warnings if w]


def draw_result(layout, collection, width):
    """What came out, in a few lines."""
    column = layout.box().column(align=True)
    lines, warnings = sentences(places.report_of(collection))
    for line in lines:
        draw_text(column, line, width)
    for warning in warnings:
        draw_text(column, warning, width, icon="INFO")
