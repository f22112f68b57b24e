"""How much memory a finished terrain takes in Blender: its mesh, a Cycles render, and one with adaptive subdivision.

    python -m benchmarks.terrain_memory [--sizes 256 512 1024] [--pixels 480 270] [--environments .venvs]

MB of physical memory, on Linux. The constants of addon/scene/memory_estimate.py come from differences between rows.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from .blender_mesh import ROOT, blender_pythons


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a terrain's memory in every Blender module.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--pixels", type=int, nargs=2, default=[480, 270], help="width and height of the render")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venvs", help="folder with blender-VERSION environments")
    arguments = parser.parse_args()
    pythons = blender_pythons(arguments.environments)
    if not pythons:
        return 2
    print("| Blender | points | mesh, MB | render, MB more | render with pieces of a pixel, MB more |")
    print("|---|---|---|---|---|", flush=True)
    for python in pythons:
        for size in arguments.sizes:
            values = (str(value) for value in (size, *arguments.pixels))
            done = subprocess.run([python, "-m", "blender_tests.measure_memory", *values], cwd=ROOT, check=True,
                                  capture_output=True, text=True)
            print(*(line for line in done.stdout.splitlines() if line.startswith("|")), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
