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

    Raises KernelInputError for another name, and where CUDA is wanted and cannot be used.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise KernelInputError(f'device must be "auto", "cpu" or "cuda", not {device!r}.')
    if device == "cpu" or (device == "auto" and not (arrays and on_gpu(arrays[0]))):
        return "cpu"
    if not simulated() and not importlib.import_module("numba.cuda").is_available():
        wanted = 'device="cuda" needs' if device == "cuda" else "An array on a GPU needs"
        raise KernelInputError(f"{wanted} an NVIDIA GPU, its driver and the CUDA toolkit's NVVM; they were not all found. "
                               'Use arrays in main memory and device="cpu".')
    return "cuda"


def simulated() -> bool:
    """Whether Numba's CUDA simulator stands in for a GPU (NUMBA_ENABLE_CUDASIM=1)."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def on_gpu(array: Any) -> bool:
    """Whether an array's memory is a GPU's (in the simulator: whether it claims to be)."""
    if _is_tensor(array):
        return bool(array.is_cuda)
    return hasattr(array, "__cuda_array_interface__") or _simulated_array(array)


def on_host(array: Any, name: str = "heights") -> np.ndarray:
    """The array as NumPy's: itself, a view of a PyTorch CPU tensor, or a copy from the GPU.

    Raises KernelInputError for what is no array, or a tensor that still records gradients.
    """
    if isinstance(array, np.ndarray):
        return array
    if _is_tensor(array):
        _require_plain(array, name)
        try:
            return array.cpu().numpy()
        except (TypeError, RuntimeError) as problem:  # bfloat16, sparse
            raise KernelInputError(f"The {name} are a tensor that NumPy cannot hold ({problem}); pass float32.") from None
    if _simulated_array(array) or hasattr(array, "copy_to_host"):
        return np.asarray(array.copy_to_host())
    if hasattr(array, "__cuda_array_interface__"):
        choose("cuda")
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
        if _is_tensor(array):
            _require_plain(array, name)
        return cuda.as_cuda_array(array)
    return cuda.to_device(np.ascontiguousarray(on_host(array, name)))


def like(result: Any, original: Any) -> Any:
    """A result of a kernel (NumPy or Numba device array) as the kind of array that the caller handed in, where that one lay."""
    if isinstance(original, np.ndarray):
        return on_host(result)
    if _is_tensor(original):
        torch = sys.modules["torch"]
        if original.is_cuda:
            return torch.as_tensor(result, device=original.device)
        return torch.from_numpy(on_host(result)).to(original.device)
    if _library(original) == "cupy":
        return sys.modules["cupy"].asarray(result)
    if isinstance(result, np.ndarray) and on_gpu(original):
        return importlib.import_module("numba.cuda").to_device(result)
    return result


def _is_tensor(array: Any) -> bool:
    """Whether it is PyTorch's, subclasses of others included; nobody hands in a tensor without having imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def _require_plain(tensor: Any, name: str) -> None:
    if tensor.requires_grad:
        raise KernelInputError(f"The {name} record gradients, which kernels cannot follow; pass {name}.detach().")


def _library(array: Any) -> str:
    return type(array).__module__.partition(".")[0]


def _simulated_array(array: Any) -> bool:
    return type(array).__name__ == "FakeCUDAArray"
