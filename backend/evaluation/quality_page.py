"""Tables for docs/quality.md from what `python -m backend evaluate` wrote.

    python -m backend.evaluation.quality_page DIR/report.json --into docs/quality.md

The table of a suite replaces what stands between the lines `<!-- SUITE -->` and `<!-- end of SUITE -->`; suites that the
report lacks keep theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


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
        begin, end = f"<!-- {suite} -->", f"<!-- end of {suite} -->"
        if begin in page and end in page:
            page = page.split(begin)[0] + f"{begin}\n{markdown(content['measures'])}\n{end}" + page.split(end, 1)[1]
            filled.append(suite)
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


if __name__ == "__main__":
    sys.exit(main())
