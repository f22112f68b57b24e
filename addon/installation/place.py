"""Where the backend's environment lies, and in which state it is.

    DATA/environment/          the environment; complete only when the stamp lies in it
    DATA/environment/stamp.json    written last
    DATA/downloads/            finished downloads; kept after a cancel, removed after success
    DATA/work/                 pip's unfinished files; emptied at each start
    DATA/setup.log             everything pip has said
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ABSENT, UNFINISHED, OUTDATED, MOVED, READY = "absent", "unfinished", "outdated", "moved", "ready"


@dataclass(frozen=True)
class Place:
    """The folder for everything that Set Up makes. Nothing is written outside of it."""

    data: Path

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.data / "environment"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def stamp(self) -> Path:
        """Tells that the environment is complete, and of what."""
        return self.environment / "stamp.json"

    @property
    def downloads(self) -> Path:
        """Finished wheels and pip's cache."""
        return self.data / "downloads"

    @property
    def work(self) -> Path:
        """Unfinished files."""
        return self.data / "work"

    @property
    def log(self) -> Path:
        """What pip has said."""
        return self.data / "setup.log"

    def read_stamp(self) -> dict[str, Any]:
        """What the stamp says; empty where there is none that can be read."""
        try:
            said = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def write_stamp(self, said: dict[str, Any]) -> None:
        """Declare the environment complete. Raises OSError."""
        partial = self.stamp.with_suffix(".part")
        partial.write_text(json.dumps(said, indent=1), encoding="utf-8")
        partial.replace(self.stamp)

    def state(self, requirements: Path) -> str:
        """ABSENT, UNFINISHED (an interrupted set-up), OUTDATED (other requirements), MOVED (its Python is gone) or READY."""
        said = self.read_stamp()
        if not said:
            return UNFINISHED if self.environment.exists() or self.downloads.exists() else ABSENT
        if said.get("requirements") != fingerprint(requirements):
            return OUTDATED
        return READY if self.python.is_file() else MOVED    # a link whose target is gone is no file

    def size_bytes(self) -> int:
        """What removing it all would free."""
        return size_of(self.environment) + size_of(self.downloads) + size_of(self.work)

    def remove(self) -> int:
        """Take everything away again; returns the bytes freed. Raises OSError."""
        freed = self.size_bytes()
        self.stamp.unlink(missing_ok=True)    # first: what is half gone must not look complete
        for folder in (self.environment, self.downloads, self.work):
            if folder.exists():
                shutil.rmtree(folder)
        self.log.unlink(missing_ok=True)
        return freed


def fingerprint(requirements: Path) -> str:
    """A hash of the requirements that does not depend on comments. Raises OSError."""
    return hashlib.sha256("\n".join(requirement_lines(requirements)).encode()).hexdigest()


def requirement_lines(requirements: Path) -> list[str]:
    """`name==version` of each line of the file. Raises OSError."""
    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed; 0 where it is not there."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    total += size_of(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else \
                        entry.stat(follow_symlinks=False).st_size
                except OSError:    # pip moves its files while we count
                    continue
    except OSError:
        return total
    return total
