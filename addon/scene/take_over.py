"""A variation that is made from another terrain stands and looks like that one: what the artist has set by hand stays."""

from __future__ import annotations

import bpy

from .material import AMOUNT, GRAZING, LOOK, SNOW_LINE, is_ours, set_value, value_of
from .terrain_modifiers import detail_of, set_detail

PLACE = ("location", "rotation_mode", "rotation_euler", "rotation_quaternion", "scale")
LENS = ("lens", "sensor_width", "shift_x", "shift_y", "clip_start", "clip_end")
LIGHT = ("energy", "color", "angle")


def take_over(before: bpy.types.Collection, after: bpy.types.Collection) -> None:
    """Place, camera, light, look and viewport detail of a terrain for another one of the same grid."""
    for kind, fields in (("MESH", ()), ("CAMERA", LENS), ("LIGHT", LIGHT)):
        old, new = (next((thing for thing in c.objects if thing.type == kind), None) for c in (before, after))
        if old is None or new is None:
            continue
        copy_fields(old, new, PLACE)
        copy_fields(old.data, new.data, fields)
        if kind == "MESH":
            copy_look(old, new)


def copy_fields(source: bpy.types.ID, target: bpy.types.ID, names: tuple[str, ...]) -> None:
    """Copy simple values."""
    for name in names:
        setattr(target, name, getattr(source, name))


def copy_look(old: bpy.types.Object, new: bpy.types.Object) -> None:
    """What the material shows and how much of it, and how fine the viewport is."""
    if is_ours(old.active_material) and is_ours(new.active_material):
        for name in (LOOK, AMOUNT, GRAZING, SNOW_LINE):
            set_value(new.active_material, name, value_of(old.active_material, name))
    step = detail_of(old)
    if step is not None:
        set_detail(new, step)
