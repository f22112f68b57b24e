"""Sentences of the fold "Match"."""

from __future__ import annotations

from typing import Any

from ..scene.ridge_lines import Compared
from ..translations import later, tell

NO_LENS = {
    "artist": later("EXIF tells no lens; the typed field of view was used"),
    "network": later("EXIF tells no lens; the field of view is estimated"),
    "": later("EXIF tells no lens"),
}
"""By whom the field of view was told instead."""


def lens_sentence(report: dict[str, Any]) -> str:
    """What the picture's file said about the lens, and what was used."""
    picture, view = report.get("picture") or {}, report.get("camera") or {}
    used = next((c.get("by") for c in report.get("choices") or [] if str(c.get("choice", "")).startswith("field of view")), None)
    told = picture.get("exif_fov_x_deg")
    if told is None and used == "exif":    # reports before that field
        told = view.get("fov_x_deg")
    if told is None:
        return tell(NO_LENS.get(str(used), NO_LENS[""]))
    return tell("EXIF tells {degrees:.1f}° across; the typed field of view was used" if used == "artist" else
                "EXIF tells {degrees:.1f}° across", degrees=told)


def ridge_sentences(compared: Compared, size: float) -> list[str]:
    """Median errors of both kinds of ridges. size: how many times larger than solved the terrain is."""
    lines = []
    for name, skyline in ((tell("Skyline"), True), (tell("Inner ridges"), False)):
        median = compared.median(skyline)
        if median is None:
            lines.append(tell("{ridges}: nothing to compare", ridges=name))
        else:
            lines.append(tell("{ridges}: {pixels:.1f} px off at 1000 px, {meters:.1f} m (median)", ridges=name, pixels=median[0],
                              meters=median[1] * size))
    return lines
