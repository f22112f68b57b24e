"""Variations: the terrains of a scene, one collection each. Which one is shown, which are locked, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import result_collections as places
from . import side_by_side
from .matched_camera import frame_picture, render_size
from .result_folder import key_of, typed_pitch

LOCK_MARK, TITLE_MARK = "photo_to_terrain_locked", "photo_to_terrain_title"
"""Custom properties of a terrain's collection: whether it is locked, and the name we gave it."""

NAME_LENGTH = 40
"""Letters of a picture's name that go into names; Blender cuts names at 63 bytes."""

COPY = "/copy "
"""In keys, before the number of a terrain that stands beside a locked one of the same picture and seed."""

LARGEST_SEED = 2**31 - 1


def is_locked(collection: bpy.types.Collection) -> bool:
    """Whether a terrain stays as it is: no run replaces it, and it is not removed."""
    return bool(collection.get(LOCK_MARK))


def set_locked(collection: bpy.types.Collection, locked: bool) -> None:
    """Lock or unlock."""
    if locked:
        collection[LOCK_MARK] = True
    elif LOCK_MARK in collection:
        del collection[LOCK_MARK]


def find(scene: bpy.types.Scene, name: str) -> bpy.types.Collection | None:
    """The terrain whose collection has this name."""
    return next((c for c in places.results(scene) if c.name == name), None)


def distinctions(report: dict[str, Any], key: str = "") -> str:
    """What tells a terrain from others of its picture, such as "seed 3, region 1". key: the collection's own one, if any."""
    pitch, details = typed_pitch(report), details_of(report)
    words = [f"seed {report.get('seed', 0)}"]
    if details:
        words.append(f"details {details}")
    if pitch is not None:
        words.append(f"pitch {pitch:+.1f}°")
    words += [f"region {number + 1}" for number in range(len(report.get("regions") or []))][-1:]
    if COPY in key:
        words.append("copy " + key.rsplit(COPY, 1)[1])
    if report.get("unfinished"):
        words.append("unfinished")
    return ", ".join(words)


def details_of(report: dict[str, Any]) -> int:
    """The number of the details, 0 where they are those of the seed."""
    return int((report.get("settings") or {}).get("detail_seed") or 0)


def title_of(report: dict[str, Any], key: str = "") -> str:
    """A name for a terrain's collection."""
    return f"{Path(report['picture']['path']).stem[:NAME_LENGTH]}, {distinctions(report, key)}"


def own_name(collection: bpy.types.Collection) -> str:
    """The name an artist gave it; empty while it has ours."""
    return "" if collection.name == collection.get(TITLE_MARK, collection.name) else collection.name


def short_name(collection: bpy.types.Collection) -> str:
    """For narrow places: without the picture's name."""
    words = distinctions(places.report_of(collection), str(collection.get(places.KEY_MARK, "")))
    return own_name(collection) or words[:1].upper() + words[1:]


def make_room(scene: bpy.types.Scene, report: dict[str, Any]) -> tuple[str, str]:
    """Before a terrain comes in: remove the one it replaces, hide the others. Returns its key and its name.

    A locked terrain of the same key is not replaced: the new one becomes a copy. If that one is shown, both will be, side by
    side. The name an artist gave the replaced one stays.
    """
    same = key_of(report)
    locked = {c[places.KEY_MARK] for c in places.results(scene) if is_locked(c)}
    key = _free(same, locked)
    name = title_of(report, key)
    is_replaced = False
    for earlier in places.results(scene):
        if earlier[places.KEY_MARK] == key and not is_replaced:
            is_replaced, name = True, own_name(earlier) or name
            places.remove(earlier)
        elif earlier[places.KEY_MARK] == key:    # a duplicate of the artist's own is another terrain from now on
            earlier[places.KEY_MARK] = _free(same, {c[places.KEY_MARK] for c in places.results(scene)} | {key})
            places.hide(scene, earlier, not side_by_side.is_on(scene))
        elif places.is_hidden(scene, earlier) or side_by_side.is_on(scene):
            continue
        elif earlier[places.KEY_MARK] in locked and str(earlier[places.KEY_MARK]).split(COPY)[0] == same:
            side_by_side.mark(scene, earlier)
        else:
            places.hide(scene, earlier, True)
    return key, name


def _free(key: str, used: set[str]) -> str:
    """The key, or that of its first copy that is not used."""
    free, number = key, 1
    while free in used:
        number += 1
        free = f"{key}{COPY}{number}"
    return free


def sign(collection: bpy.types.Collection, key: str, report: dict[str, Any]) -> None:
    """Give a new terrain's collection its key, and the name we would give it, by which `own_name` knows an artist's."""
    collection[places.KEY_MARK] = key
    title = title_of(report, key)
    collection[TITLE_MARK] = collection.name if collection.name.startswith(title) else title


def choose(scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
    """Show a terrain through its own camera, and others only where all stand side by side."""
    if not side_by_side.is_on(scene):
        for other in places.results(scene):
            places.hide(scene, other, other != collection)
    elif places.is_hidden(scene, collection):
        places.hide(scene, collection, False)
        side_by_side.arrange(scene)
    camera = places.camera_in(collection)
    if camera is not None:
        scene.camera = camera
    report = places.report_of(collection)
    if report.get("camera") and report.get("picture"):
        frame_picture(scene, *render_size(report))
    side_by_side.light_only(scene, collection)


def take_out(scene: bpy.types.Scene, collection: bpy.types.Collection) -> bpy.types.Collection | None:
    """Remove a terrain. Returns the one that is shown then: where this one was, its neighbor in the list."""
    every = places.results(scene)
    place, was_shown = every.index(collection), places.shown_result(scene) == collection
    rest = every[:place] + every[place + 1:]
    places.remove(collection)
    if was_shown and rest:
        choose(scene, rest[min(place, len(rest) - 1)])
    return places.shown_result(scene)


def of_picture(scene: bpy.types.Scene, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Reports of all terrains of the same picture."""
    reports = [places.report_of(c) for c in places.results(scene)]
    return [r for r in reports if (r.get("picture") or {}).get("sha256") == report["picture"]["sha256"]]


def free_seeds(scene: bpy.types.Scene, report: dict[str, Any], count: int) -> list[int]:
    """The next seeds after a terrain's own that none of the same picture has."""
    used = {r.get("seed") for r in of_picture(scene, report)}
    found: list[int] = []
    seed = int(report["seed"])
    while len(found) < count:
        seed = 0 if seed >= LARGEST_SEED else seed + 1
        if seed not in used:
            found.append(seed)
    return found


def free_details(scene: bpy.types.Scene, report: dict[str, Any]) -> int:
    """The next number of details that no terrain of the same picture and seed has."""
    return 1 + max(details_of(r) for r in [report, *of_picture(scene, report)] if r.get("seed") == report["seed"])
