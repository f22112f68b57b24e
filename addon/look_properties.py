"""What the panel turns: the shown terrain's material and sun, which hold the values themselves.

Nothing is stored here but the size of the next bake: reading and writing goes to nodes and lamp, so that files, undo and an
artist's own hands on them never disagree with the panel.
"""

import atexit
import math

import bpy
from bpy.props import EnumProperty, FloatProperty

from . import shadow_watch
from .scene import result_collections as places
from .scene.light import SUN_AZIMUTH, SUN_ELEVATION, sun_direction, turn_sun
from .scene.material import AMOUNT, GRAZING, GRAZING_DEG, LOOK, SNOW_LINE, set_value, value_of
from .scene.shadow_mask import shown_material, sun_of

LOOKS = (
    ("PHOTO", "Photo and Ground", "The photograph where it saw the ground, painted ground elsewhere", 0),
    ("GROUND", "Ground Only", "Painted rock, scree, grass and snow everywhere", 1),
    ("EVIDENCE", "Evidence", "Seen in the picture (sand), seen but moved to let water run off (red), invented (blue), edited by "
     "you (violet)", 2),
    ("SHADOW", "Shadow Mask", "What other ground keeps from the sun, computed from the heights; follows the sun", 3),
    ("HEIGHT", "Height", "Colors of an atlas with contour lines", 4),
)

SIZES = tuple((str(n), f"{n} x {n}", f"{n * n / 1e6:.0f} million pixels, {n * n * 4 / 1e6:.0f} MB in memory", n)
              for n in (1024, 2048, 4096, 8192))


def read_node(self: bpy.types.Scene, name: str, otherwise: float) -> float:
    """A value node of the shown terrain's material."""
    material = shown_material(self)
    return otherwise if material is None else value_of(material, name)


def write_node(self: bpy.types.Scene, name: str, value: float) -> None:
    """Turn a value node; without a terrain nothing happens."""
    material = shown_material(self)
    if material is not None:
        set_value(material, name, value)


def get_look(self: bpy.types.Scene) -> int:
    """0 to 4."""
    return min(max(round(read_node(self, LOOK, 0.0)), 0), len(LOOKS) - 1)


def set_look(self: bpy.types.Scene, value: int) -> None:
    """Switch; the shadow mask begins to follow the sun."""
    write_node(self, LOOK, float(value))
    shadow_watch.watch()


def get_sun(self: bpy.types.Scene) -> tuple[float, float]:
    """Azimuth, elevation of the shown terrain's lamp in radians."""
    collection = places.shown_result(self)
    sun = sun_of(collection) if collection else None
    return (SUN_AZIMUTH, SUN_ELEVATION) if sun is None else sun_direction(sun)


def set_sun(self: bpy.types.Scene, azimuth: float, elevation: float) -> None:
    """Turn the lamp."""
    collection = places.shown_result(self)
    sun = sun_of(collection) if collection else None
    if sun is not None:
        turn_sun(sun, azimuth, elevation)
        shadow_watch.watch()


PREFIX = "photo_to_terrain_"

PROPERTIES = {
    "look": EnumProperty(name="Look", items=LOOKS, get=get_look, set=set_look, description="What the terrain shows"),
    "photo_amount": FloatProperty(
        name="Photo Amount", min=0.0, max=1.0, subtype="FACTOR",
        description="How much of the photograph lies on the ground that it shows",
        get=lambda self: read_node(self, AMOUNT, 1.0), set=lambda self, v: write_node(self, AMOUNT, v)),
    "grazing": FloatProperty(
        name="Grazing Fade", min=math.radians(0.5), max=math.radians(45.0), subtype="ANGLE",
        description="The photograph fades where its camera saw the ground more flatly than this: there its pixels are stretched",
        get=lambda self: math.radians(read_node(self, GRAZING, GRAZING_DEG)),
        set=lambda self, v: write_node(self, GRAZING, math.degrees(v))),
    "snow_line": FloatProperty(
        name="Snow Line", soft_min=-500.0, soft_max=9000.0, subtype="DISTANCE", step=1000, precision=0,
        description="Painted snow lies above this height, in meters of the terrain",
        get=lambda self: read_node(self, SNOW_LINE, 0.0), set=lambda self, v: write_node(self, SNOW_LINE, v)),
    "sun_azimuth": FloatProperty(
        name="Sun", soft_min=-math.pi, soft_max=math.pi, subtype="ANGLE", step=100,
        description="Where the terrain's sun lamp shines from, clockwise from straight ahead of the picture's camera",
        get=lambda self: get_sun(self)[0], set=lambda self, v: set_sun(self, v, get_sun(self)[1])),
    "sun_elevation": FloatProperty(
        name="Elevation", min=math.radians(0.1), max=math.radians(89.9), subtype="ANGLE", step=100,
        description="How high the terrain's sun lamp stands above the horizon",
        get=lambda self: get_sun(self)[1], set=lambda self, v: set_sun(self, get_sun(self)[0], v)),
    "bake_size": EnumProperty(name="Size", items=SIZES, default="2048", description="Pixels along each side of the baked image"),
}
"""Of every scene, under these names with PREFIX before them. Not in a group: see `register`."""


def register() -> None:
    """Give every scene the properties.

    Blender as a Python module crashes at its end (4.2) or hangs (4.5) over properties with functions of Python that are still
    there, and in 4.2 over those in a group always; so they are the scene's own and are taken away at exit at the latest.
    """
    for name, value in PROPERTIES.items():
        setattr(bpy.types.Scene, PREFIX + name, value)
    atexit.register(unregister)


def unregister() -> None:
    """Take them away again."""
    atexit.unregister(unregister)
    for name in PROPERTIES:
        if hasattr(bpy.types.Scene, PREFIX + name):
            delattr(bpy.types.Scene, PREFIX + name)
