"""The command for every Blender from 3.4 on, whether or not the add-on is installed there:

    blender -b -P addon/headless/run.py -- IN OUT [options]
    python addon/headless/run.py IN OUT [options]        with Blender as a Python module

It runs the add-on that this file lies in, be it a checkout or an installed extension.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import traceback
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds addon/, backend/ and kernels/."""

STAND_IN = "photo_to_terrain_checkout"

DEFECT, CANNOT_RUN, INTERRUPTED = 1, 2, 130
"""Exit codes of what ends before, or beside, the command itself."""


def package_at(root: Path, installed: list[str]) -> str:
    """Name of the package that holds addon and backend: that of the installed add-on at `root`, else a stand-in.

    installed: names of enabled add-ons. A checkout is no package; the stand-in makes it one without running anything.
    """
    for name in installed:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and Path(file).resolve().parent == root:
            return name
    package = sys.modules.setdefault(STAND_IN, types.ModuleType(STAND_IN))
    package.__path__ = [str(root)]
    return STAND_IN


def main() -> int:
    """Run the command with what stands behind `--`. Returns the exit code."""
    import bpy

    is_module = not bpy.app.binary_path
    begin = sys.argv.index("--") + 1 if "--" in sys.argv else 1 if is_module else len(sys.argv)
    package = package_at(ROOT, list(bpy.context.preferences.addons.keys()))
    missing = importlib.import_module(f"{package}.addon.needs").what_is_missing()
    if missing:
        print(missing, file=sys.stderr)
        return CANNOT_RUN
    command = importlib.import_module(f"{package}.addon.headless.command")
    program = f"python {Path(__file__).name}" if is_module else f"blender -b -P {Path(__file__).name} --"
    code = command.main(sys.argv[begin:], program)
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)    # Blender does not when a script ends it
    return code


def run() -> int:
    """`main`, and an exit code also where that fails: Blender would print the exception and end with 0."""
    try:
        return main()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as problem:
        traceback.print_exc()
        print(f"Photo to Terrain failed ({type(problem).__name__}: {problem}); what stands above tells where.", file=sys.stderr)
        return DEFECT


if __name__ == "__main__":
    sys.exit(run())
