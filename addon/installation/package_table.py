"""What a set-up brings: sizes and licenses by platform and device, as measured by `python -m release.package_table`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("packages.json")


@dataclass(frozen=True)
class Package:
    """One package. license: as its own metadata says it."""

    name: str
    version: str
    license: str
    mb: float


@dataclass(frozen=True)
class Bill:
    """What a device needs. is_measured: false where only another device's list is known."""

    packages: list[Package]
    download_mb: float
    installed_mb: float
    is_measured: bool = True

    def by_license(self) -> dict[str, list[str]]:
        """License -> names, the license of most packages first."""
        found: dict[str, list[str]] = {}
        for package in self.packages:
            found.setdefault(package.license, []).append(package.name)
        return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def read_bill(tag: str, device: str, file: Path = FILE) -> Bill:
    """The list for a platform and device, else the nearest one known. Raises OSError, ValueError."""
    table = json.loads(file.read_text(encoding="utf-8"))
    key = f"{tag}-{device}"
    said = table.get(key) or table[f"linux-x86_64-{device}" if f"linux-x86_64-{device}" in table else "linux-x86_64-cpu"]
    return Bill([Package(**package) for package in said["packages"]], said["download_mb"], said["installed_mb"], key in table)
