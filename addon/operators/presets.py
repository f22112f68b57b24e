"""Presets of the settings as files, through Blender's own preset system: Python files in its folders of presets.

The shipped ones lie in `addon/presets` and cannot be removed; the artist's own lie where Blender keeps presets, in
`presets/photo_to_terrain` of the user's scripts. A preset holds all settings that say how a terrain is made, none
that belongs to one picture.
"""

from __future__ import annotations

import ast
from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase

from ..properties import setting_names
from ..translations import later, tell, translated

SHIPPED = Path(__file__).parent.parent / "presets"

SUBFOLDER = "photo_to_terrain"

GROUP = "settings"
"""The name that a preset file gives to the group of settings."""

OF_ONE_PICTURE = ("mean_slope_deg", "dx_m")
"""Expert settings that no preset holds."""

PRESET_NAMES = ("resolution", *(name for name in setting_names(expert=True) if name not in OF_ONE_PICTURE))

UNNAMED = later("Custom")


def folders() -> list[Path]:
    """Where presets lie: the shipped ones, then the artist's."""
    return [SHIPPED, *(Path(path) for path in bpy.utils.preset_paths(SUBFOLDER))]


def preset_files() -> list[Path]:
    """All preset files, shipped ones first."""
    return [path for folder in folders() if folder.is_dir() for path in sorted(folder.glob("*.py"))]


def title_of(path: Path) -> str:
    """What the menu calls it."""
    return bpy.path.display_name(path.name, title_case=False)


def values_in(path: Path) -> dict[str, object]:
    """The settings in a preset file, read without running it. Raises OSError, SyntaxError, ValueError."""
    values = {}
    for line in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Attribute):
            values[line.targets[0].attr] = ast.literal_eval(line.value)
    return values


_read: dict[Path, tuple[float, dict[str, object]]] = {}
"""By file: when it was changed, and what is in it. The panel asks at every drawing."""


def remembered_values(path: Path) -> dict[str, object]:
    """Like `values_in`, read again only when the file has changed; empty when it cannot be read."""
    try:
        changed = path.stat().st_mtime
        if _read.get(path, (None,))[0] != changed:
            _read[path] = changed, values_in(path)
    except (OSError, SyntaxError, ValueError):
        return {}
    return _read[path][1]


def agrees(group: bpy.types.PropertyGroup, values: dict[str, object]) -> bool:
    """Whether the settings stand where a preset puts them."""
    def same(name: str, value: object) -> bool:
        now = getattr(group, name, None)
        return abs(now - value) < 1e-5 * max(1.0, abs(value)) if isinstance(value, float) else now == value

    return bool(values) and all(same(name, value) for name, value in values.items())


def chosen_preset(context: bpy.types.Context) -> Path | None:
    """The preset that the settings agree with, if there is one; the artist's own go before shipped ones."""
    group = context.scene.photo_to_terrain.settings
    return next((path for path in reversed(preset_files()) if agrees(group, remembered_values(path))), None)


class PHOTO_TO_TERRAIN_MT_presets(bpy.types.Menu):
    """Choose size and quality of the next terrain"""

    bl_label = "Presets"
    preset_subdir = SUBFOLDER
    preset_operator = "script.execute_preset"

    def draw(self, context):
        self.path_menu([str(folder) for folder in folders() if folder.is_dir()], self.preset_operator,
                       filter_ext=lambda ending: ending == ".py", display_name=lambda path: title_of(Path(path)))


class PHOTO_TO_TERRAIN_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Keep resolution and expert settings as a preset of your own; seed and known facts are not in it"""

    bl_idname = "photo_to_terrain.add_preset"
    bl_label = "Add Preset"
    preset_menu = "PHOTO_TO_TERRAIN_MT_presets"
    preset_subdir = SUBFOLDER
    preset_defines = [f"{GROUP} = bpy.context.scene.photo_to_terrain.settings"]
    preset_values = [f"{GROUP}.{name}" for name in PRESET_NAMES]


class PHOTO_TO_TERRAIN_OT_remove_preset(bpy.types.Operator):
    """Remove the chosen preset's file; the settings stay as they are"""

    bl_idname = "photo_to_terrain.remove_preset"
    bl_label = "Remove Preset"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return can_be_removed(chosen_preset(context))

    def execute(self, context):
        path = chosen_preset(context)
        try:
            path.unlink()
        except OSError as problem:
            self.report({"ERROR"}, tell("The preset cannot be removed ({problem}).", problem=problem))
            return {"CANCELLED"}
        return {"FINISHED"}


def can_be_removed(path: Path | None) -> bool:
    """Whether a preset is the artist's own."""
    return path is not None and path.parent != SHIPPED


def draw_presets(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The menu with the name of what is chosen, and buttons that add and remove."""
    chosen = chosen_preset(context)
    row = layout.row(align=True)
    row.menu(PHOTO_TO_TERRAIN_MT_presets.__name__, text=translated(title_of(chosen)) if chosen else UNNAMED)
    if chosen is None:
        row.operator(PHOTO_TO_TERRAIN_OT_add_preset.bl_idname, text="", icon="ADD")
    elif can_be_removed(chosen):
        row.operator(PHOTO_TO_TERRAIN_OT_remove_preset.bl_idname, text="", icon="REMOVE")


CLASSES = (PHOTO_TO_TERRAIN_MT_presets, PHOTO_TO_TERRAIN_OT_add_preset, PHOTO_TO_TERRAIN_OT_remove_preset)
