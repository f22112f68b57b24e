"""Prepares this process for the machine it runs on: threads, place of compiled kernels, device.

Call `prepare` before Numba or torch load.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from .contract.version import VERSION

ROOT = Path(__file__).resolve().parent.parent

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def prepare() -> None:
    """Set threads and the place of compiled kernels through the environment; what the user has set stays.

    OpenMP's threads wait asleep: by default they spin, and on a machine that also runs Blender that takes twenty times
    the CPU time of the work itself (a pass of the terrain network: 12.7 s instead of 0.6 s beside other work).
    """
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(physical_cores()))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if "NUMBA_CACHE_DIR" not in os.environ and not kernels_folder_is_writable():
        folder = user_cache_folder() / f"kernels-{VERSION}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return    # Numba then compiles once in every process: slower, not wrong
        os.environ["NUMBA_CACHE_DIR"] = str(folder)


def kernels_folder_is_writable() -> bool:
    """Whether Numba may keep compiled kernels beside their sources; an extension's folder may be read-only."""
    folder = ROOT / "kernels"
    probe = folder / "__pycache__" / f"probe-{os.getpid()}"
    try:
        probe.parent.mkdir(exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def user_cache_folder() -> Path:
    """Where this user's caches live on this system."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "photo_to_terrain"


def physical_cores() -> int:
    """Cores this process may use, counting a core with two hardware threads once; at least 1."""
    if sys.platform != "linux":
        return max(1, (os.cpu_count() or 2) // (2 if sys.platform == "win32" else 1))
    allowed = os.sched_getaffinity(0)
    cores = set()
    for cpu in allowed:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            cores.add((topology / "physical_package_id").read_text() + (topology / "core_id").read_text())
        except OSError:
            return max(1, len(allowed))
    return max(1, min(len(cores), cgroup_cores() or len(cores)))


def cgroup_cores() -> int:
    """Cores a container grants (rounded up), 0 when it sets no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return 0 if quota == "max" else max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return 0


def likely_device() -> str:
    """cuda or cpu, told without loading torch (which takes seconds): its CPU build says so in its version."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "cpu"
    has_driver = Path("/proc/driver/nvidia/version").exists() or Path(
        os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll").exists()
    return "cuda" if has_driver and not version.endswith("+cpu") else "cpu"


def choose_device(wanted: str = "auto") -> str:
    """The device torch will use: `wanted`, or with auto a GPU where there is one. Loads torch."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", physical_cores())))
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted
