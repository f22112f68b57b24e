"""Installs the zip that users get, under its real name, and hands out the installed package."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

USER_FOLDER = Path(tempfile.mkdtemp(prefix="photo-to-terrain-test-"))
os.environ["BLENDER_USER_RESOURCES"] = str(USER_FOLDER)    # read when bpy is imported
for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

import bpy  # noqa: E402
import numpy as np  # noqa: E402

from release.extension import build_zip  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "examples" / "picos_de_europa.jpg"
MODULE = "bl_ext.user_default.photo_to_terrain"


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(USER_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def staged_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as `build.py package` makes it."""
    return build_zip(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def addon(staged_zip: Path) -> ModuleType:
    """The installed and enabled extension."""
    bpy.ops.extensions.package_install_files(filepath=str(staged_zip), repo="user_default", enable_on_install=True)
    yield importlib.import_module(MODULE)
    bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture
def part(addon: ModuleType):
    """A function that gives a module of the installed extension: part("jobs"), part("scene.grid_mesh")."""
    return lambda name: importlib.import_module(f"{MODULE}.addon.{name}")


@pytest.fixture
def scene(addon: ModuleType) -> bpy.types.Scene:
    """The scene of a new file."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return bpy.context.scene


@pytest.fixture(scope="session")
def python() -> Path:
    """The backend's Python, named by the variable or made by `build.py`."""
    folder = ROOT / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    found = Path(os.environ.get("PHOTO_TO_TERRAIN_PYTHON") or folder)
    assert found.is_file(), "Run `python3 build.py setup` first: the backend's environment is missing."
    os.environ["PHOTO_TO_TERRAIN_PYTHON"] = str(found)
    return found


@pytest.fixture
def fake_stages(part, python, monkeypatch: pytest.MonkeyPatch):
    """A function: from now on the backend runs these stages of tests/backend/fake_stages.py (or MODULE:NAME), not the real ones."""
    jobs, environment = part("jobs"), part("environment")
    real = jobs.BackendProcess
    monkeypatch.setattr(environment, "ROOT", ROOT)    # the installed package has no tests

    def use(stages: str) -> None:
        arguments = ("--stages", stages if ":" in stages else f"tests.backend.fake_stages:{stages}")
        monkeypatch.setattr(jobs, "BackendProcess",
                            lambda python, root, log, _: real(python, root, log, arguments))

    jobs.stop_all()
    yield use
    jobs.stop_all()
    jobs.fail(None)


@pytest.fixture
def rough_heights() -> np.ndarray:
    """float32 (40, 60), meters: different everywhere, so that no mistaken order goes unseen."""
    generator = np.random.default_rng(5)
    rows, cols = np.mgrid[0:40, 0:60]
    return (300 + 9 * rows - 4 * cols + generator.normal(0, 3, (40, 60))).astype(np.float32)
