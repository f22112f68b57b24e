"""One measured number beside what it should be, and tables of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..report import without_nan


@dataclass(frozen=True)
class Measure:
    """A number of a suite.

    floor, ceiling: the target, whichever applies.   paper: what Pixels2Peaks reports for the same quantity, on its own data.
    """

    name: str
    value: float
    unit: str = ""
    floor: float | None = None
    ceiling: float | None = None
    paper: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None where there is none, or no value."""
        if (self.floor is None and self.ceiling is None) or not math.isfinite(self.value):
            return None
        return (self.floor is None or self.value >= self.floor) and (self.ceiling is None or self.value <= self.ceiling)

    @property
    def target(self) -> str:
        """The target as text."""
        if self.floor is not None:
            return f">= {self.floor:g}"
        return f"<= {self.ceiling:g}" if self.ceiling is not None else ""


@dataclass
class SuiteResult:
    """What a suite found: its numbers, one row a case for the report, and the files of its pictures."""

    suite: str
    measures: list[Measure]
    rows: list[dict[str, Any]] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For report.json."""
        measures = {
            m.name: {"value": m.value, "unit": m.unit, "target": m.target or None, "reached": m.reached, "paper": m.paper}
            for m in self.measures
        }
        return without_nan({"seconds": self.seconds, "measures": measures, "rows": self.rows,
                            "sheets": [path.name for path in self.sheets]})


def table(measures: Iterable[Measure]) -> str:
    """Lines of name, value, target, the paper's number and whether the target is met."""
    measures = list(measures)
    width = max((len(m.name) for m in measures), default=0)
    lines = [f"{'':{width}}  {'ours':>16}  {'target':>10}  {'paper':>8}"]
    for m in measures:
        mark = {True: "reached", False: "missed", None: ""}[m.reached]
        paper = "" if m.paper is None else f"{m.paper:g}"
        value = f"{m.value:.4g} {m.unit}".strip()
        lines.append(f"{m.name:{width}}  {value:>16}  {m.target:>10}  {paper:>8}  {mark}".rstrip())
    return "\n".join(lines)


def write_report(results: Iterable[SuiteResult], out: Path) -> None:
    """OUT/report.json with every suite, and OUT/table.txt to read."""
    results = list(results)
    content = {result.suite: result.as_json() for result in results}
    (out / "report.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    text = "\n\n".join(f"{result.suite}\n{table(result.measures)}" for result in results)
    (out / "table.txt").write_text(text + "\n", encoding="utf-8")
