"""Makes the bundle for machines without a network: the extension with every package beside it, for one platform and device.

Blender installs it like the extension itself; *Install from File* in the preferences takes it too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from addon.installation.devices import platform_tag, torch_requirement
from addon.installation.offline import CARD, FOLDER, python_version
from addon.installation.place import requirement_lines

from .extension import EPOCH, IDENTIFIER, read_version


class NoPackages(Exception):
    """pip could not bring the packages."""


def download_wheels(root: Path, target: Path, device: str) -> list[Path]:
    """Let pip bring the requirements for this platform into an empty `target`. Raises NoPackages, OSError."""
    lines = [torch_requirement(line, device, platform_tag()) if line.startswith("torch==") else line
             for line in requirement_lines(root / "requirements.txt")]
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
               "-d", str(target), *lines]
    if subprocess.run(command, check=False).returncode:
        raise NoPackages("The packages of the bundle could not be downloaded; pip's message is above.")
    return sorted(target.glob("*.whl"))


def build_bundle(root: Path, extension: Path, wheels: list[Path], out_dir: Path, device: str) -> Path:
    """Put the extension's zip and the wheels into `photo_to_terrain-VERSION-offline-PLATFORM-DEVICE.zip`. Raises OSError."""
    target = out_dir / f"{IDENTIFIER}-{read_version(root)}-offline-{platform_tag()}-{device}.zip"
    card = {"platform": platform_tag(), "python": python_version(), "device": device, "wheels": len(wheels),
            "mb": round(sum(wheel.stat().st_size for wheel in wheels) / 1e6)}
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(extension) as source, zipfile.ZipFile(unfinished, "w") as archive:
        for entry in source.infolist():
            archive.writestr(entry, source.read(entry))
        archive.writestr(zipfile.ZipInfo(f"{IDENTIFIER}/{FOLDER}/{CARD}", EPOCH), json.dumps(card, indent=1))
        for wheel in wheels:    # packed already
            entry = zipfile.ZipInfo(f"{IDENTIFIER}/{FOLDER}/{wheel.name}", EPOCH)
            entry.external_attr = 0o644 << 16
            entry.file_size = wheel.stat().st_size
            with wheel.open("rb") as content, archive.open(entry, "w") as packed:
                shutil.copyfileobj(content, packed, 2**20)
    unfinished.replace(target)
    return target
