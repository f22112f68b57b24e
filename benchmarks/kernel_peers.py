"""Libraries that our kernels are measured against, each in an environment of its own, since some disagree about versions.

    python -m benchmarks.kernel_peers list
    python -m benchmarks.kernel_peers install [--into .venvs/peers] [--only richdem2 topotoolbox]

GDAL is not installed by pip: its program gdal_viewshed is found on the PATH and its Python bindings in the system's Python
(Debian and Ubuntu: apt-get install gdal-bin python3-gdal). fastflowx is built from source where there is a GPU, with
--only fastflowx.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venvs" / "peers"
TASKS = {
    "breach": "breach: carve a way out of every depression",
    "resolve": "breach + fill + mean depression depth",
    "fill": "fill",
    "accumulate": "flow accumulation from the raw terrain",
    "view": "view bound, one camera",
    "shadow": "cast shadow",
    "triangles": "surface of triangles to grid",
    "points": "points to grid",
    "slope": "slope",
    "laplacian": "Laplacian",
}


@dataclass(frozen=True)
class Peer:
    """adapter: module of benchmarks.peers.   packages: what pip installs, pinned; empty: nothing pip could install.

    tasks: and the memory each takes at its peak, bytes a cell, rounded up.   largest: cells a side beyond which a task would
    take minutes a run.
    """

    name: str
    packages: tuple[str, ...]
    tasks: dict[str, int] = field(default_factory=dict)
    adapter: str = ""
    environment: str = ""
    optional: bool = False
    largest: dict[str, int] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.adapter or self.name


PEERS = (
    Peer("richdem2", ("numpy", "richdem2==2.4.3"), {"breach": 35, "resolve": 40, "fill": 30, "accumulate": 60, "slope": 20}),
    Peer(
        "topotoolbox",
        ("numpy", "topotoolbox==0.0.12"),
        {"breach": 80, "resolve": 80, "fill": 45, "accumulate": 80, "slope": 20},
    ),
    Peer("fastscapelib", ("numpy", "numba", "fastscapelib==0.3.0"), {"breach": 260, "fill": 260, "accumulate": 260}),
    Peer(
        "whitebox",
        ("numpy", "whitebox-workflows==2.0.6"),
        {"breach": 80, "fill": 80, "accumulate": 100, "shadow": 60, "slope": 60},
        largest={"shadow": 1024},
    ),
    Peer("gdal", (), {"view": 40, "slope": 30}),
    Peer("gdal_program", (), {"view": 40}),
    Peer("insolation", ("numpy", "numba", "scipy", "insolation==0.1.9"), {"shadow": 60}),
    Peer("datashader", ("numpy", "pandas", "datashader==0.19.1"), {"points": 60, "triangles": 90}),
    Peer("scipy", ("numpy", "scipy"), {"points": 60, "laplacian": 30}, environment="datashader"),
    Peer("fastflowx", ("numpy", "torch", "fastflowx==0.1.0"), {"breach": 40, "fill": 40, "accumulate": 40}, optional=True),
)


def interpreter(peer: Peer, folder: Path = FOLDER) -> Path | None:
    """The Python that has the peer, or None. Whether its package works is found out by running it."""
    if peer.name == "gdal_program":
        return Path(sys.executable)  # its adapter looks for the program
    if peer.name == "gdal":
        return python_with_gdal()
    home = folder / (peer.environment or peer.name)
    for place in ("bin/python", "Scripts/python.exe"):
        if (home / place).exists():
            return home / place
    return None


@functools.cache
def python_with_gdal() -> Path | None:
    """A Python that has GDAL's bindings and NumPy: this one, or one of those called python3 on the PATH."""
    places = [Path(folder) / "python3" for folder in os.environ.get("PATH", "").split(os.pathsep)]
    for candidate in dict.fromkeys([Path(sys.executable), *places]):
        if candidate.exists():
            words = [str(candidate), "-c", "from osgeo import gdal, gdal_array"]
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                return candidate
    return None


def install(peer: Peer, folder: Path) -> None:
    """Create the peer's environment and fill it. Raises CalledProcessError where pip fails."""
    home = folder / (peer.environment or peer.name)
    found = interpreter(peer, folder)
    if found is None:
        venv.create(home, with_pip=True)
        found = interpreter(peer, folder)
    assert found is not None
    subprocess.run([str(found), "-m", "pip", "install", "--quiet", *peer.packages], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Environments of the libraries that the kernels are measured against.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what is installed, and for which tasks")
    installing = commands.add_parser("install", help="create the environments with pip")
    for command in (listing, installing):
        command.add_argument("--into", type=Path, default=FOLDER, help="folder of the environments")
    installing.add_argument("--only", nargs="+", choices=[peer.name for peer in PEERS])
    arguments = parser.parse_args()
    if arguments.command == "list":
        for peer in PEERS:
            state = "installed" if interpreter(peer, arguments.into) else "missing"
            print(f"{peer.name:14}{state:11}{', '.join(peer.tasks):45}{' '.join(peer.packages)}")
        return 0
    failed = []
    for peer in PEERS:
        if peer.packages and (peer.name in arguments.only if arguments.only else not peer.optional):
            print(f"{peer.name}: {' '.join(peer.packages)}", flush=True)
            try:
                install(peer, arguments.into)
            except subprocess.CalledProcessError:
                failed.append(peer.name)
    if python_with_gdal() is None or shutil.which("gdal_viewshed") is None:
        print("GDAL: install gdal-bin and python3-gdal with the system's package manager")
    if failed:
        print(f"not installed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
