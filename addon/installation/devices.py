"""Which build of PyTorch a machine wants. Nothing here loads PyTorch."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CPU, CUDA, ROCM, MPS = "cpu", "cuda", "rocm", "mps"

LABELS = {CPU: "CPU", CUDA: "NVIDIA", ROCM: "AMD", MPS: "Apple"}

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)

ASK_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Graphics:
    """A graphics card. memory_gb and free_gb are 0 where nobody tells."""

    name: str
    memory_gb: float = 0.0
    free_gb: float = 0.0


def platform_tag() -> str:
    """For example linux-x86_64, windows-amd64, macos-arm64."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return f"{system}-{platform.machine().lower()}"


def choices(tag: str) -> list[str]:
    """The devices PyTorch has builds for on a platform, the one that needs nothing first."""
    return {"linux-x86_64": [CPU, CUDA, ROCM], "windows-amd64": [CPU, CUDA], "macos-arm64": [MPS]}.get(tag, [CPU])


def best_device(tag: str) -> str:
    """What this machine should use, from what its drivers have put onto the disk. Starts no process, takes no time."""
    if tag == "macos-arm64":
        return MPS
    offered = choices(tag)
    if CUDA in offered and (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")):
        return CUDA
    if ROCM in offered and Path("/opt/rocm").exists() and Path("/dev/kfd").exists():
        return ROCM
    return CPU


def torch_requirement(line: str, device: str, tag: str) -> str:
    """The requirement `torch==X` for a device.

    Plain torch is the CUDA build on Linux x86-64, the CPU build on Windows, and the only build elsewhere. Builds that an
    index of its own has carry a suffix (PEP 440, local version): +cpu, +cu130, +rocm7.0.
    """
    if device == CPU and tag == "linux-x86_64":
        return f"{line}+cpu"
    if device in (CUDA, ROCM):
        return f"{line},!={line.partition('==')[2]}+cpu"
    return line


def needs_extra_index(device: str, tag: str) -> bool:
    """Whether pip's usual index does not have this build."""
    return (device == CPU and tag == "linux-x86_64") or device == ROCM or (device == CUDA and tag.startswith("windows"))


def fits(device: str, cuda: str | None, hip: str | None) -> bool:
    """Whether a PyTorch that says it was built for these versions of CUDA and HIP is one for the device."""
    return {CUDA: bool(cuda), ROCM: bool(hip)}.get(device, True)


def graphics_card() -> Graphics | None:
    """NVIDIA's first card, from its driver's own program. May take a second; None where there is none."""
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    query = [program, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=ASK_PATIENCE_S, check=True,
                              stdin=subprocess.DEVNULL, creationflags=NO_WINDOW).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_card(said)


def parse_card(said: str) -> Graphics | None:
    """The first line of `name, total MiB, free MiB`."""
    parts = [part.strip() for part in said.strip().splitlines()[0].split(",")] if said.strip() else []
    try:
        return Graphics(parts[0], float(parts[1]) * 2**20 / 1e9, float(parts[2]) * 2**20 / 1e9)
    except (IndexError, ValueError):
        return None
