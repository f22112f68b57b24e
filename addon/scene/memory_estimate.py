"""How much memory a terrain needs in Blender, before it is there. No bpy here.

Measured with `python -m benchmarks.terrain_memory`: the process's physical memory before and after, or its peak.
"""

from __future__ import annotations

from dataclasses import dataclass

MESH_BYTES = 240
RENDER_BYTES = 550
"""A point of the mesh with all attributes and UV maps; on top of that, a point while Cycles renders."""

FINE_BYTES, FINE_PIXEL_BYTES = 1700, 2200
"""With adaptive subdivision on top of that: a point, and a piece of ground."""

PIXEL_BYTES = 80
"""A pixel of any render."""

GB = 1e9


@dataclass(frozen=True)
class Needs:
    """GB beside what Blender itself holds. blender: the mesh, for good.   render: on top, while Cycles renders."""

    blender: float
    render: float


def needs(points: int, pixels: float = 0.0, piece_px: float = 0.0) -> Needs:
    """points: of the mesh.   pixels: of the render.   piece_px: size of the pieces of adaptive subdivision; 0 without."""
    render = points * RENDER_BYTES + pixels * PIXEL_BYTES
    if piece_px:
        render += points * FINE_BYTES + pixels / piece_px**2 * FINE_PIXEL_BYTES
    return Needs(points * MESH_BYTES / GB, render / GB)


def in_words(gb: float) -> str:
    """As coarse as an estimate deserves."""
    return f"{gb:.1f} GB" if gb >= 0.95 else f"{max(10, round(100 * gb) * 10)} MB"
