"""Photo to Terrain: one picture of mountains becomes the whole terrain.

This file becomes the `__init__.py` at the root of the zip. Blender 4.2 and newer read blender_manifest.toml; older ones
read `bl_info`. The version is put in when the zip is made.
"""

from .addon.needs import what_is_missing

if _missing := what_is_missing():
    raise ImportError(_missing)

from .addon.registration import register, unregister

bl_info = {
    "name": "Photo to Terrain",
    "description": "Turn one mountain picture into a full terrain mesh",
    "author": "Photo to Terrain developers",
    "version": (0, 0, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > Photo to Terrain",
    "category": "3D View",
}

__all__ = ["bl_info", "register", "unregister"]
