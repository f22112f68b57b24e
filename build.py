#!/usr/bin/env python3
"""Everything a person or a machine does with this repository. Standard library only.

    python3 build.py demo [PICTURE] [--out DIR]   a photograph becomes a terrain; sets everything up on the first run
    python3 build.py test                         lint, types, tests, the packaged extension inside each Blender
    python3 build.py package [--out DIR]          make the extension zip and validate it with Blender's own tool
    python3 build.py package --offline            ... and the bundle that also holds every package, for this platform
    python3 build.py setup                        only make the environments

Environments are made with the Python that runs this file (3.11): `.venv` for the backend, `.venvs/blender-X.Y` for
Blender as a module. Once they are made nothing here needs the network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BLENDERS = {"4.2": "bpy==4.2.0", "4.5": "bpy==4.5.15", "5.0": "bpy==5.0.1"}
"""Blender versions the extension is tested on, and the module that provides each."""
DEMO_BLENDER = "4.2"
"""The oldest one writes terrain.blend, so that every later Blender opens it."""
MOST_SUITES = 3
"""Suites that run together, where there are as many cores: each wants up to 3 GB."""
DEMO_PICTURE = ROOT / "examples" / "picos_de_europa.jpg"


class BuildError(Exception):
    """Something a person can fix; the sentence says how."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="build.py", description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    demo_parser = commands.add_parser("demo", help="turn a photograph into a terrain")
    demo_parser.add_argument("picture", nargs="?", type=Path, default=DEMO_PICTURE)
    demo_parser.add_argument("--out", type=Path, default=Path("demo_output"))
    test_parser = commands.add_parser("test", help="lint, types and every test, also inside Blender")
    test_parser.add_argument("--blender", action="append", choices=sorted(BLENDERS), help="only this one; repeatable")
    package_parser = commands.add_parser("package", help="make the extension zip")
    package_parser.add_argument("--out", type=Path, default=ROOT / "dist")
    package_parser.add_argument("--offline", action="store_true", help="also make the bundle that needs no network")
    package_parser.add_argument("--device", choices=("cpu", "cuda", "rocm", "mps"), default="cpu",
                                help="with --offline: what PyTorch is built for (default: cpu)")
    commands.add_parser("setup", help="make the environments and stop")
    arguments, rest = parser.parse_known_args()
    if rest and arguments.command != "demo":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if sys.version_info[:2] != (3, 11):
            raise BuildError(f"This needs Python 3.11, not {sys.version.split()[0]}. Start it as python3.11 build.py.")
        if arguments.command == "demo":
            return demo(arguments.picture, arguments.out, rest)
        if arguments.command == "test":
            return test(arguments.blender or sorted(BLENDERS))
        if arguments.command == "package":
            return package(arguments.out, arguments.device if arguments.offline else None)
        backend_python()
        for version in BLENDERS:
            blender_python(version)
        return 0
    except BuildError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Cancelled.", file=sys.stderr)
        return 130


def demo(picture: Path, out: Path, options: list[str]) -> int:
    """Run the main job on `picture` and write everything a user wants to see into `out`."""
    python = backend_python()
    blender = None
    try:
        blender = blender_python(DEMO_BLENDER)
    except BuildError as problem:
        print(f"{problem} The terrain is made without terrain.blend.", file=sys.stderr)
    outcome = run([python, "-m", "backend", "run", str(picture), "--out", str(out), *options])
    if outcome == 0 and blender:
        outcome = run([blender, "-m", "addon.write_blend", str(out)])
        if outcome == 0:
            print(f"  Blender file  {out / 'terrain.blend'}")
    return outcome


def test(blenders: list[str]) -> int:
    """Run every check. Lint, types and the package come first; then the suites, as many at once as there are cores."""
    python = backend_python(extras=True)
    for name, command in (("lint", [python, "-m", "ruff", "check", "."]), ("types", [python, "-m", "mypy"])):
        say(name)
        if run(command):
            raise BuildError(f"The {name} check failed; its output is above.")
    if package(ROOT / "dist"):
        raise BuildError("The extension zip was refused by Blender's validator; its output is above.")
    suites: dict[str, list[object]] = {"tests": [python, "-m", "pytest", "tests"]}
    for version in blenders:
        suites[f"tests inside Blender {version}"] = [blender_python(version), "-m", "pytest", "-q", "blender_tests"]
    os.environ["PHOTO_TO_TERRAIN_PYTHON"] = str(python)
    failed = run_side_by_side(suites, min(MOST_SUITES, os.cpu_count() or 1))
    if failed:
        raise BuildError(f"Failed: {', '.join(failed)}. The output is above.")
    say("all green")
    return 0


