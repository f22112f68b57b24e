"""The pitches that the search could not tell apart, and which terrains were made with them."""

from __future__ import annotations

from typing import Any

import bpy

from . import result_collections as places

CLOSE_COST = 4.0
"""A second minimum is offered when its cost is less than this above the best: odds of at least 1 to exp(2), about 7."""

LEAST_APART_DEG = 1.5
"""Closer pitches look the same."""

SAME_DEG = 0.05


def offered(report: dict[str, Any]) -> list[dict[str, float]]:
    """Two entries of the report's `camera.pitch_candidates`, best first, or none where the search was sure."""
    found = (report.get("camera") or {}).get("pitch_candidates") or []
    best = found[:1]
    for other in found[1:]:
        if other["cost"] - best[0]["cost"] > CLOSE_COST:
            break
        if abs(other["pitch_deg"] - best[0]["pitch_deg"]) >= LEAST_APART_DEG:
            return [best[0], other]
    return []


def of_same_picture(scene: bpy.types.Scene, report: dict[str, Any]) -> list[bpy.types.Collection]:
    """The terrains of the same picture and seed."""
    def name(other: dict[str, Any]) -> tuple[Any, Any]:
        return (other.get("picture") or {}).get("sha256"), other.get("seed")

    return [c for c in places.results(scene) if name(places.report_of(c)) == name(report)]


def offered_for(scene: bpy.types.Scene, report: dict[str, Any]) -> list[dict[str, float]]:
    """The two candidates of a terrain, also where its own pitch was one of them and its search left out."""
    for collection in of_same_picture(scene, report):
        found = offered(places.report_of(collection))
        if found:
            return found
    return []


def made_with(scene: bpy.types.Scene, report: dict[str, Any], pitch_deg: float) -> bpy.types.Collection | None:
    """The terrain of the same picture and seed that was solved with this pitch."""
    return next((c for c in of_same_picture(scene, report)
                 if abs(places.report_of(c)["camera"]["pitch_deg"] - pitch_deg) < SAME_DEG), None)
