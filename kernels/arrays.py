"""Arrays of NumPy, PyTorch, CuPy and Numba in and out of the kernels, and which device does the work.

Nothing is imported for an array that nobody handed in: libraries are known by the arrays' own types. Arrays on a GPU speak
`__cuda_array_interface__` and are used where they lie; results come back as the caller's kind.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Literal

import numpy as np

from .errors import KernelInputError

Device = Literal["auto", "cpu", "cuda"]


def choose(device: str, *arrays: Any) -> Literal["cpu", "cuda"]:
    """The device for a call: "auto" is where the first array lies, so that nothing moves unasked.

    Raises KernelInputError for another name, and for "cuda" where there is no CUDA.
    """
    if device == "cpu":
        return "cpu"
    if device == "auto":
        return "cuda" if arrays and on_gpu(arrays[0]) else "cpu"
    if device != "cuda":
        raise KernelInputError(f'device must be "auto", "cpu" or "cuda", not {device!r}.')
    if not simulated() and not importlib.import_module("numba.cuda").is_available():
        raise KernelInputError('device="cuda" needs an NVIDIA GPU and its driver, and none was found; use device="cpu".')
    return "cuda"


def simulated() -> bool:
    """Whether Numba's CUDA simulator stands in for a GPU (NUMBA_ENABLE_CUDASIM=1)."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def on_gpu(array: Any) -> bool:
    """Whether an array's memory is a GPU's (in the simulator: whether it claims to be)."""
    if _library(array) == "torch":
        return bool(array.is_cuda)
    return hasattr(array, "__cuda_array_interface__") or _simulated_array(array)


def on_host(array: Any, name: str = "heights") -> np.ndarray:
    """The array as NumPy's: itself, a view of a PyTorch CPU tensor, or a copy from the GPU.

    Raises KernelInputError for what is no array, or a tensor that still records gradients.
    """
    if isinstance(array, np.ndarray):
        return array
    if _library(array) == "torch":
        if array.requires_grad:
            raise KernelInputError(f"The {name} record gradients, which kernels cannot follow; pass {name}.detach().")
        return array.cpu().numpy()
    if _simulated_array(array) or hasattr(array, "copy_to_host"):
        return np.asarray(array.copy_to_host())
    if _library(array) == "cupy":
        return array.get()
    if hasattr(array, "__cuda_array_interface__"):
        return np.asarray(importlib.import_module("numba.cuda").as_cuda_array(array).copy_to_host())
    raise KernelInputError(f"The {name} must be an array of NumPy, PyTorch or CuPy, not {type(array).__name__}.")


def on_device(array: Any, name: str = "heights") -> Any:
    """The array as a Numba device array: the same memory where it is on the GPU already, else a copy.

    Raises KernelInputError as `on_host`.
    """
    cuda = importlib.import_module("numba.cuda")
    if _simulated_array(array):
        return array
    if on_gpu(array):
        if _library(array) == "torch" and array.requires_grad:
            raise KernelInputError(f"The {name} record gradients, which kernels cannot follow; pass {name}.detach().")
        return cuda.as_cuda_array(array)
    return cuda.to_device(np.ascontiguousarray(on_host(array, name)))


def like(result: Any, original: Any) -> Any:
    """A result of a kernel (NumPy or Numba device array) as the kind of array that the caller handed in, where that one lay."""
    library = _library(original)
    if isinstance(original, np.ndarray):
        return on_host(result)
    if library == "torch":
        torch = sys.modules["torch"]
        if original.is_cuda:
            return torch.as_tensor(result, device=original.device)
        return torch.from_numpy(on_host(result))
    if library == "cupy":
        return sys.modules["cupy"].asarray(result)
    if isinstance(result, np.ndarray) and on_gpu(original):
        return importlib.import_module("numba.cuda").to_device(result)
    return result


def _library(array: Any) -> str:
    return type(array).__module__.partition(".")[0]


def _simulated_array(array: Any) -> bool:
    return type(array).__name__ == "FakeCUDAArray"
