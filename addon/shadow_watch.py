"""Keeps the shadow mask true to the sun while it is shown: asks the backend, never waits for it in a window.

A timer looks at the sun lamp; one request is on its way at a time, and when its answer comes the newest direction is asked
for next. It ends when another look is chosen.
"""

from __future__ import annotations

import itertools
import math
import queue
import time
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ..backend.contract import messages
from ..backend.contract.errors import TerrainError
from . import environment, jobs, preferences
from .operators.launching import log_path, watch_idleness
from .process import BackendProcess
from .scene import result_collections as places
from .scene.light import sun_direction
from .scene.material import LOOK, SHADOW, pack_images, value_of
from .scene.shadow_mask import (
    NoMask,
    mask_of,
    show_mask,
    shown_material,
    step_for,
    sun_of,
    terrain_heights,
    write_heights,
)
from .scene.viewport import redraw

BUSY_S, IDLE_S = 0.03, 0.2
"""Seconds between looks at the queue, and at the lamp."""

PATIENCE_S = 30.0
"""The first answer waits for the backend's start and, once on each machine, for the kernel to be compiled."""

HEIGHTS_EVERY_S = 1.0

_asks = itertools.count(1)


@dataclass(frozen=True)
class Wish:
    """What a mask depends on. azimuth, elevation: degrees."""

    terrain: str
    azimuth: float
    elevation: float
    heights: int


@dataclass
class State:
    """What is known between two ticks; forgotten with the file."""

    shown: Wish | None = None
    asked: Wish | None = None
    ask: int = 0
    since: float = 0.0
    process: BackendProcess | None = None
    problem: str = ""
    heights: np.ndarray | None = None
    version: int = 0
    looked: float = -math.inf


state = State()


def watch() -> None:
    """Begin, if the mask is what a window shows. Costs nothing when it runs already."""
    if not bpy.app.background and is_shown(bpy.context.scene) and not bpy.app.timers.is_registered(tick):
        state.problem, state.asked, state.looked = "", None, -math.inf
        bpy.app.timers.register(tick, first_interval=0.0)


def forget() -> None:
    """Another file is loaded, or the add-on is switched off."""
    global state
    state = State()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


@persistent
def come_back(*_: object) -> None:
    """A file was loaded, or undo has brought the mask back."""
    watch()


@persistent
def keep_images(*_: object) -> None:
    """The file is about to be saved."""
    pack_images()


def follow() -> None:
    """Begin to hear of files and undo."""
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).append(listener)


def unfollow() -> None:
    """Hear of nothing any more."""
    forget()
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).remove(listener)


LISTENERS = (("undo_post", come_back), ("redo_post", come_back), ("save_pre", keep_images))


def is_shown(scene: bpy.types.Scene | None) -> bool:
    """Whether the terrain of this scene shows its shadow mask."""
    material = shown_material(scene) if scene else None
    return material is not None and round(value_of(material, LOOK)) == SHADOW


def tick() -> float | None:
    """One look at the queue and the lamp. Returns seconds until the next; None ends the timer."""
    scene = bpy.context.scene
    if not is_shown(scene):
        state.asked = None
        return None
    before = state.problem
    try:
        pursue(scene)
    except NoMask as problem:
        state.problem, state.asked = str(problem), None
    if state.problem != before:
        redraw()
    return BUSY_S if state.asked else IDLE_S


def cast_now(scene: bpy.types.Scene) -> None:
    """The mask for the sun as it is, waiting for it. Raises NoMask."""
    state.shown = state.asked = None
    state.looked, state.problem = -math.inf, ""
    pursue(scene)
    while state.asked:
        time.sleep(BUSY_S)
        pursue(scene)


def pursue(scene: bpy.types.Scene) -> None:
    """Take an answer if there is one; ask if the wish is another one than that. Raises NoMask, once for each wish."""
    if state.asked:
        take_answer(scene)
    if state.asked is None:
        wish = wish_of(scene)
        if wish != state.shown:
            state.shown = wish    # asked for once, also when it fails
            send(wish, scene)


def wish_of(scene: bpy.types.Scene) -> Wish:
    """What the mask should show now. Raises NoMask."""
    collection = places.shown_result(scene)
    terrain = places.terrain_in(collection) if collection else None
    if terrain is None:
        raise NoMask("There is no terrain to cast shadows.")
    sun = sun_of(collection)
    if sun is None:
        raise NoMask("The terrain's sun lamp is gone; undo, or make the terrain again.")
    if time.monotonic() - state.looked > HEIGHTS_EVERY_S:
        state.looked = time.monotonic()
        heights = terrain_heights(terrain, places.report_of(collection))
        if state.heights is None or not np.array_equal(heights, state.heights):
            state.heights, state.version = heights, state.version + 1
            try:
                write_heights(heights, heights_path())
            except OSError as problem:
                raise NoMask(f"The heights cannot be handed to the backend ({problem}).") from problem
    azimuth, elevation = (math.degrees(v) for v in sun_direction(sun))
    return Wish(terrain.name, round(azimuth, 3), round(elevation, 3), state.version)


def heights_path() -> Path:
    """A file of this session; Blender removes the folder at its end."""
    return Path(bpy.app.tempdir) / "photo_to_terrain_heights.npy"


def send(wish: Wish, scene: bpy.types.Scene) -> None:
    """Ask the backend. Raises NoMask when it cannot be started; a sun below the horizon leaves everything dark."""
    material = shown_material(scene)
    if material is None:
        raise NoMask("The terrain has another material now.")
    if wish.elevation <= 0.0:
        show_mask(material, np.ones((2, 2), bool))
        state.problem = ""
        return
    try:
        process = jobs.prepare(environment.find_python(preferences.backend_python(bpy.context)), environment.ROOT, log_path())
    except (TerrainError, OSError) as problem:
        raise NoMask(f"The shadow mask needs the backend, which cannot be started: {problem}") from problem
    watch_idleness()
    place = places.report_of(places.shown_result(scene))["terrain"]
    state.asked, state.ask, state.since, state.process = wish, next(_asks), time.monotonic(), process
    process.send(messages.shadow(state.ask, str(heights_path()), float(place["dx_m"]), wish.azimuth, wish.elevation,
                                 step_for(state.heights.shape)))


def take_answer(scene: bpy.types.Scene) -> None:
    """Show the answer to what was asked, if it has come. Raises NoMask when it says why not, or will never come."""
    while True:
        try:
            answer = state.process.side.get_nowait()
        except queue.Empty:
            break
        if answer.get("ask") == state.ask:
            state.asked = None
            mask = mask_of(answer)
            material = shown_material(scene)
            if material is not None:
                show_mask(material, mask)
                state.problem = ""
            return
    if not state.process.is_alive() or time.monotonic() - state.since > PATIENCE_S:
        state.asked = None
        raise NoMask("The backend stopped before it had computed the shadows. Choose Update to try again.")
