"""Finds out whether an environment is whole: every file that pip has written, then whether the packages load.

Runs with the environment's own Python: `python -m addon.installation.health` prints one JSON line.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import sys
from pathlib import Path

IMPORTS = {"scikit-learn": "sklearn", "pillow": "PIL"}
"""Where a package's module is not named like the package."""

UNCHECKED = {"pip", "setuptools"}


def normal(name: str) -> str:
    """A package's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def incomplete_packages() -> dict[str, str]:
    """Installed packages of which a file is missing or has another size: name -> version."""
    broken = {}
    for package in importlib.metadata.distributions():
        name = normal(package.metadata["Name"] or "")
        if name in UNCHECKED:
            continue
        files = package.files
        if files is None or any(not _is_whole(f) for f in files if f.suffix != ".pyc" and f.size is not None):
            broken[name] = package.version
    return broken


def _is_whole(file: importlib.metadata.PackagePath) -> bool:
    try:
        return Path(str(file.locate())).stat().st_size == file.size
    except OSError:
        return False


def missing_packages(lines: list[str]) -> dict[str, str]:
    """Of `name==version` lines, those that are not installed in that version (a +suffix does not count)."""
    absent = {}
    for line in lines:
        name, _, wanted = line.partition("==")
        try:
            have = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            have = ""
        if have != wanted:
            absent[normal(name)] = wanted
    return absent


def unloadable_packages(names: list[str]) -> dict[str, str]:
    """Packages whose module cannot be imported: name -> the reason."""
    failed = {}
    for name in names:
        try:
            importlib.import_module(IMPORTS.get(name, name.replace("-", "_")))
        except Exception as problem:    # a damaged module may raise anything
            failed[name] = f"{type(problem).__name__}: {problem}".splitlines()[0]
    return failed


def examine(lines: list[str]) -> dict[str, object]:
    """`broken`: name -> what is wrong; `cuda`, `hip`: versions PyTorch was built for, `gpu`: whether it can use one."""
    broken = dict.fromkeys(missing_packages(lines), "is not installed")
    broken.update(dict.fromkeys(incomplete_packages(), "has lost files"))
    if not broken:    # else others that need a damaged one would be blamed too
        names = [normal(line.partition("==")[0]) for line in lines]
        broken.update({name: f"does not load ({why})" for name, why in unloadable_packages(names).items()})
    torch = sys.modules.get("torch")
    version = getattr(torch, "version", None)
    cuda = getattr(torch, "cuda", None)
    return {"broken": broken, "cuda": getattr(version, "cuda", None), "hip": getattr(version, "hip", None),
            "gpu": bool(cuda and cuda.is_available())}


if __name__ == "__main__":
    print(json.dumps(examine(sys.argv[1:])))
