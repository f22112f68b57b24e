"""All CUDA kernels pass Numba's compiler down to LLVM: the simulator runs Python and does not notice what cannot be compiled.

No toolkit and no GPU takes part; with a toolkit, `python -m benchmarks.cuda_resources` goes on to machine code.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from unittest import mock

import pytest

from benchmarks import cuda_resources
from benchmarks.cuda_resources import Resources, resident_warps

CAPABILITY = (9, 0)


@pytest.mark.skipif(os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0"), reason="the simulator has no compiler")
def test_every_kernel_compiles():
    from numba import types
    from numba.cuda.compiler import compile_cuda
    from numba.cuda.cudadrv import nvvm

    device = SimpleNamespace(compute_capability=CAPABILITY)
    library = SimpleNamespace(data_layout=nvvm._datalayout_i128, get_ir_version=lambda: (2, 0, 3, 1))
    failed = {}
    with (
        mock.patch("numba.cuda.dispatcher.get_current_device", lambda: device),
        mock.patch("numba.cuda.cudadrv.nvvm.NVVM", lambda: library),
    ):
        kernels = cuda_resources.kernels_of_package()
        for name, function, signature in kernels:
            arguments = getattr(signature, "args", signature)
            try:
                plain = getattr(function, "py_func", function)
                compile_cuda(plain, types.void, tuple(arguments), nvvm_options={"opt": 3}, cc=CAPABILITY)
            except Exception as error:
                failed[name] = str(error)
    assert not failed
    assert {"receivers.descend", "spanning_tree.boruvka", "carving.carve_slots"} <= {name for name, _, _ in kernels}


@pytest.mark.parametrize(
    ("registers", "shared_bytes", "warps"),
    [(32, 0, 64), (33, 0, 48), (64, 0, 32), (65, 0, 24), (32, 48 * 1024, 32), (16, 2048, 64)],
)
def test_warps_that_fit_a_multiprocessor(registers, shared_bytes, warps):
    assert resident_warps(Resources(registers, shared_bytes, 0, 0), 256, "sm_90") == warps


def test_without_a_toolkit_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["cuda_resources"])
    monkeypatch.setattr(cuda_resources, "_homes", list)
    assert cuda_resources.main() == 1
    assert "CUDA_HOME" in capsys.readouterr().out
