"""Checks the zip with Blender's own tool: `python -m release.validate ZIP`, with Blender as a Python module."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import bpy

TOOL = Path("addons_core", "bl_pkg", "cli", "blender_ext.py")


def main() -> int:
    """Run `blender_ext.py validate ZIP`. Returns its exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m release.validate ZIP", file=sys.stderr)
        return 2
    scripts = Path(bpy.utils.system_resource("SCRIPTS"))
    sys.argv = [str(scripts / TOOL), "validate", sys.argv[1]]
    try:
        runpy.run_path(str(scripts / TOOL), run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
