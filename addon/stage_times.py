"""How long a run will take from a stage on, as told by earlier runs on this machine. No bpy here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..backend.contract.stages import STAGES, stage_index


def expected_seconds(reports: Iterable[dict[str, Any]], resolution: int, stage: str) -> float | None:
    """Seconds from the beginning of `stage` to the end.

    reports: of earlier runs, oldest first; only those of this resolution count. A stage that was only ever read from the cache gets
    its usual share of the whole. None where nothing is known.
    """
    seconds: dict[str, float] = {}
    for report in reports:
        if (report.get("settings") or {}).get("resolution") == resolution:
            seconds |= {s["name"]: float(s["seconds"]) for s in report.get("stages") or [] if not s.get("cached")}
    known_share = sum(s.share for s in STAGES if s.name in seconds)
    if known_share < 0.1:
        return None
    whole = sum(seconds[s.name] for s in STAGES if s.name in seconds) / known_share
    return sum(seconds.get(s.name, whole * s.share) for s in STAGES[stage_index(stage):])
