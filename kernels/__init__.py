"""Terrain kernels: arrays in, arrays out; NumPy and Numba, nothing of photographs, networks or Blender.

breach       breach                                     carve a way out of every depression
fill         fill, water_depth, mean_depression_depth   standing water
depressions  resolve_depressions                        both, water depth, MDD and receivers from one basin graph
flow         flow_receivers, flow_accumulation          where water goes
view_bound   view_bound                                 the height above which hidden ground would be seen
shadow       cast_shadow                                what the sun does not reach
horizon      horizon_angle                              how high the terrain stands in a direction
rasterize    rasterize_surface, rasterize_points        triangles and points from above on a grid, upper envelope
derivatives  slope, aspect, laplacian, curvature        shape of the surface
raycast      render_range and others                    pictures of a heightfield
tiles        fill_tiles, accumulate_tiles and others    the same for terrains larger than memory
workspace    Workspace                                  scratch memory kept between calls
errors       KernelInputError                           what all of the above raise for bad input

Each is one public function with keywords `device` and `workspace`; the loops are in `kernels.cpu` and `kernels.cuda`.
Arrays of NumPy, PyTorch, CuPy and Numba come back as the same kind, from where they lie (`kernels.arrays`).
`from kernels.breach import breach`; after `import kernels`, modules load when first named (`kernels.breach.breach`).
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = (
    "arrays", "breach", "depressions", "derivatives", "errors", "fill", "flow", "horizon", "rasterize", "raycast", "shadow",
    "tiles", "view_bound", "workspace",
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name == "KernelInputError":
        return importlib.import_module(".errors", __name__).KernelInputError
    raise AttributeError(f"module 'kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_MODULES, "KernelInputError"]
