"""The zip: the same bytes each time, valid for Blender's own tool, nothing in it that users do not need."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath

from blender_tests.conftest import ROOT
from release.extension import build_zip, read_version


def test_same_sources_same_bytes(staged_zip, tmp_path):
    assert build_zip(ROOT, tmp_path).read_bytes() == staged_zip.read_bytes()


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
