"""The heights of a finished terrain in the scene, as they were made."""

from __future__ import annotations

import bpy
import numpy as np

from . import result_collections as places
from .result_folder import DamagedResult, HeightGrid


def height_array(collection: bpy.types.Collection) -> HeightGrid:
    """The terrain's attribute `height` as the grid it came from, bit for bit. Raises DamagedResult with one sentence."""
    terrain, place = places.terrain_in(collection), places.report_of(collection).get("terrain", {})
    if terrain is None or not {"rows", "cols", "dx_m", "origin_m"} <= place.keys():
        raise DamagedResult("This terrain's mesh or report is gone. Undo, or make the terrain again.")
    if terrain.mode == "EDIT":
        raise DamagedResult("Leave Edit Mode first.")
    layer = terrain.data.attributes.get("height")
    rows, cols = int(place["rows"]), int(place["cols"])
    if layer is None or layer.data_type != "FLOAT" or len(layer.data) != rows * cols:
        raise DamagedResult(
            f"The mesh is no grid of {rows} x {cols} heights any more: points or the attribute \"height\" are gone. "
            "Undo, or make the terrain again.")
    heights = np.empty(rows * cols, np.float32)
    layer.data.foreach_get("value", heights)
    if not np.isfinite(heights).all():
        raise DamagedResult("The attribute \"height\" holds numbers that are no heights. Undo, or make the terrain again.")
    return HeightGrid(heights.reshape(rows, cols), float(place["dx_m"]), tuple(place["origin_m"]))


def in_scene_size(collection: bpy.types.Collection, grid: HeightGrid) -> HeightGrid:
    """The grid as large as the terrain stands in the scene: a known height or distance scales the object.

    Bit for bit the same when the object is not scaled. Raises DamagedResult when it is stretched more one way than the other.
    """
    x, y, z = places.terrain_in(collection).scale
    if (x, y, z) == (1.0, 1.0, 1.0):
        return grid
    if not (x > 0 and z > 0 and abs(x - y) <= 1e-6 * x):
        raise DamagedResult("The terrain is stretched sideways or mirrored: give its object the same positive scale in X and Y.")
    return HeightGrid(grid.heights * np.float32(z), grid.dx_m * x, (grid.origin_m[0] * x, grid.origin_m[1] * y))


def is_moved(collection: bpy.types.Collection, grid: HeightGrid) -> bool:
    """Whether somebody has moved the mesh's points up or down since it was made."""
    points = np.empty(3 * grid.heights.size, np.float32)
    places.terrain_in(collection).data.vertices.foreach_get("co", points)
    return not np.array_equal(points[2::3], grid.heights.ravel())
