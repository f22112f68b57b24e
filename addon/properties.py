"""The artist's choices as Blender properties, made from the settings that the backend takes."""

from dataclasses import Field, fields
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..backend.contract.settings import TerrainSettings
from .compatibility import PATH_OPTIONS
from .operators.launching import warm_up

PLAIN = ("resolution", "seed", "mask_path")
"""Settings that have a place of their own: beside the big button, in the fold of the mask."""

PANEL_FIELDS = tuple(f for f in fields(TerrainSettings) if f.metadata["panel"])
"""Settings that an artist chooses; the others are filled in for a run that asks for them."""


def setting_names(*, expert: bool) -> list[str]:
    """Names of the settings in the expert fold, or of those in the fold of known facts."""
    return [f.name for f in PANEL_FIELDS if f.metadata["expert"] is expert and f.name not in PLAIN]


def property_for(f: Field) -> Any:
    """One setting as a Blender property with its label, tooltip, limits and unit."""
    said = f.metadata
    text = {"name": said["label"], "description": said["description"]}
    if said["choices"]:
        return EnumProperty(items=[(c, c.replace("_", " ").capitalize().replace("Ddpm", "DDPM"), "") for c in said["choices"]],
                            default=f.default, **text)
    kind = type(f.default)
    if kind is bool:
        return BoolProperty(default=f.default, **text)
    if kind is str:
        is_path = f.name.endswith("_path")
        return StringProperty(default=f.default, subtype="FILE_PATH" if is_path else "NONE",
                              options=PATH_OPTIONS if is_path else set(), **text)
    limits = {"min": said["min"], "max": said["max"]}
    if kind is int:
        return IntProperty(default=f.default, **limits, **text)
    if f.name.endswith("_deg"):
        text["name"] += " (°)"
    return FloatProperty(default=f.default, subtype="DISTANCE" if f.name.endswith("_m") else "NONE", precision=2,
                         **limits, **text)


PhotoToTerrainSettings = type("PhotoToTerrainSettings", (bpy.types.PropertyGroup,), {
    "__doc__": "The settings of the next terrain",
    "__annotations__": {f.name: property_for(f) for f in PANEL_FIELDS},
})


def picture_chosen(_: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Start loading what the button will need."""
    warm_up(context)


class PhotoToTerrainScene(bpy.types.PropertyGroup):
    """What a scene remembers: the picture, where files go, and the settings."""

    picture: StringProperty(name="Picture", description="Photograph or painting of a landscape with mountains",
                            subtype="FILE_PATH", options=PATH_OPTIONS, update=picture_chosen)
    folder: StringProperty(
        name="Files in", subtype="DIR_PATH", options=PATH_OPTIONS,
        description="Folder for heights, report and preview of each terrain; empty uses the add-on's own folder")
    further: IntProperty(name="How Many More", default=3, min=1, max=16,
                         description="How many further variations are made in one go, one after the other")
    settings: PointerProperty(type=PhotoToTerrainSettings)
    mask: PointerProperty(type=bpy.types.Image, name="Mask",
                          description="Red sky, green land, blue foreground of the picture; what was painted on it counts")
    use_mask: BoolProperty(name="Use What Was Painted", default=True,
                           description="Off: the next run takes the masks as they were found; what was painted is kept")
    mask_picture: FloatProperty(name="Picture", default=0.6, min=0.0, max=1.0, subtype="FACTOR",
                                description="How strongly the picture shows over its mask while painting, 0 to 1")


def read(group: bpy.types.PropertyGroup) -> TerrainSettings:
    """The settings in a property group. Raises BadSettings."""
    values = {f.name: getattr(group, f.name) for f in PANEL_FIELDS}
    # Blender keeps float32: 0.1 comes back as 0.10000000149, which would be another cache key and another limit.
    values = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in values.items()}
    if values["mask_path"]:
        values["mask_path"] = bpy.path.abspath(values["mask_path"])
    return TerrainSettings(**values)


def write(group: bpy.types.PropertyGroup, settings: TerrainSettings) -> None:
    """Put settings into a property group."""
    for f in PANEL_FIELDS:
        setattr(group, f.name, getattr(settings, f.name))