def run_side_by_side(commands: dict[str, list[object]], at_once: int) -> list[str]:
    """Run named commands, `at_once` of them together; the output of each is printed when it ends. Returns those that failed."""
    waiting, failed = list(commands.items()), []
    running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    name, command = waiting.pop(0)
                    say(f"{name}: started")
                    output = Path(folder, str(len(waiting)))
                    with output.open("wb") as file:
                        running[name] = subprocess.Popen([str(part) for part in command], env=surroundings(), stdout=file,
                                                         stderr=subprocess.STDOUT), output
                time.sleep(0.2)
                for name in [name for name, (process, _) in running.items() if process.poll() is not None]:
                    process, output = running.pop(name)
                    say(f"{name}: {'failed' if process.returncode else 'passed'}")
                    print(output.read_text(encoding="utf-8", errors="replace"), flush=True)
                    failed += [name] if process.returncode else []
        finally:
            for process, _ in running.values():    # interrupted
                process.kill()
                process.wait()
    return failed


def package(out: Path, offline_device: str | None = None) -> int:
    """Make the extension zip in `out` and validate it with the tool that Blender ships; on demand the offline bundle too."""
    from release.extension import build_zip
    from release.offline_bundle import NoPackages, build_bundle, download_wheels

    archive = build_zip(ROOT, out)
    print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    if offline_device:
        try:
            wheels = download_wheels(ROOT, out / f"wheels-{offline_device}", offline_device)
        except NoPackages as problem:
            raise BuildError(str(problem)) from problem
        archive = build_bundle(ROOT, archive, wheels, out, offline_device)
        shutil.rmtree(wheels[0].parent)
        print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB, {len(wheels)} packages)")
    return run([blender_python(DEMO_BLENDER), "-m", "release.validate", str(archive)])


def backend_python(extras: bool = False) -> Path:
    """Python of the backend's environment, made on first use."""
    requirements = [ROOT / "requirements.txt"]
    if extras:
        requirements.append(ROOT / "requirements-test.txt")
    return environment(ROOT / ".venv", requirements)


def blender_python(version: str) -> Path:
    """Python of an environment that holds Blender `version` as a module, made on first use."""
    folder = ROOT / ".venvs" / f"blender-{version}"
    return environment(folder, [ROOT / "requirements-blender.txt"], [BLENDERS[version]])


def environment(folder: Path, requirements: list[Path], packages: list[str] | None = None) -> Path:
    """Make or complete a virtual environment that holds `requirements` and `packages`; return its Python.

    A stamp written last tells that it is complete, so that an interrupted installation is taken up again.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.json"
    wanted = {str(r.name): hashlib.sha256(r.read_bytes()).hexdigest() for r in requirements}
    wanted["packages"] = " ".join(packages or [])
    have = json.loads(stamp.read_text()) if stamp.exists() and python.exists() else {}
    if all(have.get(key) == value for key, value in wanted.items()):
        return python
    say(f"setting up {folder.relative_to(ROOT)} (once; several hundred megabytes are downloaded)")
    if not python.exists():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            venv.EnvBuilder(with_pip=True).create(folder)
        except (subprocess.CalledProcessError, OSError) as problem:
            text = f"Python could not make {folder}: {problem}. On Debian, install python3-venv."
            raise BuildError(text) from problem
    stamp.unlink(missing_ok=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for file in requirements:
        command += ["-r", str(file)]
    if run([*command, *(packages or [])]):
        raise BuildError(f"Installing into {folder.name} failed; pip's message is above. Run the command again.")
    partial = stamp.with_suffix(".part")
    partial.write_text(json.dumps({**have, **wanted}))
    partial.replace(stamp)
    return python


def run(command: list[object]) -> int:
    """Run `command` from the repository's root, its output going to the terminal; return its exit code."""
    return subprocess.run([str(part) for part in command], env=surroundings(), check=False).returncode


def surroundings() -> dict[str, str]:
    """The environment variables of all that is started here."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # waiting threads sleep
    return {**os.environ, **ours}


def say(text: str) -> None:
    """Print a heading."""
    print(f"== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
