"""Makes the zip that users install. Standard library only; the same sources give the same bytes.

Everything lies in one folder, `photo_to_terrain`: Blender 4.2 and newer look for the manifest there, and older ones
take such a zip as a plain add-on.
"""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

IDENTIFIER = "photo_to_terrain"

PACKAGES = ("addon", "backend", "kernels")

LEFT_OUT = ("backend/training", "backend/evaluation")
"""Needed to make the networks, not to use them."""

SUFFIXES = {".py", ".safetensors", ".json", ".md", ".txt", ".toml"}

EXTRA = {"LICENSE": "LICENSE", "requirements.txt": "requirements.txt"}

MANIFEST = "addon/blender_manifest.toml"

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip, so that its bytes depend on nothing but the sources."""


class IncompleteSources(Exception):
    """Something that belongs into the zip is not there."""


def build_zip(root: Path, out_dir: Path) -> Path:
    """Make `photo_to_terrain-VERSION.zip` from the repository at `root`. Raises IncompleteSources, OSError."""
    version = read_version(root)
    out_dir.mkdir(parents=True, exist_ok=True)
    target = out_dir / f"{IDENTIFIER}-{version}.zip"
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(contents(root, version)):
            entry = zipfile.ZipInfo(f"{IDENTIFIER}/{name}", EPOCH)
            entry.external_attr = 0o644 << 16
            is_packed_already = name.endswith(".safetensors")
            entry.compress_type = zipfile.ZIP_STORED if is_packed_already else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    unfinished.replace(target)
    return target


def contents(root: Path, version: str) -> Iterator[tuple[str, bytes]]:
    """Name in the extension's folder and bytes of every file."""
    yield "__init__.py", with_version((root / "release" / "zip_root.py").read_text(encoding="utf-8"), version).encode()
    yield "blender_manifest.toml", manifest(root, version).encode()
    for name, source in EXTRA.items():
        yield name, (root / source).read_bytes()
    for package in PACKAGES:
        for path in (root / package).rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name != MANIFEST and belongs(PurePosixPath(name)):
                yield name, path.read_bytes()


def belongs(name: PurePosixPath) -> bool:
    """Whether a file is part of what users install."""
    if any(part == "__pycache__" or part.startswith(".") for part in name.parts):
        return False
    if any(name.is_relative_to(folder) for folder in LEFT_OUT):
        return False
    return name.suffix in SUFFIXES


def read_version(root: Path) -> str:
    """The product's version. Raises IncompleteSources."""
    tree = ast.parse((root / "backend" / "contract" / "version.py").read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "VERSION":
            return str(ast.literal_eval(statement.value))
    raise IncompleteSources("backend/contract/version.py does not say VERSION.")


def with_version(source: str, version: str) -> str:
    """The root module with the version in `bl_info`. Raises IncompleteSources."""
    numbers = ", ".join(re.findall(r"\d+", version)[:3])
    changed, count = re.subn(r'"version": \(.*?\)', f'"version": ({numbers})', source)
    if count != 1:
        raise IncompleteSources("release/zip_root.py has no version to replace.")
    return changed


def manifest(root: Path, version: str) -> str:
    """The manifest with the product's version. Raises IncompleteSources."""
    source = (root / MANIFEST).read_text(encoding="utf-8")
    changed, count = re.subn(r'(?m)^version = ".*"$', f'version = "{version}"', source)
    if count != 1:
        raise IncompleteSources(f"{MANIFEST} has no version to replace.")
    return changed
