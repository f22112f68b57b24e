"""The handles of a terrain's match by their short names, for tests."""

from __future__ import annotations

from typing import Any

import bpy


class Handles:
    """handles.pitch is collection.photo_to_terrain_pitch; what is no handle is looked for in the stored group."""

    def __init__(self, collection: bpy.types.Collection):
        object.__setattr__(self, "_collection", collection)

    def _owner(self, name: str) -> tuple[Any, str]:
        own = "photo_to_terrain_" + name
        return (self._collection, own) if hasattr(self._collection, own) else (self._collection.photo_to_terrain_match, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(*self._owner(name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(*self._owner(name), value)
