"""Runs pip and turns what it says into steps. pip is never asked to show a bar: what has arrived is measured on the disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .place import Place, size_of

LOOK_EVERY_S = 0.3

OURS = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PIP_NO_CACHE_DIR", "PIP_REQUIREMENT",
        "PIP_CONSTRAINT", "PIP_DRY_RUN", "PIP_LOG", "PIP_QUIET", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
"""A user's variables that would send the packages elsewhere; the addresses of indexes stay."""

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

NETWORK_SIGNS = ("NewConnectionError", "Max retries exceeded", "ProxyError", "Read timed out", "ConnectTimeoutError",
                 "ConnectionError", "connection broken", "Temporary failure in name resolution", "IncompleteRead",
                 "Could not fetch URL")

SIZE = re.compile(r"Downloading (\S+)(?: \(([\d.]+) ([kMG]?B)\))?")


class StepFailed(Exception):
    """A step of the set-up has failed; the sentence is for the artist."""


def surroundings(place: Place, extra_index: str) -> dict[str, str]:
    """The environment variables of every process that the set-up starts."""
    ours = {name: value for name, value in os.environ.items() if name not in OURS}
    ours.update(PIP_CACHE_DIR=str(place.downloads / "cache"), PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1",
                PYTHONUTF8="1", PYTHONNOUSERSITE="1", PIP_PROGRESS_BAR="off",
                TMPDIR=str(place.work), TEMP=str(place.work), TMP=str(place.work))
    if extra_index.strip():
        ours["PIP_EXTRA_INDEX_URL"] = " ".join(filter(None, [ours.get("PIP_EXTRA_INDEX_URL", ""), extra_index.strip()]))
    return ours


def run(command: list[str], place: Place, extra_index: str, look: Callable[[str], None], pause: float = LOOK_EVERY_S) -> str:
    """Run a command, its output to the log; call `look` with what it has said so far about every `pause` seconds.

    Returns all that it has said. Raises StepFailed with a sentence, OSError.
    """
    place.log.parent.mkdir(parents=True, exist_ok=True)
    start = place.log.stat().st_size if place.log.exists() else 0
    with place.log.open("ab") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                 env=surroundings(place, extra_index), creationflags=NO_WINDOW, cwd=str(place.data))
        while child.poll() is None:
            look(said_since(place.log, start))
            time.sleep(pause)
    said = said_since(place.log, start)
    if child.returncode:
        raise StepFailed(sentence_for(said, child.returncode))
    return said


def said_since(log: Path, start: int) -> str:
    """The log from a byte on."""
    with log.open("rb") as source:
        source.seek(start)
        return source.read().decode("utf-8", "replace")


def downloading(said: str) -> str:
    """What pip fetches at the moment: `torch 192.4 MB`, or nothing."""
    found = list(SIZE.finditer(said))
    if not found:
        return ""
    name = found[-1].group(1).rpartition("/")[2].partition("-")[0].replace("_", "-")
    return f"{name} {found[-1].group(2)} {found[-1].group(3)}" if found[-1].group(2) else name


def arrived_bytes(place: Place) -> int:
    """Bytes of finished and unfinished downloads, without pip's cache, which holds them once more."""
    return size_of(place.downloads) - size_of(place.downloads / "cache") + size_of(place.work)


def sentence_for(said: str, code: int) -> str:
    """What to tell the artist about pip's failure."""
    if "No space left" in said or "not enough space" in said:
        return "The disk is full. Make room and press Set Up again; finished downloads are kept."
    if any(sign in said for sign in NETWORK_SIGNS):
        return ("The packages cannot be reached. Check the connection and press Set Up again (finished downloads are kept), or "
                "use an offline bundle.")
    missing = re.search(r"No matching distribution found for (\S+)", said)
    if missing and missing.group(1).startswith("torch==") and "+cpu" in missing.group(1):
        return ("PyTorch's small CPU build is in none of pip's package indexes. Enter the address of PyTorch's CPU index as Extra "
                "Package Index, use an offline bundle, or choose NVIDIA (much larger; it works without a card too).")
    if missing:
        return (f"There is no {missing.group(1)} for this machine in pip's package indexes. Use an offline bundle, or enter the "
                "address of one that has it as Extra Package Index.")
    if "No module named ensurepip" in said or "ensurepip is not" in said or "No module named venv" in said:
        return "The Python found here cannot make environments. On Debian and Ubuntu, install python3-venv."
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["no reason given"]
    return f"A step of the set-up failed (exit code {code}): {errors[-1][:200]}"


def pip(python: Path, *arguments: str) -> list[str]:
    """A pip command of the environment."""
    return [str(python), "-I", "-X", "utf8", "-m", "pip", *arguments]


def making(base: Path, environment: Path) -> list[str]:
    """The command that makes an environment with pip in it; made again, only its links are renewed."""
    links = [] if sys.platform == "win32" else ["--symlinks"]
    return [str(base), "-I", "-m", "venv", *links, str(environment)]
