"""`python -m backend doctor` and `models`: what this machine can do, which networks are here. Loads nothing heavy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .cache import file_hash
from .contract.settings import TerrainSettings
from .contract.version import VERSION
from .memory import needed_gb, total_and_free_gb

WEIGHTS_FOLDER = Path(__file__).resolve().parent / "networks" / "weights"

BUNDLED = {
    "scene": "masks, distances, camera, slope and relief from one picture",
    "terrain": "completes and polishes heights",
}
"""Networks that come with the program: name -> what for."""

PACKAGES = ("numpy", "scipy", "numba", "torch", "scikit-learn", "rasterio", "pillow", "safetensors")


@dataclass(frozen=True)
class NetworkFile:
    """A bundled network as it lies on this disk. sha256 and size_mb are None where the file is missing."""

    name: str
    purpose: str
    path: Path
    size_mb: float | None
    sha256: str | None
    license: str

    def size_text(self) -> str:
        """Size for people, or that the file is missing."""
        return f"{self.size_mb:.1f} MB" if self.size_mb is not None else "MISSING"


def bundled_networks() -> list[NetworkFile]:
    """Every network that should be here, found or not."""
    found = []
    for name, purpose in BUNDLED.items():
        path = WEIGHTS_FOLDER / f"{name}.safetensors"
        there = path.is_file()
        found.append(NetworkFile(name, purpose, path, path.stat().st_size / 1e6 if there else None,
                                 file_hash(path) if there else None, license_of(path.with_suffix(".md"))))
    return found


def license_of(card: Path) -> str:
    """The license a model card names, or a word that it does not."""
    try:
        text = card.read_text(encoding="utf-8")
    except OSError:
        return "no model card"
    line = re.search(r"^\W*(?:license|licence)\W*(.+)$", text, re.MULTILINE | re.IGNORECASE)
    return line.group(1).strip(" *|") if line else f"see {card.name}"


def print_machine() -> None:
    """Versions, device, memory, and what is missing."""
    total, free = total_and_free_gb()
    resolution = max(n for n in (128, 256, 512, 1024, 2048, 4096) if n == 128 or needed_gb(n) < free or free == 0)
    rows = [
        ("Photo to Terrain", VERSION),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *((package, package_version(package)) for package in PACKAGES),
        ("device", machine.likely_device()),
        ("threads", str(machine.physical_cores())),
        ("memory", f"{free:.1f} GB free of {total:.1f} GB" if total else "not known"),
        ("resolution", f"up to {resolution} (default {TerrainSettings().resolution})"),
        ("compiled kernels", os.environ.get("NUMBA_CACHE_DIR", "beside their sources")),
        *((f"{n.name} network", n.size_text()) for n in bundled_networks()),
    ]
    print_rows(rows)


def print_models() -> None:
    """Name, purpose, size, license and hash of each bundled network."""
    for network in bundled_networks():
        print_rows([
            ("name", network.name), ("purpose", network.purpose), ("file", str(network.path)),
            ("size", network.size_text()),
            ("license", network.license), ("sha256", network.sha256 or "-"), ("", ""),
        ])


def package_version(package: str) -> str:
    """The installed version, or that there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "MISSING"


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Two columns."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}".rstrip())
