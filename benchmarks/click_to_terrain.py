"""From click to terrain, as the panel sees it: seconds to each preview and to the result, and the backend's peak memory.

    python -m benchmarks.click_to_terrain [PICTURE] [--resolution 1024] [--runs 2]

Every run starts a new backend process in an empty job folder, so that nothing comes from the stage cache; the first run
may compile kernels, the last one is the number to quote. Linux and macOS (peak memory comes from getrusage).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from backend.contract import messages
from backend.contract.settings import TerrainSettings

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "examples" / "picos_de_europa.jpg"


def main() -> int:
    parser = argparse.ArgumentParser(description="Time one picture from click to terrain.")
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE)
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, {arguments.picture.name}, {arguments.resolution}^2 points")
    for run in range(1, arguments.runs + 1):
        moments = time_one(arguments.picture, TerrainSettings(resolution=arguments.resolution))
        print(f"run {run}: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in moments))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    print(f"peak memory of the backend {peak:.2f} GB")
    return 0


def time_one(picture: Path, settings: TerrainSettings) -> list[tuple[str, float]]:
    """Seconds from the start of the process to `ready`, every preview and the result.

    Raises RuntimeError when the backend reports an error or ends early.
    """
    moments: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-m", "backend", "serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert child.stdin and child.stdout
        for line in child.stdout:
            message = messages.decode(line)
            kind, seconds = message["kind"], time.monotonic() - begun
            if kind == "ready":
                moments.append(("ready", seconds))
                child.stdin.write(messages.encode(messages.generate(1, str(picture.resolve()), folder, settings)))
                child.stdin.flush()
            elif kind == "preview":
                moments.append((message["stage"], seconds))
            elif kind == "error":
                raise RuntimeError(message["text"])
            elif kind == "result":
                moments.append(("result", seconds))
                break
        child.stdin.close()
        child.wait(10)
    if not moments or moments[-1][0] != "result":
        raise RuntimeError("The backend ended early.")
    return moments


if __name__ == "__main__":
    sys.exit(main())
