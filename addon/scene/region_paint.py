"""The region of a terrain that shall be made anew: painted with Blender's own Vertex Paint, kept as a plain attribute.

While it is painted it is a color attribute: what the picture shows is sand-colored, the rest gray, the region orange. Otherwise
it is the attribute `region` (true inside), which costs a byte a point and stays in the file.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..compatibility import points_of, put
from . import result_collections as places
from .height_array import height_array
from .result_folder import DamagedResult, HeightGrid
from .terrain_modifiers import edits_of

REGION, COLORS = "region", "Region Paint"
"""Names of the attribute and, while painting, of the colors."""

HIDDEN, SEEN, PAINTED = (0.42, 0.44, 0.48), (0.62, 0.54, 0.48), (0.95, 0.22, 0.0)
"""Linear colors of hidden ground, seen ground and the region; blue alone tells whether a point is painted."""

HALF = 0.5
"""Strength from which a point belongs to the region, as in backend/completion/region_files.py."""


def is_painting(terrain: bpy.types.Object | None) -> bool:
    """Whether the terrain's region is being painted."""
    return terrain is not None and terrain.mode == "VERTEX_PAINT" and COLORS in terrain.data.attributes


def begin(collection: bpy.types.Collection) -> None:
    """Lay the colors over a terrain in Object Mode and make them the active ones. Raises DamagedResult."""
    grid = height_array(collection)
    mesh = places.terrain_in(collection).data
    lay_colors(mesh, region_of(mesh, grid.heights.size))


def lay_colors(mesh: bpy.types.Mesh, region: np.ndarray) -> None:
    """Show a region, bool (points,), in the colors to paint with."""
    colors = np.ones((region.size, 4), np.float32)
    colors[:, :3] = HIDDEN
    evidence = mesh.attributes.get("evidence")
    if evidence is not None:
        known = np.empty(region.size, np.int32)
        evidence.data.foreach_get("value", known)
        colors[known != 0, :3] = SEEN
    colors[region, :3] = PAINTED
    put(mesh, COLORS, "FLOAT_COLOR", "POINT", "color", colors)
    mesh.color_attributes.active_color = mesh.color_attributes[COLORS]
    mesh.update()


def end(mesh: bpy.types.Mesh) -> None:
    """Keep what was painted as `region` and take the colors away; nothing happens where there are none."""
    layer = mesh.attributes.get(COLORS)
    if layer is None:
        return
    region = region_of(mesh, len(layer.data))
    mesh.attributes.remove(layer)
    set_region(mesh, region)


def region_of(mesh: bpy.types.Mesh, count: int) -> np.ndarray:
    """bool (count,): the points painted, from the colors while there are some. Nothing painted: all False."""
    colors = mesh.attributes.get(COLORS)
    if colors is not None and colors.data_type == "FLOAT_COLOR" and len(colors.data) == count:
        values = np.empty((count, 4), np.float32)
        colors.data.foreach_get("color", values.ravel())
        full = HIDDEN[2] - PAINTED[2]
        return (HIDDEN[2] - values[:, 2]) / full >= HALF
    region = np.zeros(count, bool)
    layer = mesh.attributes.get(REGION)
    if layer is not None and layer.data_type == "BOOLEAN" and len(layer.data) == count:
        layer.data.foreach_get("value", region)
    return region


def set_region(mesh: bpy.types.Mesh, region: np.ndarray) -> None:
    """Keep a region, bool (points,); an empty one takes the attribute away."""
    if region.any():
        put(mesh, REGION, "BOOLEAN", "POINT", "value", region)
    elif REGION in mesh.attributes:
        mesh.attributes.remove(mesh.attributes[REGION])


def has_region(mesh: bpy.types.Mesh) -> bool:
    """Whether there is something painted, or being painted."""
    return REGION in mesh.attributes or COLORS in mesh.attributes


def heights_now(collection: bpy.types.Collection) -> HeightGrid:
    """The terrain as it stands: as made, bit for bit, where nobody has sculpted, else as far as sculpting counts.

    Raises DamagedResult, also where points were moved sideways: a grid cannot hold them.
    """
    grid = height_array(collection)
    terrain = places.terrain_in(collection)
    points = points_of(terrain.data)
    rows, cols = grid.heights.shape
    x = (grid.origin_m[0] + grid.dx_m * np.arange(cols)).astype(np.float32)
    y = (grid.origin_m[1] - grid.dx_m * np.arange(rows)).astype(np.float32)
    places_xy = points.reshape(rows, cols, 3)
    aside = max(float(np.abs(places_xy[..., 0] - x).max()), float(np.abs(places_xy[..., 1] - y[:, None]).max()))
    if aside > 0.5 * grid.dx_m:
        raise DamagedResult(f"Points were moved sideways by up to {aside:.0f} m; a region can only be made anew where they were "
                            "moved up or down.")
    amount = np.float32(edits_of(terrain))
    moved = places_xy[..., 2]
    heights = grid.heights + amount * (moved - grid.heights) if amount < 1 else moved
    heights = np.where(moved == grid.heights, grid.heights, heights).astype(np.float32)
    if not np.isfinite(heights).all():
        raise DamagedResult("Some points of the mesh are at no height. Undo, or make the terrain again.")
    return HeightGrid(np.ascontiguousarray(heights), grid.dx_m, grid.origin_m)
