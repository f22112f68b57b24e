"""The offline bundle that `build.py package --offline` makes, and the table of packages, from tiny wheels."""

from __future__ import annotations

import json
import zipfile

import pytest

from addon.installation import offline
from addon.installation.devices import platform_tag
from release.extension import read_version
from release.offline_bundle import build_bundle
from release.package_table import describe
from tests.installation.test_installation import ROOT
from tests.installation.tiny_packages import VERSIONS, make_wheel


@pytest.fixture
def bundle(tmp_path):
    """A bundle of an extension with one file and two wheels."""
    wheels = [make_wheel(tmp_path / "wheels", *item) for item in VERSIONS.items()]
    extension = tmp_path / "extension.zip"
    with zipfile.ZipFile(extension, "w") as archive:
        archive.writestr("photo_to_terrain/blender_manifest.toml", "id")
    return build_bundle(ROOT, extension, wheels, tmp_path, "cpu")


def test_it_is_the_extension_with_wheels_beside_it(bundle, tmp_path):
    assert bundle.name == f"photo_to_terrain-{read_version(ROOT)}-offline-{platform_tag()}-cpu.zip"
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None and archive.read("photo_to_terrain/blender_manifest.toml") == b"id"
        archive.extractall(tmp_path / "installed")
    offline.check(offline.read_card(bundle), offline.python_version())
    (tmp_path / "unpacked").mkdir()
    assert offline.unpack(bundle, tmp_path / "unpacked") == 2
    for name in ("tinyone-1.0-py3-none-any.whl", "tinytwo-2.0-py3-none-any.whl"):
        assert (tmp_path / "unpacked" / name).read_bytes() == (tmp_path / "wheels" / name).read_bytes()


def test_once_installed_it_is_found_beside_the_add_on(bundle, tmp_path):
    root = tmp_path / "installed" / "photo_to_terrain"
    assert offline.included(root) is None
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "installed")
    assert offline.included(root) == root / "offline" and offline.read_card(root / "offline")["wheels"] == 2


def test_a_name_that_leaves_the_folder_stays_inside(tmp_path):
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("offline/bundle.json", json.dumps({"platform": platform_tag()}))
        archive.writestr("offline/../../outside.whl", "x")
    (tmp_path / "in").mkdir()
    offline.unpack(evil, tmp_path / "in")
    assert (tmp_path / "in" / "outside.whl").is_file() and not (tmp_path / "outside.whl").exists()


def test_a_wheels_license_and_sizes_are_read(tmp_path):
    row, unpacked = describe(make_wheel(tmp_path, "tinyone", "1.0", payload=5000))
    assert row["name"] == "tinyone" and row["license"] == "MIT" and 5000 < unpacked < 6000
