"""How much memory a finished terrain takes in Blender: its mesh, a Cycles render, and one with adaptive subdivision.

    python -m benchmarks.terrain_memory [--sizes 512 1024 2048] [--environments .venvs]

Bytes of physical memory on Linux. The constants of addon/scene/memory_estimate.py come from here.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from .blender_mesh import ROOT, blender_pythons


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a terrain's memory in every Blender module.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--environments", type=Path, default=ROOT / ".venvs", help="folder with blender-VERSION environments")
    arguments = parser.parse_args()
    pythons = blender_pythons(arguments.environments)
    if not pythons:
        return 2
    print("| Blender | points | mesh, bytes a point | render on top, bytes a point | pieces of a pixel on top, bytes a pixel |")
    print("|---|---|---|---|---|", flush=True)
    for python in pythons:
        for size in arguments.sizes:
            done = subprocess.run([python, "-m", "blender_tests.measure_memory", str(size)], cwd=ROOT, check=True,
                                  capture_output=True, text=True)
            print(*(line for line in done.stdout.splitlines() if line.startswith("|")), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
