"""How much memory a terrain needs in Blender, before it is there. No bpy here.

Measured with `python -m benchmarks.terrain_memory`: the process's physical memory before and after, or its peak.
"""

from __future__ import annotations

from dataclasses import dataclass

MESH_BYTES = 250
VIEWPORT_BYTES = 130
RENDER_BYTES = 420
FINE_BYTES = 420
"""A point of the mesh; a point that a viewport shows; a point in a Cycles render beside the mesh; a pixel that adaptive
subdivision fills with ground."""

GB = 1e9


@dataclass(frozen=True)
class Needs:
    """GB beside what Blender itself holds. blender: mesh and viewport, for good.   render: on top, while Cycles renders."""

    blender: float
    render: float


def needs(points: int, shown: int, fine_pixels: float = 0.0) -> Needs:
    """points: of the mesh.   shown: in the viewport.   fine_pixels: pixels of the render over the area of a piece; 0 without."""
    return Needs((points * MESH_BYTES + shown * VIEWPORT_BYTES) / GB, (points * RENDER_BYTES + fine_pixels * FINE_BYTES) / GB)


def in_words(gb: float) -> str:
    """As coarse as an estimate deserves."""
    return f"{gb:.1f} GB" if gb >= 0.95 else f"{max(10, round(100 * gb) * 10)} MB"
