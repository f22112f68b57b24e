"""Tables for docs/quality.md from what `python -m backend evaluate` wrote.

    python -m backend.evaluation.quality_page DIR/report.json --into docs/quality.md

The table of a suite replaces what stands between the lines `<!-- SUITE -->` and `<!-- end of SUITE -->`, that of its single
pictures what stands between `<!-- SUITE rows -->` and `<!-- end of SUITE rows -->`; suites that the report lacks keep theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROW_COLUMNS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "photos": (("picture", "picture", ""), ("terrain_iou", "terrain IoU", ".3f"),
               ("terrain_skyline_px", "skyline px, median", ".1f"),
               ("terrain_skyline_p90_px", "90th percentile", ".1f"), ("skyline_error_px", "against our masks px", ".2f"),
               ("visible_error_share_of_relief", "seen ground moved", ".2%"), ("relief_m", "relief m", ".0f"),
               ("pitch_deg", "pitch deg", ".1f"), ("fov_deg", "field of view deg", ".0f"), ("dx_m", "spacing m", "g")),
}
"""Suite -> (key of a row, heading, format) of the columns of its single pictures."""


def main() -> int:
    """The command line. Returns the exit code: 0 done, 2 when the page has no place for any suite of the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    report = json.loads(options.report.read_text(encoding="utf-8"))
    page = options.into.read_text(encoding="utf-8")
    filled = []
    for suite, content in report.items():
        tables = {suite: markdown(content["measures"])}
        if suite in ROW_COLUMNS:
            tables[f"{suite} rows"] = row_table(content["rows"], ROW_COLUMNS[suite])
        for place, table in tables.items():
            begin, end = f"<!-- {place} -->", f"<!-- end of {place} -->"
            if begin in page and end in page:
                page = page.split(begin)[0] + f"{begin}\n{table}\n{end}" + page.split(end, 1)[1]
                filled.append(place)
    if not filled:
        print(f"{options.into} has no line <!-- SUITE --> for any of: {', '.join(report)}.", file=sys.stderr)
        return 2
    options.into.write_text(page, encoding="utf-8")
    print(f"{options.into}: {', '.join(filled)}")
    return 0


def markdown(measures: dict[str, dict[str, Any]]) -> str:
    """One line a measure: value, target, the paper's number, and whether the target is met."""
    lines = ["| measure | ours | target | paper | |", "| --- | --- | --- | --- | --- |"]
    for name, measure in measures.items():
        value = measure["value"]
        text = "-" if value is None else f"{value:.4g} {measure['unit']}".strip()
        paper = "" if measure["paper"] is None else f"{measure['paper']:g}"
        mark = {True: "reached", False: "missed", None: ""}[measure["reached"]]
        lines.append(f"| {name} | {text} | {measure['target'] or ''} | {paper} | {mark} |")
    return "\n".join(lines)


def row_table(rows: list[dict[str, Any]], columns: tuple[tuple[str, str, str], ...]) -> str:
    """One line a picture; rows without the last column's value (nothing was made of them) are left out."""
    lines = [f"| {' | '.join(heading for _, heading, _ in columns)} |", "| --- " * len(columns) + "|"]
    for row in rows:
        if columns[-1][0] in row:
            cells = [format(row[key], code) if key in row else "-" for key, _, code in columns]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
