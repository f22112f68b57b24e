"""Where water goes: D8 receivers that always end at an outlet, and how many cells drain through each."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Device, choose, like, on_host
from .errors import KernelInputError, checked_positive


def flow_receivers(
    heights: Any,
    dx_m: float = 1.0,
    outlets: Any = None,
    *,
    nodata: Any = None,
    device: Device = "auto",
    workspace: Any = None,
) -> Any:
    """Flat index of the cell each cell drains to, steepest descent of 8 neighbors, led out of every depression.

    heights: float32 or float64 (rows, cols), m, finite.   dx_m: spacing; it changes nothing, since D8 compares drops.
    outlets: bool (rows, cols), cells that water leaves through (default: the border, and cells beside no data).
    nodata: bool (rows, cols), True where there is no terrain; NaN is allowed there, and the receiver is -1.
    device, workspace: see `kernels.arrays.choose` and `kernels.workspace.Workspace`.
    Returns int32 (rows, cols) of the caller's kind of array; following it ends at an outlet, which points to itself. Within a
    depression the way from the pit to the lowest pass is turned around (Cordonnier, Bovy and Braun 2019), so there it climbs.
    With `outlets`, ground that nothing joins to one keeps its steepest descent, and its pits point to themselves.
    Raises KernelInputError.
    """
    checked_positive(dx_m, "dx_m")
    if choose(device, heights) == "cuda":
        from .cuda import flow as cuda_flow

        return like(cuda_flow.route(heights, outlets=outlets, nodata=nodata, workspace=workspace), heights)
    from .cpu import basins, drainage

    scratch = drainage.scratch_of(workspace)
    found = basins.find_basins(drainage.checked_terrain(heights, outlets, nodata), scratch)
    basins.turn_ways(found)
    return like(drainage.receivers(found), heights)


def flow_accumulation(
    heights: Any,
    dx_m: float = 1.0,
    outlets: Any = None,
    *,
    receivers: Any = None,
    nodata: Any = None,
    device: Device = "auto",
    workspace: Any = None,
) -> Any:
    """How many cells drain through each, itself included, along `flow_receivers`: float32 (rows, cols), 0 for no data.

    receivers: int32 (rows, cols) of `flow_receivers`, if they are known already; heights then only give the shape.
    The rest as for `flow_receivers`. Counts are kept as integers, exact in float32 up to 2^24 cells. Raises KernelInputError,
    also for receivers that are no neighbors or run in a circle.
    """
    checked_positive(dx_m, "dx_m")
    if choose(device, heights) == "cuda":
        from .cuda import flow as cuda_flow

        counts = cuda_flow.accumulate(heights, outlets=outlets, nodata=nodata, receivers=receivers, workspace=workspace)
        return like(counts, heights)
    from .cpu import basins, drainage

    scratch = drainage.scratch_of(workspace)
    if receivers is not None:
        given = _checked_receivers(receivers, heights)
        directions, stride = drainage.directions_from(given, scratch)
        return like(drainage.accumulated(directions, stride, given.shape, scratch), heights)
    found = basins.find_basins(drainage.checked_terrain(heights, outlets, nodata), scratch)
    basins.turn_ways(found)
    return like(drainage.accumulated(found.directions, found.stride, found.shape, scratch), heights)


def _checked_receivers(receivers: Any, heights: Any) -> np.ndarray:
    given = on_host(receivers, "receivers")
    if given.dtype != np.int32 or given.ndim != 2 or given.size == 0:
        raise KernelInputError(f"The receivers must be an int32 grid with cells, not {given.dtype} of shape {given.shape}.")
    if given.shape != tuple(heights.shape):
        raise KernelInputError(f"The receivers have shape {given.shape}, the heights {tuple(heights.shape)}.")
    return np.ascontiguousarray(given)
