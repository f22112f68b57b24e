"""Terrain kernels: arrays in, arrays out; NumPy and Numba, nothing of photographs, networks or Blender.

breach       breach                                     carve a way out of every depression
fill         fill, water_depth, mean_depression_depth   standing water
flow         flow_receivers, flow_accumulation          where water goes
view_bound   view_bound                                 the height above which hidden ground would be seen
shadow       cast_shadow                                what the sun does not reach
rasterize    rasterize_surface                          a surface seen from above on a grid, upper envelope
derivatives  slope, aspect, laplacian, curvature        shape of the surface
raycast      render_range and others                    pictures of a heightfield
errors       KernelInputError                           what all of the above raise for bad input

`from kernels.breach import breach`; after `import kernels`, modules load when first named (`kernels.breach.breach`).
"""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = ("breach", "derivatives", "errors", "fill", "flow", "rasterize", "raycast", "shadow", "view_bound")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name == "KernelInputError":
        return importlib.import_module(".errors", __name__).KernelInputError
    raise AttributeError(f"module 'kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_MODULES, "KernelInputError"]
