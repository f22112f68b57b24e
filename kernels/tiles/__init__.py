"""Terrains larger than memory, by tiles, with the results of the kernels for memory bit for bit.

fill_tiles             kernels.fill.fill                 depressions raised to their outlet
flow_directions_tiles  kernels.flow.flow_receivers       steepest descent, led out of depressions
accumulate_tiles       kernels.flow.flow_accumulation    how many cells drain through each
breach_tiles           kernels.breach.breach             a way carved out of every depression
survey                                                   the basin graph of a terrain, for several of the above at once

A terrain is a 2-D float32 or float64 array, anything that slices like one ([r0:r1, c0:c1], so a np.memmap or a small adapter
over a raster file), or the path of a .npy file, which is mapped a tile at a time. Results go to an array of the same shape or
to a .npy file. Modules load when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_FACES = {
    "Drainage": "drainage",
    "TilesCancelled": "storage",
    "accumulate_tiles": "faces",
    "breach_tiles": "faces",
    "fill_tiles": "faces",
    "flow_directions_tiles": "faces",
    "survey": "faces",
}


def __getattr__(name: str) -> Any:
    if name in _FACES:
        return getattr(importlib.import_module(f".{_FACES[name]}", __name__), name)
    raise AttributeError(f"module 'kernels.tiles' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_FACES)
