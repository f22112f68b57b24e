"""The set-up itself, a process of its own: `python -c RUN ROOT REQUEST`, one JSON line for each piece of news.

    {"fraction": 0.4, "label": "Downloading torch, package 5 of 9", "text": "61 of 330 MB"}
    {"done": true, "notes": ["..."], "broken": {"numpy": "has lost files"}}        or        {"error": "a sentence"}

It ends with everything it has started when its stdin closes, also when Blender crashes. The stamp is written last.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import devices, pip_runner
from .offline import BadBundle, check, python_version, read_card, unpack
from .pip_runner import StepFailed
from .place import Place, fingerprint, requirement_lines, size_of

MADE, DOWNLOADED, INSTALLED = 0.05, 0.6, 0.92
"""Fractions at the end of each phase."""

REPAIRS = 2
"""The first round puts lost files back, the second what then still does not load."""

DOCTOR = "import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('backend', run_name='__main__', alter_sys=True)"
HEALTH = ("import sys, runpy; sys.path.insert(0, sys.argv.pop(1)); "
          "runpy.run_module('addon.installation.health', run_name='__main__', alter_sys=True)")


@dataclass(frozen=True)
class Request:
    """What is to be done. task: install, verify, repair or remove.   base: Python that makes the environment.

    bundle: a zip or folder of wheels instead of the network.   download_mb, installed_mb: expected, for the bar.
    """

    task: str
    root: Path
    data: Path
    base: Path
    device: str
    bundle: Path | None = None
    extra_index: str = ""
    download_mb: float = 400.0
    installed_mb: float = 1200.0

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> Request:
        """From JSON."""
        paths = {name: Path(said[name]) for name in ("root", "data", "base")}
        return cls(**{**said, **paths, "bundle": Path(said["bundle"]) if said.get("bundle") else None})


def tell(**news: Any) -> None:
    """One line for Blender."""
    print(json.dumps(news), flush=True)


def show(fraction: float, label: str, text: str = "") -> None:
    """News of the bar."""
    tell(fraction=round(fraction, 4), label=label, text=text)


class Worker:
    """Does what a request asks for."""

    def __init__(self, request: Request):
        self.ask = request
        self.place = Place(request.data)
        self.requirements = request.root / "requirements.txt"
        self.lines = requirement_lines(self.requirements)
        self.device = request.device
        if request.bundle:
            card = read_card(request.bundle)
            check(card, python_version())
            self.device = card["device"]

    def install(self) -> None:
        """Make the environment from nothing; a finished download is not fetched again."""
        self._clear_work()
        self.place.stamp.unlink(missing_ok=True)
        show(0.0, "Making a Python environment")
        shutil.rmtree(self.place.environment, ignore_errors=True)
        self._run(pip_runner.making(self.ask.base, self.place.environment), lambda said: None)
        self._fetch(self._wanted())
        self._install(self._wanted(), "--upgrade")
        self.finish()

    def repair(self) -> None:
        """Put back what is missing or broken, and only that."""
        self._clear_work()
        stamp = self.place.read_stamp()
        self.place.stamp.unlink(missing_ok=True)
        if not stamp or stamp.get("python") != python_version():
            self.install()
            return
        show(0.0, "Renewing the links to Python")
        for link in self.place.python.parent.glob("python*"):    # venv leaves links alone, also those that lead nowhere
            link.unlink()
        self._run(pip_runner.making(self.ask.base, self.place.environment), lambda said: None)
        for _ in range(REPAIRS):
            show(MADE, "Looking for damage")
            broken = dict(self._examine()["broken"])
            if not broken:
                break
            whole = {line.partition("==")[0].lower(): line for line in self._wanted()}
            wanted = [whole.get(name, f"{name}=={stamp.get('packages', {}).get(name)}") for name in broken]
            wanted = [line for line in wanted if not line.endswith("==None")]
            self._fetch(wanted, "--no-deps")
            self._install(wanted, "--force-reinstall", "--no-deps")
        self.finish()

    def verify(self) -> None:
        """Say in words what is broken; changes nothing."""
        show(0.1, "Checking every file")
        found = self._examine()
        broken = dict(found["broken"])
        tell(done=True, broken=broken, notes=self._sentences(found))

    def remove(self) -> None:
        """Take everything away."""
        show(0.2, "Removing")
        tell(done=True, broken={}, notes=[f"{self.place.remove() / 1e6:.0f} MB were freed."])

    def finish(self) -> None:
        """Check, then write the stamp and drop the downloads."""
        show(INSTALLED, "Checking the installation")
        found = self._examine()
        broken = dict(found["broken"])
        if broken:
            name, why = next(iter(broken.items()))
            raise StepFailed(f"{name} {why}. Press Repair; setup.log says more.")
        if not devices.fits(self.device, found["cuda"], found["hip"]):
            raise StepFailed("The PyTorch that came is not built for this card. Check the Extra Package Index, or choose CPU.")
        self.place.write_stamp({"requirements": fingerprint(self.requirements), "device": self.device,
                                "base": str(self.ask.base), "python": python_version(), "packages": self._packages(),
                                "mb": round(size_of(self.place.environment) / 1e6)})
        notes = self._sentences(found)
        shutil.rmtree(self.place.downloads, ignore_errors=True)
        self._clear_work()
        tell(done=True, broken={}, notes=notes)

    def _wanted(self) -> list[str]:
        """The requirements with the right build of torch."""
        tag = devices.platform_tag()
        return [devices.torch_requirement(line, self.device, tag) if line.startswith("torch==") else line
                for line in self.lines]

    def _fetch(self, wanted: list[str], *options: str) -> None:
        """Get the wheels into the downloads' folder: from a bundle, or package by package from pip's indexes."""
        self.place.downloads.mkdir(parents=True, exist_ok=True)
        if self.ask.bundle:
            show(MADE, "Unpacking the offline bundle")
            unpack(self.ask.bundle, self.place.downloads)
            return
        constraints = self.place.work / "constraints.txt"
        total = self.ask.download_mb
        for number, line in enumerate(wanted, 1):
            name = line.partition("==")[0]
            others = [other for other in self.lines if not other.startswith(f"{name}==")]
            constraints.write_text("\n".join(others), encoding="utf-8")
            label = f"Downloading {name}, package {number} of {len(wanted)}"

            def look(said: str, label: str = label) -> None:
                arrived = pip_runner.arrived_bytes(self.place) / 1e6
                now = pip_runner.downloading(said)
                share = min(1.0, arrived / max(total, arrived, 1.0))
                text = f"{arrived:.0f} of about {total:.0f} MB" + (f": {now}" if now else "")
                show(MADE + (DOWNLOADED - MADE) * share, label, text)

            self._run(pip_runner.pip(self.place.python, "download", *options, "--only-binary=:all:",
                                     "-d", str(self.place.downloads), "--find-links", self.place.downloads.as_uri(),
                                     "-c", str(constraints), line), look)

    def _install(self, wanted: list[str], *options: str) -> None:
        """Install from the downloads' folder alone."""
        def look(said: str) -> None:
            there = size_of(self.place.environment) / 1e6
            share = min(1.0, there / max(self.ask.installed_mb, 1.0))
            show(DOWNLOADED + (INSTALLED - DOWNLOADED) * share, "Installing",
                 f"{there:.0f} of about {self.ask.installed_mb:.0f} MB on the disk")

        self._run(pip_runner.pip(self.place.python, "install", "--no-index", "--only-binary=:all:", "--no-compile", *options,
                                 "--find-links", self.place.downloads.as_uri(), *wanted), look, 1.0)

    def _run(self, command: list[str], look: Any, pause: float = pip_runner.LOOK_EVERY_S) -> None:
        pip_runner.run(command, self.place, self.ask.extra_index, look, pause)

    def _clear_work(self) -> None:
        shutil.rmtree(self.place.work, ignore_errors=True)
        self.place.work.mkdir(parents=True, exist_ok=True)

    def _examine(self) -> dict[str, Any]:
        done = self._ask_environment(HEALTH, *self.lines)
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError) as problem:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StepFailed(f"The environment's Python does not run ({last[:150]}). Press Repair.") from problem

    def _sentences(self, found: dict[str, Any]) -> list[str]:
        """What the artist reads after a check: what is broken, then the backend's own view of this machine."""
        notes = [f"{name} {why}." for name, why in found["broken"].items()]
        done = self._ask_environment(DOCTOR, "doctor")
        if done.returncode:
            notes.append(f"The backend does not start: {(done.stderr.strip().splitlines() or ['no reason given'])[-1][:150]}")
        return notes + [line.strip() for line in done.stdout.splitlines() if line.strip()]

    def _packages(self) -> dict[str, str]:
        code = ("import importlib.metadata as m, json; "
                "print(json.dumps({d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}))")
        done = self._ask_environment("import sys; sys.argv.pop(1); " + code)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def _ask_environment(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.place.python), "-I", "-X", "utf8", "-c", code, str(self.ask.root), *arguments]
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
                                  check=False, creationflags=pip_runner.NO_WINDOW, cwd=str(self.place.data))
        except OSError as problem:
            raise StepFailed(f"The environment's Python does not run ({problem}). Press Repair.") from problem


def end_with_parent() -> None:
    """Kill everything when stdin closes: nobody is there any more. Runs in a thread."""
    while os.read(0, 4096):    # not sys.stdin: its lock must be free when the interpreter ends
        pass
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(os.getpid())], check=False, capture_output=True)
        os._exit(1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> int:
    """Do what the request in argv asks for; 0 when it is done, 1 with an error told."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    request = Request.from_dict(json.loads(sys.argv[1]))
    try:
        request.data.mkdir(parents=True, exist_ok=True)
        getattr(Worker(request), request.task)()
    except (StepFailed, BadBundle) as problem:
        tell(error=str(problem))
    except (OSError, zipfile.BadZipFile) as problem:
        tell(error=f"The add-on's folder {request.data} cannot be written or read ({problem}).")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
