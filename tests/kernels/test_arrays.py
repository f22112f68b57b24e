"""Arrays of several libraries in and out; which device; nothing imported or copied that nobody asked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cuda_simulator import SIMULATED, run_in_simulator

from kernels.arrays import choose, like, on_gpu, on_host
from kernels.derivatives import slope
from kernels.errors import KernelInputError
from kernels.horizon import horizon_angle
from kernels.shadow import cast_shadow
from kernels.view_bound import view_bound

ROOT = Path(__file__).resolve().parents[2]


class OnAGpu:
    """What libraries with arrays on a GPU have in common."""

    shape, ndim, dtype = (4, 5), 2, np.dtype(np.float32)
    __cuda_array_interface__ = {"shape": (4, 5), "typestr": "<f4", "data": (4096, False), "version": 3}  # noqa: RUF012


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def ran(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_kernels_imports_neither_numba_nor_torch():
    assert ran("import sys, kernels; print(*[name for name in ('numba', 'torch', 'cupy', 'scipy') if name in sys.modules])") == []


def test_work_on_the_cpu_imports_neither_cuda_nor_torch():
    code = """
import sys, numpy as np, importlib
for name in ('breach', 'fill', 'flow', 'view_bound', 'shadow', 'horizon', 'rasterize', 'derivatives'):
    importlib.import_module('kernels.' + name)
from kernels.arrays import choose, like, on_host
grid = np.zeros((3, 3), np.float32)
assert choose('auto', grid) == 'cpu' and like(grid, grid) is on_host(grid)
print(*[name for name in sys.modules if name in ('torch', 'cupy', 'numba.cuda.cudadrv.driver') or name.startswith('kernels.cuda')])
"""
    assert ran(code) == []


def test_numpy_stays_on_the_cpu_and_is_not_copied():
    grid = np.zeros((4, 5), np.float32)
    assert choose("auto", grid) == "cpu" == choose("cpu", grid) == choose("auto")
    assert on_host(grid) is grid and like(grid, grid) is grid and not on_gpu(grid)
    assert on_host(grid[::2, ::-1]).base is grid


@pytest.mark.parametrize("device", ["gpu", "cuda:0", "", None, 0])
def test_other_devices_are_refused(device):
    with pytest.raises(KernelInputError, match="device must be"):
        choose(device, np.zeros(3))


@pytest.mark.skipif(SIMULATED, reason="the simulator is a GPU")
def test_without_a_gpu_there_is_one_clear_error():
    from numba import cuda

    if cuda.is_available():
        pytest.skip("there is one")
    grid = np.zeros((4, 5), np.float32)
    for call in (lambda: choose("cuda", grid), lambda: choose("auto", OnAGpu()), lambda: on_host(OnAGpu()),
                 lambda: cast_shadow(grid, 1.0, 0.0, 0.5, device="cuda"), lambda: cast_shadow(OnAGpu(), 1.0, 0.0, 0.5)):
        with pytest.raises(KernelInputError, match="NVIDIA GPU"):
            call()
    assert on_gpu(OnAGpu()) and choose("cpu", OnAGpu()) == "cpu"


@pytest.mark.parametrize("thing", [[[1.0, 2.0]], "heights", None, 3.0, memoryview(b"12")])
def test_what_is_no_array_is_refused(thing):
    with pytest.raises(KernelInputError, match="array of NumPy"):
        on_host(thing)


def calls(wrap):
    """Every kind of face with its heights, and masks, as `wrap` makes them: results."""
    rng = np.random.default_rng(0)
    heights = rng.normal(size=(12, 9)).astype(np.float32)
    seen = rng.random(heights.shape) < 0.4
    given = wrap(heights)
    results = [
        cast_shadow(given, 1.0, 0.4, 0.3), cast_shadow(given, 1.0, 0.4, 0.3, nodata=wrap(seen)), horizon_angle(given, 1.0, 2.0),
        view_bound(given, wrap(seen), 1.0, (0.0, 0.0), (3.0, -20.0, 9.0), -0.5, 0.5), slope(given, 1.0),
    ]
    return given, results


def test_tensors_go_in_without_a_copy_and_come_out(torch):
    tensor = torch.zeros(4, 5)
    tensor[1, 2] = 7.0
    assert choose("auto", tensor) == "cpu" and not on_gpu(tensor)
    view = on_host(tensor)
    assert view[1, 2] == 7.0 and view.ctypes.data == tensor.data_ptr()
    back = like(view, tensor)
    assert isinstance(back, torch.Tensor) and back.data_ptr() == tensor.data_ptr() and back.device == tensor.device
    _, plain = calls(lambda array: array)
    given, results = calls(lambda array: torch.from_numpy(array.copy()))
    for one, other in zip(results, plain, strict=True):
        assert isinstance(one, torch.Tensor) and isinstance(other, np.ndarray)
        np.testing.assert_array_equal(one.numpy(), other)
    assert all(one.data_ptr() != given.data_ptr() for one in results)


def test_arrays_of_any_stride_and_order_give_the_same():
    _, plain = calls(lambda array: array)
    for wrap in (np.asfortranarray, lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
                 lambda array: np.repeat(array, 2, 1)[:, ::2]):
        given, results = calls(wrap)
        assert not given.flags.c_contiguous
        for one, other in zip(results, plain, strict=True):
            np.testing.assert_array_equal(one, other)


def test_transposed_tensors_give_the_same(torch):
    _, plain = calls(lambda array: array)
    _, results = calls(lambda array: torch.from_numpy(array.T.copy()).T)
    for one, other in zip(results, plain, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)


def test_tensors_that_kernels_cannot_use_are_named(torch):
    for tensor in (torch.zeros(3, 3, requires_grad=True), torch.zeros(3, 3, dtype=torch.bfloat16), torch.eye(3).to_sparse()):
        with pytest.raises(KernelInputError, match="heights"):
            on_host(tensor)
    with pytest.raises(KernelInputError, match="float32 or float64"):
        cast_shadow(torch.zeros(3, 3, dtype=torch.int32), 1.0, 0.0, 0.5)

    class Named(torch.Tensor):
        """A tensor of somebody else's module."""

    Named.__module__ = "somewhere.else"
    assert on_host(torch.zeros(2, 2).as_subclass(Named)).shape == (2, 2)


@pytest.mark.skipif(SIMULATED, reason="starts the simulator")
def test_device_arrays_of_the_simulator():
    said = run_in_simulator("""
import numpy as np
from numba import cuda
from kernels.arrays import choose, like, on_device, on_gpu, on_host
grid = np.arange(12, dtype=np.float32).reshape(3, 4)
there = cuda.to_device(grid)
assert choose('auto', there) == choose('cuda', grid) == 'cuda' and on_gpu(there) and not on_gpu(grid)
assert on_device(there) is there and like(there, there) is there
assert np.array_equal(on_host(there), grid) and isinstance(like(there, grid), np.ndarray)
assert np.array_equal(on_device(grid[:, ::2]).copy_to_host(), grid[:, ::2]) and type(like(grid, there)) is type(there)
moved = on_device(grid)
moved[0, 0] = 99
assert grid[0, 0] == 0
print('fine')
""")
    assert said.split() == ["fine"]
