"""Standing water: the lowest surface without depressions, and how deep water would stand.

Once the basin graph is known, filling is one gather: each cell rises to the level of its basin, the highest pass on the
lowest way out (Barnes, Lehman and Mulla 2014 give the same surface by priority-flood; the tests compare with that).
"""

from __future__ import annotations

from typing import Any

from .arrays import Device, choose, like


def fill(heights: Any, outlets: Any = None, *, nodata: Any = None, device: Device = "auto", workspace: Any = None) -> Any:
    """The lowest surface over `heights` on which no cell is enclosed by higher ones, 8 neighbors counting.

    heights: float32 or float64 (rows, cols), m, finite.   outlets: bool (rows, cols) (default: the border cells, and cells
    beside no data).   nodata: bool (rows, cols), True where there is no terrain; those cells keep their value, NaN or not.
    device, workspace: see `kernels.arrays.choose` and `kernels.workspace.Workspace`.
    Returns float32 (rows, cols) of the caller's kind; cells out of depressions, and ground that nothing joins to one of the
    given outlets, keep their bits. Raises KernelInputError.
    """
    return _raised(heights, outlets, nodata, device, workspace, filled=True)[0]


def water_depth(heights: Any, outlets: Any = None, *, nodata: Any = None, device: Device = "auto", workspace: Any = None) -> Any:
    """Depth of the water that depressions hold, float32 (rows, cols) m, 0 on dry ground and where there is no data.

    Arguments as for `fill`. Raises KernelInputError.
    """
    return _raised(heights, outlets, nodata, device, workspace, depth=True)[1]


def mean_depression_depth(
    heights: Any, outlets: Any = None, *, nodata: Any = None, device: Device = "auto", workspace: Any = None
) -> float:
    """MDD (Pixels2Peaks 7.3): mean over all cells with data, dry ones included, of `water_depth`, m. Raises KernelInputError."""
    return _raised(heights, outlets, nodata, device, workspace)[2]


def _raised(
    heights: Any, outlets: Any, nodata: Any, device: Device, workspace: Any, filled: bool = False, depth: bool = False
) -> tuple[Any, Any, float]:
    if choose(device, heights) == "cuda":
        from .cuda import flow as cuda_flow

        surface, water, mean_m = cuda_flow.fill(heights, outlets=outlets, nodata=nodata, workspace=workspace)
        return like(surface, heights), like(water, heights), mean_m
    from .cpu import basins, drainage

    scratch = drainage.scratch_of(workspace)
    terrain = drainage.checked_terrain(heights, outlets, nodata)
    surface, water, total_m = drainage.raised(terrain, basins.find_basins(terrain, scratch), scratch, filled, depth)
    return like(surface, heights), like(water, heights), total_m / terrain.cells
