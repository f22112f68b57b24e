"""The zip: the same bytes each time, valid for Blender's own tool, nothing in it that users do not need."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath

from blender_tests.conftest import ROOT
from release.extension import build_zip, read_version


def test_same_sources_same_bytes(tmp_path):
    """Wherever and whenever they are checked out."""
    for place in ("one", "another"):
        for name in ("addon", "backend", "kernels", "release"):
            shutil.copytree(ROOT / name if place == "one" else tmp_path / "one" / name, tmp_path / place / name,
                            copy_function=shutil.copyfile)
        for name in ("LICENSE", "requirements.txt"):
            shutil.copyfile(ROOT / name, tmp_path / place / name)
    first, second = (build_zip(tmp_path / place, tmp_path / "dist" / place) for place in ("one", "another"))
    assert first.read_bytes() == second.read_bytes()


def test_blenders_own_tool_accepts_it(staged_zip):
    done = subprocess.run([sys.executable, "-m", "release.validate", str(staged_zip)], cwd=ROOT, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_blenders_own_tool_refuses_a_broken_one(staged_zip, tmp_path):
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("photo_to_terrain/blender_manifest.toml", 'schema_version = "1.0.0"\n')
        archive.writestr("photo_to_terrain/__init__.py", "")
    done = subprocess.run([sys.executable, "-m", "release.validate", str(broken)], cwd=ROOT, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode != 0


def test_contents(staged_zip):
    with zipfile.ZipFile(staged_zip) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
        root = archive.read("photo_to_terrain/__init__.py").decode()
        manifest = archive.read("photo_to_terrain/blender_manifest.toml").decode()
    assert {name.parts[0] for name in names} == {"photo_to_terrain"}
    rooms = {name.parts[1] for name in names if len(name.parts) > 2}
    assert rooms == {"addon", "backend", "kernels"}
    assert not [n for n in names if {"__pycache__", "tests", "training", "evaluation"} & set(n.parts)]
    assert PurePosixPath("photo_to_terrain/LICENSE") in names
    weights = {n.name for n in names if n.parent.name == "weights"}
    assert {"scene.safetensors", "terrain.safetensors"} <= weights
    version = read_version(ROOT)
    assert f'version = "{version}"' in manifest
    info = next(s.value for s in ast.parse(root).body if isinstance(s, ast.Assign) and s.targets[0].id == "bl_info")
    assert ast.literal_eval(info)["version"] == tuple(int(n) for n in version.split("."))
