"""Terrain kernels: NumPy grids in and out, Numba inside.

Functions load on first use, so that importing the package costs nothing. Some share the name of their module (breach,
fill, view_bound): as an attribute of the package the name is always the function, whatever was imported before;
`from kernels.breach import breach` works as well.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_HOMES = {
    "KernelInputError": "errors",
    "breach": "breach",
    "fill": "fill",
    "water_depth": "fill",
    "mean_depression_depth": "fill",
    "flow_receivers": "flow",
    "flow_accumulation": "flow",
    "view_bound": "view_bound",
    "rasterize_surface": "rasterize",
    "cast_shadow": "shadow",
    "slope": "derivatives",
    "aspect": "derivatives",
    "laplacian": "derivatives",
    "curvature": "derivatives",
    "render_range": "raycast",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))


class _Package(ModuleType):
    """Importing kernels.breach would set the attribute `breach` to the module and hide the function: leave it unset."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
