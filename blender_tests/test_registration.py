"""Registering leaves Blender as it found it, twice, and loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import bpy

from blender_tests.conftest import MODULE, USER_FOLDER

HEAVY = ("torch", "numba", "scipy", "PIL", "rasterio", "sklearn")


def our_types() -> set[str]:
    return {name for name in dir(bpy.types) if name.lower().startswith("photo")}


def test_enabled_under_its_real_name(addon):
    assert MODULE in bpy.context.preferences.addons
    assert hasattr(bpy.types.Scene, "photo_to_terrain")
    assert "PHOTO_TO_TERRAIN_OT_generate" in our_types()


def test_heavy_modules_stay_out(addon):
    assert not [name for name in HEAVY if name in sys.modules]


def test_disable_and_enable_twice(addon, part):
    handlers_before = [len(getattr(bpy.app.handlers, n)) for n in ("load_pre", "load_post")]
    for _ in range(2):
        bpy.ops.preferences.addon_disable(module=MODULE)
        assert not our_types()
        assert not hasattr(bpy.types.Scene, "photo_to_terrain")
        assert not hasattr(bpy.types.WindowManager, "photo_to_terrain_percent")
        handlers = [len(getattr(bpy.app.handlers, n)) for n in ("load_pre", "load_post")]
        assert handlers == [n - 1 for n in handlers_before]
        bpy.ops.preferences.addon_enable(module=MODULE)
        assert hasattr(bpy.types.Scene, "photo_to_terrain")
    assert [len(getattr(bpy.app.handlers, n)) for n in ("load_pre", "load_post")] == handlers_before


def test_nothing_is_written_outside_of_the_extension(addon):
    written = {p.relative_to(USER_FOLDER).parts[0] for p in USER_FOLDER.rglob("*") if p.is_file()}
    assert written <= {"extensions", "config"}    # config: Blender's own list of repositories


def test_backend_modules_load_without_their_training_code(addon, python):
    """What runs in the child process must not need the files that the zip leaves out."""
    root = addon.__path__[0]
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import backend.pipeline, backend.server; "
            "import backend.command_run, backend.preview; print(backend.pipeline.__file__)")
    done = subprocess.run([python, "-I", "-c", code, root], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().startswith(root)
