"""Sentences of the fold "Match". No bpy here."""

from __future__ import annotations

from typing import Any

from ..scene.ridge_lines import Compared


def lens_sentence(report: dict[str, Any]) -> str:
    """What the picture's file said about the lens, and what was used."""
    picture, view = report.get("picture") or {}, report.get("camera") or {}
    used = next((c.get("by") for c in report.get("choices") or [] if str(c.get("choice", "")).startswith("field of view")), None)
    told = picture.get("exif_fov_x_deg")
    if told is None and used == "exif":    # reports before that field
        told = view.get("fov_x_deg")
    if told is None:
        return "EXIF tells no lens" + {"artist": "; the typed field of view was used",
                                       "network": "; the field of view is estimated"}.get(str(used), "")
    return f"EXIF tells {told:.1f}° across" + ("; the typed field of view was used" if used == "artist" else "")


def ridge_sentences(compared: Compared, size: float) -> list[str]:
    """Median errors of both kinds of ridges. size: how many times larger than solved the terrain is."""
    lines = []
    for name, skyline in (("Skyline", True), ("Inner ridges", False)):
        median = compared.median(skyline)
        if median is None:
            lines.append(f"{name}: nothing to compare")
        else:
            lines.append(f"{name}: {median[0]:.1f} px off at 1000 px, {median[1] * size:.1f} m (median)")
    return lines
