"""The matched camera's handles: focal length, pitch, roll, height above the ground, and the size of the terrain.

Nothing is stored twice: handles are read from the camera and the terrain object and write to them, so whatever moves
these moves the handles. Size: terrain, camera and sun are scaled about the terrain frame's origin, by one factor. Seen
from the camera all distances and heights grow alike, so the picture stays the same; heights still count from the lowest
visible ground at 0. The mesh keeps its meters, the object's scale holds the factor.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..compatibility import points_of
from . import result_collections as places
from .matched_camera import SENSOR_MM, place_camera
from .pinhole import Pinhole
from .result_folder import HeightGrid

FOCAL_LIMITS_MM = (4.0, 1200.0)
RELIEF_LIMITS_M = (1.0, 9000.0)
"""The backend takes up to 9000 m."""


def angles(camera: bpy.types.Object) -> tuple[float, float, float]:
    """Heading (0 = along +y, right is positive), pitch (up) and roll (clockwise seen from behind) in radians."""
    axes = camera.matrix_basis.to_3x3().normalized().transposed()
    right, up, back = axes[0], axes[1], axes[2]
    pitch = math.asin(max(-1.0, min(1.0, -back.z)))
    return math.atan2(-back.x, -back.y), pitch, math.atan2(-right.z, up.z)


def turn(camera: bpy.types.Object, heading: float, pitch: float, roll: float) -> None:
    """Turn a camera; the inverse of `angles`."""
    rotation = (Matrix.Rotation(-heading, 3, "Z") @ Matrix.Rotation(math.pi / 2 + pitch, 3, "X")
                @ Matrix.Rotation(-roll, 3, "Z"))
    if camera.rotation_mode == "XYZ":
        camera.rotation_euler = rotation.to_euler("XYZ", camera.rotation_euler)
    else:
        camera.matrix_basis = Matrix.LocRotScale(camera.location, rotation.to_quaternion(), camera.scale)


def focal_mm(camera: bpy.types.Object) -> float:
    """Focal length as on a full frame, 36 mm wide."""
    return camera.data.lens * SENSOR_MM / camera.data.sensor_width


def set_focal_mm(camera: bpy.types.Object, value: float) -> None:
    """Zoom. value: millimeters on a full frame."""
    camera.data.lens = value * camera.data.sensor_width / SENSOR_MM


def field_of_view(focal: float) -> float:
    """Horizontal field of view in radians of a full-frame focal length in mm."""
    return 2.0 * math.atan(0.5 * SENSOR_MM / focal)


def focal_of(field: float) -> float:
    """Full-frame focal length in mm of a horizontal field of view in radians."""
    return 0.5 * SENSOR_MM / math.tan(0.5 * field)


def size_of(collection: bpy.types.Collection) -> float:
    """How many times larger than solved the terrain is."""
    terrain = places.terrain_in(collection)
    return float(terrain.scale.z) if terrain is not None else 1.0


def solved_relief_m(report: dict[str, Any]) -> float:
    """Range of the visible ground's heights as solved; older reports only tell the expected one, or that of all ground."""
    place = report["terrain"]
    return float(place.get("visible_relief_m") or (report.get("prior") or {}).get("elevation_range_m")
                 or max(1.0, place.get("max_m", 0.0) - place.get("min_m", 0.0)))


def relief_m(collection: bpy.types.Collection) -> float:
    """Range of the visible ground's heights, as the terrain stands now."""
    return size_of(collection) * solved_relief_m(places.report_of(collection))


def resize(collection: bpy.types.Collection, factor: float) -> None:
    """Make everything of a terrain `factor` times as large and as far, about the origin of its frame."""
    terrain = places.terrain_in(collection)
    if terrain is None or not factor > 0:
        return
    origin = terrain.location.copy()
    for thing in collection.objects:
        if thing is not terrain and thing.parent is None:
            thing.location = origin + (thing.location - origin) * factor
    terrain.scale = terrain.scale * factor
    camera = places.camera_in(collection)
    if camera is not None:
        data = camera.data
        data.clip_end, data.clip_start = data.clip_end * factor, data.clip_start * factor
        data.display_size *= factor


def ground_below(collection: bpy.types.Collection) -> float:
    """Height of the ground below the camera in the scene's meters; of the nearest point where the camera stands outside."""
    terrain, camera = places.terrain_in(collection), places.camera_in(collection)
    report = places.report_of(collection)
    place, scale = report["terrain"], terrain.scale.z
    x, y, _ = (camera.location - terrain.location) / scale
    col = min(max(round((x - place["origin_m"][0]) / place["dx_m"]), 0), place["cols"] - 1)
    row = min(max(round((place["origin_m"][1] - y) / place["dx_m"]), 0), place["rows"] - 1)
    if len(terrain.data.vertices) == place["rows"] * place["cols"]:
        ground = terrain.data.vertices[row * place["cols"] + col].co.z
    else:
        ground = report["camera"]["position_m"][2] - report["camera"]["height_above_ground_m"]
    return terrain.location.z + scale * ground


def reset(collection: bpy.types.Collection) -> None:
    """Put camera and terrain back to what was solved."""
    terrain, camera, report = places.terrain_in(collection), places.camera_in(collection), places.report_of(collection)
    terrain.location = (0.0, 0.0, 0.0)
    terrain.rotation_euler = (0.0, 0.0, 0.0)
    resize(collection, 1.0 / terrain.scale.z)
    terrain.scale = (1.0, 1.0, 1.0)
    place = report["terrain"]
    place_camera(camera, report["camera"], place["dx_m"] * math.hypot(place["rows"], place["cols"]))


def is_matched(collection: bpy.types.Collection | None) -> bool:
    """Whether a collection has all that the handles need: terrain, camera and a report that says where they were."""
    if collection is None or places.terrain_in(collection) is None or places.camera_in(collection) is None:
        return False
    report = places.report_of(collection)
    place, view = report.get("terrain") or {}, report.get("camera") or {}
    return ({"rows", "cols", "dx_m", "origin_m"} <= place.keys()
            and {"position_m", "height_above_ground_m", "blender_euler_rad", "fov_x_deg", "width", "height"} <= view.keys())


def pinhole_of(collection: bpy.types.Collection) -> Pinhole:
    """The camera as it stands now, in the terrain's own frame and meters."""
    terrain, camera, view = (places.terrain_in(collection), places.camera_in(collection),
                             places.report_of(collection)["camera"])
    eye = np.array(camera.location - terrain.location, np.float64) / terrain.scale.z
    right, up, back = np.array(camera.matrix_basis.to_3x3().normalized().transposed(), np.float64)
    return Pinhole(eye, np.stack([right, -up, -back]), focal_mm(camera) / SENSOR_MM, view["height"] / view["width"])


def grid_of(collection: bpy.types.Collection) -> HeightGrid:
    """The terrain's heights as they are in the mesh now, in its own frame and meters."""
    place = places.report_of(collection)["terrain"]
    mesh = places.terrain_in(collection).data
    rows, cols = place["rows"], place["cols"]
    if len(mesh.vertices) == rows * cols:
        heights = np.ascontiguousarray(points_of(mesh)[:, 2]).reshape(rows, cols)
    else:
        heights = np.zeros((rows, cols), np.float32)
    return HeightGrid(heights, float(place["dx_m"]), tuple(place["origin_m"]))
