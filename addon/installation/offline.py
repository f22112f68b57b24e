"""The offline bundle: wheels for one platform, in a zip or in the add-on's own folder, with a card that says for which."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from .devices import platform_tag

FOLDER = "offline"
"""Inside the extension's folder."""

CARD = "bundle.json"


class BadBundle(Exception):
    """The file is no bundle, or one for another machine; the sentence says which."""


def included(root: Path) -> Path | None:
    """The bundle that came with the add-on, if it came with one."""
    folder = root / FOLDER
    return folder if (folder / CARD).is_file() else None


def read_card(bundle: Path) -> dict[str, Any]:
    """What a bundle says about itself: platform, python, device, size. Raises BadBundle."""
    try:
        if bundle.is_dir():
            return json.loads((bundle / CARD).read_text(encoding="utf-8"))
        with zipfile.ZipFile(bundle) as archive:
            name = next(n for n in archive.namelist() if PurePosixPath(n).name == CARD)
            return json.loads(archive.read(name))
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile) as problem:
        raise BadBundle(f"{bundle.name} is no offline bundle of Photo to Terrain. "
                        "Choose a file named photo_to_terrain-VERSION-offline-PLATFORM.zip.") from problem


def check(card: dict[str, Any], python: str, tag: str | None = None) -> None:
    """Whether a bundle is for this platform and the Python ("3.11") that will run it. Raises BadBundle."""
    here = tag or platform_tag()
    if card.get("platform") != here:
        raise BadBundle(f"This bundle is for {card.get('platform')} and this machine is {here}. Get the bundle for {here}.")
    if card.get("python") != python:
        raise BadBundle(f"This bundle is for Python {card.get('python')} and the one here is {python}. "
                        f"Get the bundle for {python}.")


def unpack(bundle: Path, target: Path) -> int:
    """Put the wheels into `target`; returns how many. Raises BadBundle, OSError."""
    read_card(bundle)
    if bundle.is_dir():
        wheels = list(bundle.glob("*.whl"))
        for wheel in wheels:
            shutil.copyfile(wheel, target / wheel.name)
        return len(wheels)
    count = 0
    try:
        with zipfile.ZipFile(bundle) as archive:
            for entry in archive.infolist():
                name = PurePosixPath(entry.filename).name    # never a path: a zip could name one outside of the folder
                if name.endswith(".whl"):
                    with archive.open(entry) as source, (target / name).open("wb") as out:
                        shutil.copyfileobj(source, out, 2**20)
                    count += 1
    except zipfile.BadZipFile as problem:
        raise BadBundle(f"{bundle.name} is damaged ({problem}). Copy it again.") from problem
    if not count:
        raise BadBundle(f"{bundle.name} holds no packages. Get the offline bundle again.")
    return count


def python_version(version: tuple[int, ...] = sys.version_info[:2]) -> str:
    """For example "3.11"."""
    return f"{version[0]}.{version[1]}"
