"""The kernels of flow on the CPU: checked input in, one pass over the basins, what was asked for out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import on_host
from ..errors import HIGHEST_M, KernelInputError, checked_mask, checked_shape
from ..fixed_point import fixed_point
from ..workspace import Workspace
from . import accumulation, carving, filling, threads
from .basins import Basins, Terrain
from .layout import by_rows, directions_of, receivers_of, steps_of, stride_of

_STEPS_PER_CELL = 0.5
_CELLS_AT_ONCE = 65536
_INFINITE = 0x7F800000


@dataclass(frozen=True)
class Cuts:
    """What carving did: cells changed, deepest and total cut, deepest cut of an outlet (m), the drop used, cells still stuck."""

    changed: int
    deepest_m: float
    total_m: float
    border_m: float
    epsilon_m: float
    stuck: int


def scratch_of(workspace: Any) -> Workspace:
    """The caller's workspace, or a fresh one for None. Raises KernelInputError for another kind."""
    if workspace is None:
        return Workspace()
    if not isinstance(workspace, Workspace):
        raise KernelInputError(f"On the CPU a workspace is a kernels.workspace.Workspace, not {type(workspace).__name__}.")
    return workspace


def checked_terrain(heights: Any, outlets: Any, nodata: Any) -> Terrain:
    """Heights, outlets and mask as the kernels of flow take them. Raises KernelInputError."""
    grid = checked_shape(on_host(heights, "heights"), "heights")
    mask = None if outlets is None else checked_mask(on_host(outlets, "outlets"), grid.shape, "outlets")
    if nodata is not None:
        missing = checked_mask(on_host(nodata, "nodata"), grid.shape, "nodata")
        if missing.any():
            if missing.all():
                raise KernelInputError("All cells are marked as no data: there is no terrain.")
            mask = beside(missing) if mask is None else mask & ~missing
            top_m = _top(np.where(missing, np.float32(0), grid))
            return _with_outlets(Terrain(np.where(missing, np.float32(np.nan), grid), top_m, mask, missing, grid))
    return _with_outlets(Terrain(grid, _top(grid), mask, None, grid))


def beside(missing: np.ndarray) -> np.ndarray:
    """Default outlets, bool (rows, cols): cells with data at the border or next to one of the 8 neighbors without data."""
    wide = np.pad(missing, 1, constant_values=True)
    wide = wide[:-2] | wide[1:-1] | wide[2:]
    return (wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]) & ~missing


def _as_given(terrain: Terrain, result: np.ndarray) -> np.ndarray:
    """The result with the caller's values where there is no data, in place."""
    if terrain.missing is not None and result.size:
        np.copyto(result, terrain.given, where=terrain.missing)
    return result


def _with_outlets(terrain: Terrain) -> Terrain:
    if terrain.outlets is not None and not terrain.outlets.any():
        raise KernelInputError("The mask `outlets` has no cell: water has nowhere to go.")
    return terrain


def _top(grid: np.ndarray) -> float:
    bits = max(by_rows(filling.magnitudes, grid.shape[0], grid.view(np.int32)))
    if bits > _INFINITE:
        raise KernelInputError("The heights contain NaN; fill those cells first, or mark them as `nodata`.")
    top = float(np.array(bits, np.int32).view(np.float32))
    if top > HIGHEST_M:
        what = "infinity" if bits == _INFINITE else f"values beyond {HIGHEST_M:.0e} m"
        raise KernelInputError(f"The heights contain {what}.")
    return top


def receivers(basins: Basins) -> np.ndarray:
    """int32 (rows, cols) of the directions."""
    out = np.empty(basins.shape, np.int32)
    by_rows(receivers_of, basins.shape[0], basins.directions, basins.stride, basins.shape[1], out)
    return out


def undrained_cells(basins: Basins) -> int:
    """Cells from which no way leads to an outlet."""
    if basins.undrained.size == 0:
        return 0
    return sum(by_rows(filling.count_marked, basins.shape[0], basins.labels, basins.undrained, basins.stride))


