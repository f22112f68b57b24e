"""Slope, aspect and curvature of heightmaps.

Cells whose stencil leaves the grid, the mask or the known heights are NaN: a derivative that was guessed would mix with
those measured. Frame: row 0 toward +y, column 0 toward -x; heights and spacing in meters.

Heights are float32 or float64 arrays (rows, cols) of NumPy, PyTorch or CuPy; results are float32 and of the caller's kind.
From a GPU they agree with the CPU's to one unit in the last place, for compilers there contract sums of products.
device: as kernels.arrays.choose.   workspace: kept scratch, on a GPU a kernels.cuda.memory.DeviceWorkspace.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .arrays import Device, choose, like, on_host
from .cpu import stencils, threads
from .errors import KernelInputError, checked_mask, checked_positive
from .workspace import Workspace

SlopeMethod = Literal["rotation_invariant", "horn"]
CurvatureKind = Literal["mean", "profile", "plan"]
_METHODS = {"rotation_invariant": "slope_rotation_invariant", "horn": "slope_horn"}
_KINDS = {"mean": 0, "profile": 1, "plan": 2}
_LEAST_ROWS = 32
"""Fewer rows are not worth a thread."""


def slope(heights: Any, dx_m: float, method: SlopeMethod = "rotation_invariant", mask: Any = None, *,
          device: Device = "auto", workspace: Workspace | None = None) -> Any:
    """Angle of steepest descent: float32 (rows, cols), radians in [0, pi/2].

    heights: (rows, cols), meters.   dx_m: cell size, meters.   mask: bool (rows, cols), False = not known.
    NaN where one of the 3 x 3 cells is not known, and along the grid's border.
    method: "rotation_invariant", the squared gradient as 2/3 of that of the axes' central differences and 1/3 of that of
    the diagonals'. A wave of wavenumber k in direction t loses k^4 h^2/3 (cos^4 t + sin^4 t) on the axes and
    k^4 h^2/3 (1 + 4 sin^2 t cos^2 t) on the diagonals; in this mix the direction cancels: k^4 h^2/3 whatever the t.
    "horn": Horn 1981, as in GDAL and most geographic software.
    Raises KernelInputError for another method, heights that are no grid of floats, a mask that is not bool or of another
    shape, or a cell size that is not positive.
    """
    if method not in _METHODS:
        raise KernelInputError(f"There is no slope method {method!r}; choose one of {', '.join(_METHODS)}.")
    return _derive(_METHODS[method], (), heights, dx_m, mask, device, workspace)


def aspect(heights: Any, dx_m: float, mask: Any = None, *, device: Device = "auto",
           workspace: Workspace | None = None) -> Any:
    """Direction in which the ground falls: float32 (rows, cols), radians in [0, 2 pi), clockwise from +y.

    Arguments, NaN and errors as for `slope`; NaN on level ground too. Source: Horn 1981.
    """
    return _derive("aspect", (), heights, dx_m, mask, device, workspace)


def laplacian(heights: Any, dx_m: float, mask: Any = None, *, device: Device = "auto",
              workspace: Workspace | None = None) -> Any:
    """Sum of second derivatives, 5 points: float32 (rows, cols), 1/m, positive in hollows.

    Arguments and errors as for `slope`; NaN where the cell or one of its 4 neighbors is not known, and along the border.
    """
    return _derive("laplacian", (), heights, dx_m, mask, device, workspace)


def curvature(heights: Any, dx_m: float, kind: CurvatureKind = "mean", mask: Any = None, *, device: Device = "auto",
              workspace: Workspace | None = None) -> Any:
    """Curvature of the surface: float32 (rows, cols), 1/m, positive in hollows.

    kind: "mean" of the surface's principal curvatures; "profile", of the vertical cut along the slope; "plan", of the
    contour. The last two are NaN on level ground. Other arguments, NaN and errors as for `slope`.
    Source: Zevenbergen and Thorne 1987 for the derivatives; Krcho 1973 and Evans 1980 for the curvatures.
    """
    if kind not in _KINDS:
        raise KernelInputError(f"There is no curvature {kind!r}; choose one of {', '.join(_KINDS)}.")
    return _derive("curvature", (_KINDS[kind],), heights, dx_m, mask, device, workspace)


def _derive(stencil: str, extra: tuple[int, ...], heights: Any, dx_m: float, mask: Any, device: Device,
            workspace: Workspace | None) -> Any:
    """One stencil over the grid, on the device of the caller's choice."""
    spacing = checked_positive(dx_m, "dx_m")
    if choose(device, heights) == "cuda":
        on_gpu = importlib.import_module(".cuda.stencils", __package__)
        return like(on_gpu.derive(stencil, extra, heights, spacing, mask, workspace), heights)
    grid = _known(heights, mask, Workspace() if workspace is None else workspace)
    rows, cols = grid.shape
    result = np.empty((rows, cols), np.float32)
    result[[0, -1]] = np.nan
    result[:, [0, -1]] = np.nan
    if min(rows, cols) > 2:
        function: Callable[..., None] = getattr(stencils, stencil)
        inner = threads.bands(rows - 2, least=_LEAST_ROWS)
        threads.run([functools.partial(function, grid, spacing, *extra, result, 1 + a, 1 + b) for a, b in inner])
    return like(result, heights)


def _known(heights: Any, mask: Any, workspace: Workspace) -> np.ndarray:
    """float32 or float64 (rows, cols), NaN where the mask says so; the caller's array where there is no mask."""
    grid = on_host(heights)
    if grid.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise KernelInputError(f"The heights must be float32 or float64, not {grid.dtype}.")
    if grid.ndim != 2 or grid.size == 0:
        raise KernelInputError(f"The heights must be a grid of rows and columns, not of shape {grid.shape}.")
    if mask is None:
        return np.ascontiguousarray(grid)
    valid = checked_mask(on_host(mask, "mask"), grid.shape, "mask")
    known = workspace.take("known heights", grid.shape, grid.dtype)
    np.copyto(known, np.nan)
    np.copyto(known, grid, where=valid)
    return known
