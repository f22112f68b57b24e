"""The add-on's preferences: where the backend's Python is."""

import bpy
from bpy.props import StringProperty

from . import environment
from .environment import PACKAGE, BackendMissing
from .panels.wrapped_text import draw_text


class PHOTO_TO_TERRAIN_Preferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences below the add-on."""

    bl_idname = PACKAGE

    python: StringProperty(
        name="Backend Python", subtype="FILE_PATH",
        description="Python of the environment that `build.py setup` has made, or that environment's folder",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The path, and whether it works."""
        layout = self.layout
        layout.prop(self, "python")
        try:
            found = environment.find_python(bpy.path.abspath(self.python))
        except BackendMissing as problem:
            draw_text(layout, str(problem), context.region.width, icon="ERROR")
        else:
            layout.label(text=f"Uses {found}", icon="CHECKMARK")


def backend_python(context: bpy.types.Context) -> str:
    """The preference, or an empty string."""
    addon = context.preferences.addons.get(PACKAGE)
    return bpy.path.abspath(addon.preferences.python) if addon and addon.preferences else ""
