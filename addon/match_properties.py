"""The handles of a terrain's matched camera as properties of its collection.

Handles are not stored: they read and move the camera and the terrain object (scene/pose.py). What the panel itself
remembers (overlay on or off, tolerance, the known fact) is stored with the collection.
"""

import atexit
import math

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty

from .scene import pose
from .scene import result_collections as places
from .scene.ridge_lines import TOLERANCE_M

PREFIX = "photo_to_terrain_"
"""Of the names of a collection's properties."""

FACTS = (
    ("ABOVE_CAMERA", "Above the Camera", "This point is so many meters above the camera; negative is below"),
    ("ABOVE_LOWEST", "Above the Lowest Ground", "This point is so many meters above the lowest visible ground"),
    ("DISTANCE", "From the Camera", "This point is so many meters from the camera, in a straight line"),
)


PITCH_LIMIT, ROLL_LIMIT = math.radians(80), math.radians(45)
"""The backend's, in radians."""


def within(value: float, limits: tuple[float, float]) -> float:
    """A script can write past a property's limits where the property has a setter; the sliders cannot."""
    return max(limits[0], min(limits[1], value))


def camera_of(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The camera of a terrain's collection."""
    return places.camera_in(collection)


def angle_handle(place: int, limit: float) -> dict[str, object]:
    """get and set for pitch (1) or roll (2)."""
    def get(self):
        camera = camera_of(self)
        return pose.angles(camera)[place] if camera else 0.0

    def put(self, value):
        camera = camera_of(self)
        if camera:
            angles = list(pose.angles(camera))
            angles[place] = within(value, (-limit, limit))
            pose.turn(camera, *angles)

    return {"get": get, "set": put}


def get_focal(self):
    camera = camera_of(self)
    return pose.focal_mm(camera) if camera else 0.0


def set_focal(self, value):
    camera = camera_of(self)
    if camera:
        pose.set_focal_mm(camera, within(value, pose.FOCAL_LIMITS_MM))


def get_field(self):
    focal = get_focal(self)
    return pose.field_of_view(focal) if focal else 0.0


def set_field(self, value):
    set_focal(self, pose.focal_of(within(value, (0.01, 3.1))))


def get_height(self):
    return places.camera_in(self).location.z - pose.ground_below(self) if pose.is_matched(self) else 0.0


def set_height(self, value):
    if pose.is_matched(self):
        places.camera_in(self).location.z = pose.ground_below(self) + value


def get_relief(self):
    return pose.relief_m(self) if pose.is_matched(self) else 0.0


def set_relief(self, value):
    if pose.is_matched(self):
        pose.resize(self, within(value, pose.RELIEF_LIMITS_M) / pose.relief_m(self))


HANDLES = {
    "focal_mm": FloatProperty(
        name="Focal Length (mm)", description="Focal length in millimeters as on a full frame (36 mm wide); zooms the camera",
        min=pose.FOCAL_LIMITS_MM[0], max=pose.FOCAL_LIMITS_MM[1], precision=1, step=20, options=set(), get=get_focal,
        set=set_focal),
    "fov_x": FloatProperty(
        name="Field of View", description="How wide the camera sees from left to right; the same as the focal length",
        subtype="ANGLE", min=pose.field_of_view(pose.FOCAL_LIMITS_MM[1]), max=pose.field_of_view(pose.FOCAL_LIMITS_MM[0]),
        precision=2, step=20, options=set(), get=get_field, set=set_field),
    "pitch": FloatProperty(
        name="Pitch", description="How far the camera looks up; negative is down", subtype="ANGLE", min=-PITCH_LIMIT,
        max=PITCH_LIMIT, precision=2, step=10, options=set(), **angle_handle(1, PITCH_LIMIT)),
    "roll": FloatProperty(
        name="Roll", description="How far the camera leans, clockwise seen from behind it", subtype="ANGLE",
        min=-ROLL_LIMIT, max=ROLL_LIMIT, precision=2, step=10, options=set(), **angle_handle(2, ROLL_LIMIT)),
    "height": FloatProperty(
        name="Above Ground", description="Height of the camera above the ground below it, in meters", subtype="DISTANCE",
        soft_min=0.0, min=-9000.0, max=20000.0, precision=2, step=100, options=set(), get=get_height, set=set_height),
    "relief": FloatProperty(
        name="Relief", description="Meters from the lowest to the highest visible ground. Scales the terrain with all "
        "distances, and the camera with it: the picture stays the same", subtype="DISTANCE", min=pose.RELIEF_LIMITS_M[0],
        max=pose.RELIEF_LIMITS_M[1], precision=1, step=500, options=set(), get=get_relief, set=set_relief),
}
"""By name without PREFIX. On the collection itself: in a property group, getters make Blender 4.2 to 5.0 as a Python module
crash or hang when it ends."""


class PhotoToTerrainMatch(bpy.types.PropertyGroup):
    """How ridges are shown, and the known fact."""

    show_ridges: BoolProperty(
        name="Ridge Overlay", description="Through the camera, draw the picture's skyline and inner ridges and those of the "
        "terrain", options=set())
    tolerance_m: FloatProperty(
        name="Tolerance", description="Ridges that are off by less, in meters at their distance, are drawn as right",
        subtype="DISTANCE", default=TOLERANCE_M, min=0.1, max=1000.0, precision=1, options=set())
    fact: EnumProperty(name="This Point Is", description="What is known of the point", items=FACTS, options=set())
    fact_m: FloatProperty(
        name="Meters", description="The known height or distance in meters", subtype="DISTANCE", default=1000.0,
        min=-9000.0, max=200000.0, precision=1, options=set())


def register() -> None:
    """Give every collection the handles; they read zeros where a collection is no terrain."""
    bpy.types.Collection.photo_to_terrain_match = PointerProperty(type=PhotoToTerrainMatch)
    for name, handle in HANDLES.items():
        setattr(bpy.types.Collection, PREFIX + name, handle)
    atexit.register(unregister)


def unregister() -> None:
    """Take all of them away again."""
    atexit.unregister(unregister)
    for name in ("match", *HANDLES):
        if hasattr(bpy.types.Collection, PREFIX + name):
            delattr(bpy.types.Collection, PREFIX + name)


def value_of(collection: bpy.types.Collection, name: str) -> float:
    """What a handle stands at."""
    return float(getattr(collection, PREFIX + name))
