"""How long the terrain's mesh takes in every Blender module that is installed here, and its longest step.

    python -m benchmarks.blender_mesh [--repeats 3] [--environments .venvs]

Blender's thread runs the steps one after another, as the modal operator does; between two of them Blender could draw. Seconds
are those of the clock, milliseconds the processor time of Blender's thread, which a busy machine does not lengthen; each is
the best of the repeats.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def blender_pythons(environments: Path) -> list[Path]:
    """The Python of every environment with Blender as a module; says so when there is none."""
    found = sorted(p for name in ("bin/python", "Scripts/python.exe") for p in environments.glob(f"blender-*/{name}"))
    if not found:
        print(f"There is no blender-* environment in {environments}.", file=sys.stderr)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the terrain's mesh in every Blender module.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=ROOT / ".venvs", help="folder with blender-VERSION environments")
    arguments = parser.parse_args()
    pythons = blender_pythons(arguments.environments)
    if not pythons:
        return 2
    print("| Blender | points | seconds | all steps, CPU ms | longest step, CPU ms | it is |")
    print("|---|---|---|---|---|---|", flush=True)
    for python in pythons:
        subprocess.run([python, "-m", "blender_tests.measure_mesh", str(arguments.repeats)], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
