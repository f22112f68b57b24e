"""Writes terrain.blend from a finished job's folder, with Blender as a Python module and nothing installed:

    python -m addon.write_blend DIR [FILE.blend]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import bpy

from .scene.result import put_result, select_only
from .scene.result_folder import DamagedResult, read_result
from .scene.viewport import all_views

FILE_NAME = "terrain.blend"


def write_blend(folder: Path, target: Path | None = None) -> Path:
    """A new .blend file with the terrain of `folder`, by default in that folder. Returns its path.

    Raises DamagedResult when the folder holds no result, OSError when the file cannot be written. An existing file is
    replaced only when the new one is complete.
    """
    finished = read_result(folder)
    target = (target or folder / FILE_NAME).resolve()
    # Not read_factory_settings: that would also disable the add-on which may have called this.
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 1.0
    terrain = put_result(scene, finished)
    select_only(bpy.context.view_layer, terrain)
    for space in all_views():
        space.region_3d.view_perspective = "CAMERA"
    for image in bpy.data.images:    # packed; where the picture lies on this machine says nothing to another
        image.filepath_raw = f"//{bpy.path.basename(image.filepath)}"
    beside = target.parent / f".unfinished-{os.getpid()}"
    try:
        beside.mkdir()
        bpy.ops.wm.save_as_mainfile(filepath=str(beside / target.name), compress=True, check_existing=False)
        (beside / target.name).replace(target)
    except RuntimeError as problem:
        raise OSError(f"{target} cannot be written ({problem}).") from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def main() -> int:
    """The command line. Returns the exit code: 0 done, 2 no result there or not writable."""
    parser = argparse.ArgumentParser(prog="python -m addon.write_blend", description="Write terrain.blend.")
    parser.add_argument("folder", type=Path, help="folder that the backend has filled")
    parser.add_argument("target", type=Path, nargs="?", help="file to write; terrain.blend in the folder by default")
    options = parser.parse_args()
    try:
        write_blend(options.folder, options.target)
    except (DamagedResult, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
