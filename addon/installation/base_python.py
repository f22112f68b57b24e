"""Finds a Python that can make the environment: Blender's own where it is new enough, else one of the system."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
"""The versions for which every pinned package has wheels."""

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

ASK_PATIENCE_S = 10.0


class NoPython(Exception):
    """There is none; the sentence says what to do."""


def find_base_python() -> Path:
    """A Python from OLDEST to NEWEST. Starts processes: not for drawing. Raises NoPython."""
    if OLDEST <= sys.version_info[:2] <= NEWEST and Path(sys.executable).name.lower().startswith("python"):
        return Path(sys.executable)
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return Path(found)
        launcher = shutil.which("py") if sys.platform == "win32" else None
        said = launcher and _executable_of([launcher, f"-3.{minor}"])
        if said:
            return Path(said)
    raise NoPython(f"This Blender brings Python {sys.version_info[0]}.{sys.version_info[1]} and the backend needs 3.11 to 3.13: "
                   "use Blender 4.2 or newer, or install Python 3.11.")


def _executable_of(command: list[str]) -> str:
    try:
        return subprocess.run([*command, "-I", "-c", "import sys; print(sys.executable)"], capture_output=True, text=True,
                              timeout=ASK_PATIENCE_S, check=True, stdin=subprocess.DEVNULL,
                              creationflags=NO_WINDOW).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