def raised(
    terrain: Terrain, basins: Basins, workspace: Workspace, filled: bool, depth: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Filled heights, depth of the water (float32 (rows, cols), or (0, 0) where not wanted) and the sum of the depths, m."""
    nothing = np.empty((0, 0), np.float32)
    surface = np.empty(basins.shape, np.float32) if filled else nothing
    water = np.empty(basins.shape, np.float32) if depth else nothing
    totals = workspace.take("totals", basins.shape[0], np.float64)
    by_rows(
        filling.raise_rows, basins.shape[0], terrain.heights, basins.labels, basins.level, basins.stride, surface, water, totals
    )
    return _as_given(terrain, surface), water, float(totals.sum())


def carve(terrain: Terrain, basins: Basins, epsilon_m: float, fixed: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, Cuts]:
    """Carved heights along routed directions. fixed: bool padded, or (0,). Raises KernelInputError."""
    z, stride, directions = terrain.heights, basins.stride, basins.directions
    rows = z.shape[0]
    unit, epsilon = fixed_point(terrain.top_m, epsilon_m)
    units = workspace.take("units", (rows + 2) * stride, np.int32)
    units[:stride] = units[-stride:] = 0
    by_rows(carving.to_units, rows, z, np.float32(1.0 / unit), stride, units)
    if not _pushed(basins, units, fixed, epsilon):
        degree = inflows(directions, stride, rows, workspace)
        if not carving.sweep_down(
            directions, steps_of(stride), stride, degree, basins.labels, basins.undrained, units, fixed, epsilon
        ):
            raise KernelInputError(f"epsilon_m = {epsilon_m:g} over so many cells leaves the range of heights.")
    out = np.empty(z.shape, np.float32)
    totals = workspace.take("totals", rows, np.float64)
    done = by_rows(carving.write_back, rows, z, units, unit, directions, stride, out, totals)
    stuck = 0
    if fixed.size:
        stuck = sum(by_rows(carving.count_stuck, rows, directions, steps_of(stride), stride, units, epsilon))
    changed, deepest, border = (column for column in zip(*done, strict=True))
    return _as_given(terrain, out), Cuts(sum(changed), max(deepest), float(totals.sum()), max(border), epsilon * unit, stuck)


def _pushed(basins: Basins, units: np.ndarray, fixed: np.ndarray, epsilon: int) -> bool:
    """Whether few steps sufficed; cells lowered so far are right to be so in any case."""
    rows, stride, steps = basins.shape[0], basins.stride, steps_of(basins.stride)
    budget = int(_STEPS_PER_CELL * units.size)
    common = (basins.directions, steps, stride, basins.labels, basins.undrained, units, fixed, epsilon, budget)
    if not all(by_rows(carving.push_rows, rows, *common)):
        return False
    seams = np.array([first for first, _ in threads.bands(rows)[1:]], np.int64)
    if seams.size and not carving.push_edges(seams, *common):
        return False
    return carving.push_basins(
        basins.order, basins.reached, basins.pits, basins.inner, basins.directions, steps, units, fixed, epsilon, budget
    )


def inflows(directions: np.ndarray, stride: int, rows: int, workspace: Workspace) -> np.ndarray:
    """uint8 padded: how many cells drain directly into each."""
    degree = workspace.take("degree", directions.size, np.uint8)
    degree[: stride + 1] = degree[-stride - 1 :] = 0
    by_rows(accumulation.count_inflows, rows, directions, stride, degree)
    return degree


def accumulated(directions: np.ndarray, stride: int, shape: tuple[int, int], workspace: Workspace) -> np.ndarray:
    """float32 (rows, cols): cells that drain through each, itself included; 0 for no data."""
    rows = shape[0]
    degree = inflows(directions, stride, rows, workspace)
    area = workspace.take("area", directions.size, np.int32)
    steps = steps_of(stride)
    by_rows(accumulation.drain_rows, rows, directions, steps, stride, _CELLS_AT_ONCE, degree, area)
    seams = np.array([first for first, _ in threads.bands(rows)[1:]], np.int64)
    accumulation.drain_seams(seams, directions, steps, stride, degree, area)
    out = np.empty(shape, np.float32)
    if not all(by_rows(accumulation.counted, rows, directions, stride, degree, area, out)):
        raise KernelInputError("The receivers run in a circle; pass those of `flow_receivers`.")
    return out


def directions_from(given: np.ndarray, workspace: Workspace) -> tuple[np.ndarray, int]:
    """Padded directions of int32 receivers, and their stride. Raises KernelInputError for what is no neighbor."""
    rows, cols = given.shape
    stride = stride_of(rows, cols)
    directions = workspace.take("directions", (rows + 2) * stride, np.uint8)
    if not all(by_rows(directions_of, rows, given, stride, directions)):
        raise KernelInputError("The receivers point to cells that are no neighbors; pass those of `flow_receivers`.")
    return directions, stride
