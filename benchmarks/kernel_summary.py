"""Tables for docs/kernels.md from what `python -m benchmarks.kernels --json FILE` wrote.

    python -m benchmarks.kernel_summary FILE [--into docs/kernels.md]

Of several measurements of the same thing in FILE the best run counts. With --into, the tables replace what stands between
the lines `<!-- speed -->` and `<!-- end of speed -->`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .kernel_peers import TASKS

BEGIN, END = "<!-- speed -->", "<!-- end of speed -->"
Records = dict[tuple[str, str, int], dict[str, dict[str, Any]]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Turn measurements of the kernels into tables.")
    parser.add_argument("results", type=Path)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    text = "\n\n".join(tables(lines))
    if arguments.into is None:
        print(text)
        return 0
    page = arguments.into.read_text()
    if BEGIN not in page or END not in page:
        parser.error(f"{arguments.into} has no lines {BEGIN} and {END}.")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    arguments.into.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    return 0


def tables(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Markdown: seconds by task and size, then what the kernels cost before they are warm."""
    found: Records = {}
    cold: dict[str, float] = {}
    for line in lines:
        if "cold" in line:
            cold = line["cold"]
        else:
            known = found.setdefault((line["task"], line["terrain"], line["cells"]), {})
            earlier = known.get(line["name"], {"runs": []})
            known[line["name"]] = {**line, "runs": earlier["runs"] + line["runs"]}
    order = list(TASKS)
    keys = sorted(found, key=lambda key: (key[1] != "ridged", key[1], order.index(key[0]), key[2]))
    rows = [row(*key, found[key]) for key in keys]
    head = "| task | terrain | ours, s | peers, from the fastest: s (times ours; CPU time, times ours) | scratch, B a cell |"
    result = ["\n".join([head, "| --- | --- | --- | --- | --- |", *(line for line in rows if line)])]
    if cold:
        result.append("\n".join(cold_table(cold)))
    return result


def row(task: str, terrain: str, cells: int, runners: dict[str, dict[str, Any]]) -> str:
    ours = runners.get("ours")
    if ours is None or not ours["runs"]:
        return ""
    mine = best(ours)
    peers = sorted((runner for name, runner in runners.items() if name != "ours" and runner["runs"]), key=best)
    cells_of_peers = [
        f"{peer['version']} {number(best(peer))} ({number(best(peer) / mine)}x; {number(cpu(peer) / cpu(ours))}x)" for peer in peers
    ]
    troubled = [name for name, runner in runners.items() if name != "ours" and runner["trouble"] and not runner["runs"]]
    cells_of_peers += [f"{name}: failed" for name in troubled]
    scratch = ours["runs"][-1]["workspace"] / cells
    where = f"{terrain} {math.isqrt(cells)}^2"
    return f"| {TASKS[task].partition(':')[0]} | {where} | {number(mine)} | {'; '.join(cells_of_peers) or '-'} | {scratch:.1f} |"


def best(runner: dict[str, Any]) -> float:
    return min(run["seconds"] for run in runner["runs"])


def cpu(runner: dict[str, Any]) -> float:
    """Seconds of all threads together."""
    return min(run["seconds"] * run["cores"] for run in runner["runs"])


def number(value: float) -> str:
    """Two digits that count: 0.0049, 0.17, 1.4, 23."""
    digits = max(0, 1 - math.floor(math.log10(value))) if value > 0 else 1
    return f"{value:.{digits}f}"


def cold_table(cold: dict[str, float]) -> list[str]:
    lines = ["| before the kernels are warm | compiles, seconds | from the cache on disk, seconds |", "| --- | --- | --- |"]
    lines += [f"| {name} | - | {cold[name]:.2f} |" for name in cold if name.startswith("import")]
    for task, title in TASKS.items():
        if f"{task} compiles" in cold:
            lines.append(f"| first call: {title} | {cold[f'{task} compiles']:.1f} | {cold[f'{task} cached']:.2f} |")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
