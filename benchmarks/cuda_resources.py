"""What the CUDA kernels need of a GPU, read from their compiled code: no GPU takes part.

    python -m benchmarks.cuda_resources [--architectures sm_80 sm_90] [--keep FOLDER]

Every file in kernels/cuda with a list KERNELS of (name, function, argument types) is compiled to PTX by NVVM, and `ptxas -v` says
how many registers a thread, how much shared memory a block takes and what spills into local memory. Warps resident on a
multiprocessor follow from those. Needs libNVVM and ptxas of a CUDA toolkit: in CUDA_HOME, or on PATH.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

ARCHITECTURES = ("sm_80", "sm_90")
MULTIPROCESSOR = {"registers": 65536, "warps": 64, "blocks": 32, "threads": 2048}
"""Of compute capability 8.0 and 9.0 alike."""
SHARED_BYTES = {"sm_80": 164 * 1024, "sm_86": 100 * 1024, "sm_89": 100 * 1024, "sm_90": 228 * 1024}
BLOCK_OVERHEAD_BYTES = 1024
MISSING = (
    "No GPU code can be compiled here: libNVVM and ptxas of a CUDA toolkit are needed (set CUDA_HOME, or `pip install "
    "nvidia-cuda-nvcc-cu12` and set CUDA_HOME to its folder nvidia/cuda_nvcc)."
)


@dataclass(frozen=True)
class Resources:
    """Of one kernel: registers a thread, bytes of shared memory a block, bytes of local memory and of spills a thread."""

    registers: int
    shared_bytes: int
    stack_bytes: int
    spill_bytes: int


def main() -> int:
    parser = argparse.ArgumentParser(description="Registers, shared memory, spills and occupancy of the CUDA kernels.")
    parser.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--keep", type=Path, help="folder for the PTX files")
    arguments = parser.parse_args()
    ptxas = prepare_toolkit()
    if ptxas is None:
        print(MISSING)
        return 1
    found = kernels_of_package()
    failures, waiting, linked = 0, 0, 0
    for architecture in arguments.architectures:
        print(f"\n{architecture}, {threads_a_block()} threads a block")
        print(f"{'kernel':32}{'registers':>10}{'shared B':>10}{'stack B':>9}{'spilled B':>10}{'warps of 64':>12}{'PTX lines':>11}")
        for name, function, types in found:
            try:
                ptx = to_ptx(function, types, architecture)
                need = read_resources(ptx, architecture, ptxas)
                if "cudaCGSynchronize" in ptx:
                    waiting += 1
                    linked += links(ptx, architecture, ptxas)
            except Exception as error:
                failures += 1
                print(f"{name:32}failed: {str(error).strip() or type(error).__name__}")
                continue
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name}.{architecture}.ptx").write_text(ptx)
            warps = resident_warps(need, threads_a_block(), architecture)
            print(
                f"{name:32}{need.registers:>10}{need.shared_bytes:>10}{need.stack_bytes:>9}{need.spill_bytes:>10}{warps:>12}"
                f"{ptx.count(chr(10)):>11}",
                flush=True,
            )
    print(f"\n{waiting} kernels have blocks that wait for each other; {linked} of them linked with libcudadevrt by nvlink")
    return 1 if failures else 0


def prepare_toolkit() -> str | None:
    """Path of ptxas, with CUDA_HOME set for Numba; None where something is missing."""
    for home in _homes():
        ptxas = shutil.which("ptxas", path=str(home / "bin")) or shutil.which("ptxas")
        if ptxas is None or not any(home.glob("nvvm/libdevice/libdevice*.bc")):
            continue
        os.environ["CUDA_HOME"] = str(home)
        from numba.cuda.cudadrv.nvvm import NVVM, LibDevice

        try:
            NVVM()
            LibDevice()
        except Exception:
            return None
        return ptxas
    return None


def _homes() -> list[Path]:
    """Where a toolkit may lie: what the environment says, beside ptxas, in the wheels of NVIDIA, in the usual place."""
    homes = [Path(os.environ[name]) for name in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(name)]
    ptxas = shutil.which("ptxas")
    if ptxas is not None:
        homes.append(Path(ptxas).resolve().parent.parent)
    wheels = importlib.util.find_spec("nvidia")
    for folder in (wheels.submodule_search_locations or []) if wheels is not None else []:
        homes += [Path(folder) / "cuda_nvcc", Path(folder) / "cu13"]
    return [*homes, Path("/usr/local/cuda")]


def kernels_of_package() -> list[tuple[str, Any, tuple[Any, ...]]]:
    """(file.kernel, function, argument types) of all kernels of kernels.cuda."""
    package = importlib.import_module("kernels.cuda")
    found = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        for name, function, types in getattr(importlib.import_module(f"kernels.cuda.{module.name}"), "KERNELS", ()):
            found.append((f"{module.name}.{name}", function, types))
    return found


def threads_a_block() -> int:
    return int(importlib.import_module("kernels.cuda.launch").THREADS)


def to_ptx(function: Any, types: Any, architecture: str) -> str:
    """PTX of a kernel for an architecture such as "sm_90"."""
    from numba import cuda
    from numba import types as numba_types

    digits = architecture.removeprefix("sm_")
    capability = (int(digits[:-1]), int(digits[-1]))
    arguments = types.args if hasattr(types, "args") else tuple(types)
    plain = getattr(function, "py_func", function)
    pretended = SimpleNamespace(compute_capability=capability)  # device functions ask the GPU at hand, and there is none
    with mock.patch("numba.cuda.dispatcher.get_current_device", lambda: pretended):
        ptx, _ = cuda.compile(plain, numba_types.void(*arguments), cc=capability, device=False, abi="numba", output="ptx")
    return str(ptx)


def read_resources(ptx: str, architecture: str, ptxas: str) -> Resources:
    """What `ptxas -v` says. Raises RuntimeError with its words if it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        command = [ptxas, "-v", "-c", f"-arch={architecture}", "-o", str(Path(folder) / "kernel.o"), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    if done.returncode != 0:
        raise RuntimeError(text)
    return Resources(
        registers=_largest(r"Used (\d+) registers", text),
        shared_bytes=sum(int(size) for size in re.findall(r"^\.visible \.shared .*\[(\d+)\];", ptx, re.MULTILINE)),  # linked later
        stack_bytes=_largest(r"(\d+) bytes stack frame", text),
        spill_bytes=_largest(r"(\d+) bytes spill stores", text) + _largest(r"(\d+) bytes spill loads", text),
    )


def links(ptx: str, architecture: str, ptxas: str) -> bool:
    """Whether a kernel with grid-wide synchronization links with the toolkit's device runtime; False also without nvlink."""
    home = Path(os.environ["CUDA_HOME"])
    nvlink = shutil.which("nvlink", path=str(home / "bin"))
    runtime = next((path for folder in ("lib64", "lib", "targets/*/lib") for path in home.glob(f"{folder}/libcudadevrt.a")), None)
    if nvlink is None or runtime is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder) / "kernel.ptx", Path(folder) / "kernel.o"
        source.write_text(ptx)
        subprocess.run([ptxas, "-c", f"-arch={architecture}", "-o", str(compiled), str(source)], check=True, capture_output=True)
        command = [nvlink, f"-arch={architecture}", str(compiled), str(runtime), "-o", str(Path(folder) / "kernel.cubin")]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def resident_warps(need: Resources, threads: int, architecture: str) -> int:
    """Warps of such blocks that fit a multiprocessor at once (of 64), by registers, shared memory, blocks and threads."""
    warps = -(-threads // 32)
    registers_a_warp = -(-max(need.registers, 1) * 32 // 256) * 256
    by_registers = MULTIPROCESSOR["registers"] // registers_a_warp // warps
    shared = SHARED_BYTES.get(architecture, 100 * 1024)
    by_shared = shared // (-(-need.shared_bytes // 128) * 128 + BLOCK_OVERHEAD_BYTES)
    blocks = min(by_registers, by_shared, MULTIPROCESSOR["blocks"], MULTIPROCESSOR["warps"] // warps)
    return int(blocks * warps)


def _largest(pattern: str, text: str) -> int:
    return max((int(match) for match in re.findall(pattern, text)), default=0)


if __name__ == "__main__":
    sys.exit(main())
