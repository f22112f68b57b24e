"""How a terrain object is shown and rendered, as properties of its collection.

Nothing is stored here: all of them read and write the object's modifiers and its material (scene/terrain_modifiers.py,
scene/render_detail.py), so that files, undo and a Blender without the add-on know the same.
"""

import atexit

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from .scene import render_detail, terrain_modifiers
from .scene import result_collections as places

PREFIX = "photo_to_terrain_"

DETAILS = (
    ("AUTO", "Automatic", "At most about a million points: all of 1024 x 1024, a quarter of 2048 x 2048", 0),
    ("1", "1/1", "All points", 1),
    ("2", "1/2", "Every second row and column: a quarter of the points", 2),
    ("4", "1/4", "Every fourth row and column: a sixteenth of the points", 4),
    ("8", "1/8", "Every eighth row and column", 8),
)


def ask(action, otherwise):
    """A property's `get`: ask the terrain object; `otherwise` where the collection has none."""
    def get(self):
        terrain = places.terrain_in(self)
        return otherwise if terrain is None else action(terrain)

    return get


def tell_it(action):
    """A property's `set`: tell the terrain object, if there is one."""
    def put(self, value):
        terrain = places.terrain_in(self)
        if terrain is not None:
            action(terrain, value)

    return put


def detail_shown(terrain: bpy.types.Object) -> int:
    """0, 1, 2, 4 or 8; another number that somebody has typed into the modifier reads as the next smaller one."""
    step = terrain_modifiers.detail_of(terrain) or 0
    return max(number for *_, number in DETAILS if number <= step)


PROPERTIES = {
    "detail": EnumProperty(
        name="Viewport", items=DETAILS, options=set(), get=ask(detail_shown, 0),
        set=tell_it(terrain_modifiers.set_detail),
        description="How many points of the terrain the 3D view shows in Object Mode. Renders, sculpting and painting always "
        "have all of them"),
    "edits": FloatProperty(
        name="Edits", min=0.0, max=1.0, subtype="FACTOR", options=set(), get=ask(terrain_modifiers.edits_of, 1.0),
        set=tell_it(terrain_modifiers.set_edits),
        description="How much of your sculpting counts: 1 as sculpted, 0 the heights as they were made. Nothing is lost"),
    "fine": BoolProperty(
        name="Finer in Cycles", options=set(), get=ask(render_detail.is_fine, False),
        set=tell_it(render_detail.set_fine),
        description="Cycles divides the ground until its pieces are as small as pixels and raises the painted ground's rocks "
        "from it. Renders need more memory and time"),
    "fine_px": FloatProperty(
        name="Piece Size (px)", min=0.5, max=64.0, soft_max=8.0, precision=1, options=set(),
        get=ask(render_detail.pixels_of, 1.0), set=tell_it(render_detail.set_pixels),
        description="Size in pixels of the pieces that Cycles divides the ground into; smaller needs more memory"),
}
"""By name without PREFIX. Not in a group: Blender as a Python module crashes at its end over getters in a group."""


def register() -> None:
    """Give every collection the properties; they read defaults where a collection is no terrain."""
    for name, value in PROPERTIES.items():
        setattr(bpy.types.Collection, PREFIX + name, value)
    atexit.register(unregister)


def unregister() -> None:
    """Take them away again."""
    atexit.unregister(unregister)
    for name in PROPERTIES:
        if hasattr(bpy.types.Collection, PREFIX + name):
            delattr(bpy.types.Collection, PREFIX + name)
