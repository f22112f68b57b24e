"""Tests of CUDA kernels without a GPU: Numba's simulator, in one process of its own for all of them.

Numba decides on import whether it simulates, so such tests cannot run beside others. A file tests/kernels/test_cuda_*.py reads

    from cuda_simulator import SIMULATED, check_in_simulator, simulated

    @simulated
    def test_something(): ...           # runs only in the simulator's process

    @pytest.mark.skipif(SIMULATED, reason="starts that process")
    def test_in_the_simulator(request):
        check_in_simulator(request)     # runs the tests above there and fails with what they said

The first such test starts one process for all files that this session has collected.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 600
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")

if SIMULATED:
    from numba.core import types
    from numba.cuda.simulator import kernelapi
    from numba.np import numpy_support

    _sharing = threading.Lock()
    _array = kernelapi.FakeCUDAShared.array

    def _one_array(self, shape, dtype):
        """One array a line, as on a GPU. Numba's looks and then makes one: on a busy machine two threads may get one each."""
        if shape == 0:
            return _array(self, shape, dtype)
        frame = sys._getframe(1)
        place = frame.f_code.co_filename, frame.f_lineno
        with _sharing:
            if place not in self._allocations:
                kind = numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype
                self._allocations[place] = np.empty(shape, kind)
            return self._allocations[place]

    kernelapi.FakeCUDAShared.array = _one_array

simulated = pytest.mark.skipif(not SIMULATED, reason="runs in the simulator's own process")


def check_in_simulator(request: pytest.FixtureRequest) -> None:
    """Run the `simulated` tests of the caller's file (and, once for all, of the other collected files). Fails with their text."""
    name = request.node.name
    files = {str(Path(item.path)) for item in request.session.items if item.path.name.startswith("test_cuda_")}
    passed, failed, text = _outcomes(tuple(sorted(files | {str(request.path)})))
    stem = request.path.stem
    wrong = {test: said for test, said in failed.items() if test.startswith(stem)}
    assert not wrong, "\n\n".join(f"{test}\n{said}" for test, said in wrong.items())
    assert any(test.startswith(stem) for test in passed), f"{name}: no test of {stem} ran in the simulator.\n{text}"


def run_in_simulator(snippet: str) -> str:
    """What a piece of Python prints in the simulator. Raises AssertionError with its errors."""
    command = [sys.executable, "-c", snippet]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def _outcomes(files: tuple[str, ...]) -> tuple[set[str], dict[str, str], str]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *files]
        done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=LIMIT_S)
        text = done.stdout[-4000:] + done.stderr[-4000:]
        assert report.exists(), text
        cases = list(ElementTree.parse(report).iter("testcase"))
    passed: set[str] = set()
    failed: dict[str, str] = {}
    for case in cases:
        test = f"{case.get('classname', '').rpartition('.')[2] or case.get('name')}::{case.get('name')}"
        faults = [part.text or part.get("message", "") for part in case if part.tag in ("failure", "error")]
        if faults:
            failed[test] = "\n".join(faults)
        elif not any(part.tag == "skipped" for part in case):
            passed.add(test)
    return passed, failed, text


def _environment() -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": path}
