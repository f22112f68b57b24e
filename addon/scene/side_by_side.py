"""Terrains laid out next to each other, and back.

Only the objects' delta location is used: their own location, which the matched camera's handles read, stays what it is. The terrain
that was shown stays where it stands, with whatever an artist has built on it; the others go beside it, in their order.
"""

from __future__ import annotations

import math

import bpy

from . import result_collections as places
from .viewport import reach

MARK = "photo_to_terrain_side_by_side"
"""Custom property of the collection of all terrains: the key of the one that stays."""

DIMMED_MARK = "photo_to_terrain_dimmed"
"""Custom property of a sun that is off because another terrain's shines."""

GAP = 0.08
"""Between terrains, as a share of the largest."""

ROW = 4
"""So many stand in one row; more of them make a square."""


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether terrains are laid out."""
    root = places.find_root(scene)
    return root is not None and MARK in root


def mark(scene: bpy.types.Scene, stays: bpy.types.Collection) -> None:
    """From now on terrains are laid out, around this one; `arrange` moves them."""
    places.root_of(scene)[MARK] = stays[places.KEY_MARK]


def switch_on(scene: bpy.types.Scene) -> None:
    """Show all terrains next to each other."""
    shown = places.shown_result(scene) or places.results(scene)[0]
    mark(scene, shown)
    for collection in places.results(scene):
        places.hide(scene, collection, False)
    arrange(scene)
    light_only(scene, shown)


def switch_off(scene: bpy.types.Scene) -> None:
    """Put everything back to its place and show one terrain, the chosen one."""
    shown, root = places.shown_result(scene), places.find_root(scene)
    if root is not None and MARK in root:
        del root[MARK]
    for collection in places.results(scene):
        _move(collection, 0.0, 0.0)
        places.hide(scene, collection, shown is not None and collection != shown)
    light_only(scene, None)


def arrange(scene: bpy.types.Scene) -> None:
    """Give all shown terrains their places, when they are laid out: a row, or a square of rows."""
    if not is_on(scene):
        return
    shown = [c for c in places.results(scene) if not places.is_hidden(scene, c)]
    sizes = [extent(c) for c in shown]
    if not sizes:
        return
    wide, deep = ((1.0 + GAP) * max(size[axis] for size in sizes) for axis in (0, 1))
    columns = len(shown) if len(shown) <= ROW else math.ceil(math.sqrt(len(shown)))
    stays = places.root_of(scene)[MARK]
    fixed = next((n for n, c in enumerate(shown) if c[places.KEY_MARK] == stays), 0)
    for number, collection in enumerate(shown):
        _move(collection, wide * (number % columns - fixed % columns), -deep * (number // columns - fixed // columns))
    reach(math.hypot(columns * wide, math.ceil(len(shown) / columns) * deep))


def extent(collection: bpy.types.Collection) -> tuple[float, float]:
    """Width and depth of a terrain as it stands, in the scene's meters."""
    place, terrain = places.report_of(collection).get("terrain") or {}, places.terrain_in(collection)
    if terrain is None or not {"rows", "cols", "dx_m"} <= place.keys():
        return 1.0, 1.0
    scale = float(terrain.scale.z) * place["dx_m"]
    return scale * place["cols"], scale * place["rows"]


def frame_of(scene: bpy.types.Scene) -> tuple[tuple[float, float, float], float]:
    """The middle of all shown terrains and the length of their diagonal, in the scene's meters."""
    corners = []
    for collection in places.results(scene):
        terrain, place = places.terrain_in(collection), places.report_of(collection).get("terrain") or {}
        if terrain is None or places.is_hidden(scene, collection) or "min_m" not in place:
            continue
        scale, at = float(terrain.scale.z), terrain.location + terrain.delta_location
        left, far = (scale * v for v in place["origin_m"])
        wide, deep = extent(collection)
        corners += [(at.x + left, at.y + far - deep, at.z + scale * place["min_m"]),
                    (at.x + left + wide, at.y + far, at.z + scale * place["max_m"])]
    low, high = ([pick(values) for values in zip(*corners, strict=True)] for pick in (min, max))
    x, y, z = (0.5 * (a + b) for a, b in zip(low, high, strict=True))
    return (x, y, z), math.dist(low, high)


def light_only(scene: bpy.types.Scene, chosen: bpy.types.Collection | None) -> None:
    """Let only one terrain's sun shine while several are shown: suns light everything. None: each its own again."""
    for collection in places.results(scene):
        for thing in collection.objects:
            if thing.type != "LIGHT" or thing.data.type != "SUN":
                continue
            is_dimmed = is_on(scene) and chosen is not None and collection != chosen
            if is_dimmed and not thing.hide_render:
                thing.hide_viewport = thing.hide_render = True
                thing[DIMMED_MARK] = True
            elif not is_dimmed and DIMMED_MARK in thing:
                thing.hide_viewport = thing.hide_render = False
                del thing[DIMMED_MARK]


def _move(collection: bpy.types.Collection, x: float, y: float) -> None:
    """Put a terrain's objects so far from where they belong."""
    for thing in collection.objects:
        if thing.parent is None:
            thing.delta_location = (x, y, 0.0)
