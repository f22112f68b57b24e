"""Between the preferences, the set-up's operators and the panel: where the environment lies, what was found, what runs."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..backend.memory import needed_gb, total_and_free_gb
from . import compatibility, environment
from .installation import devices, offline, preflight, task
from .installation.package_table import Bill, read_bill
from .installation.place import Place
from .scene.viewport import redraw

TICK_S = 0.2

_preflight: preflight.Preflight | None = None


def place() -> Place:
    """Where the environment lies. Raises OSError."""
    return Place(compatibility.user_folder(environment.PACKAGE) / "backend")


def state() -> str:
    """One of the states of `installation.place`. Raises OSError."""
    return place().state(environment.ROOT / "requirements.txt")


def ready_python() -> Path | None:
    """The environment's Python when the environment is complete."""
    try:
        here = place()
        return here.python if task.current() is None and state() == "ready" else None
    except OSError:
        return None


def chosen_device(choice: str) -> str:
    """The device of a choice that may be AUTO; a bundle beside the add-on has chosen already."""
    bundle = offline.included(environment.ROOT)
    if bundle:
        return offline.read_card(bundle)["device"]
    return devices.best_device(devices.platform_tag()) if choice == "AUTO" else choice.lower()


def bill_for(device: str) -> Bill:
    """Sizes and licenses of a set-up."""
    return read_bill(devices.platform_tag(), device)


def is_online() -> bool:
    """Whether the user lets Blender use the network; Blenders before 4.2 do not ask."""
    return bool(getattr(bpy.app, "online_access", True))


def look_at_machine(again: bool = False) -> preflight.Preflight | None:
    """The measurement of this machine, begun now if there is none. None in a Blender without window that has not asked."""
    global _preflight
    if _preflight is None or again:
        try:
            _preflight = preflight.Preflight(place().data, total_and_free_gb)
        except OSError:
            return None
        watch()
    return _preflight


def outlooks(machine: preflight.Machine) -> list[preflight.Outlook]:
    """What each resolution would take here."""
    return preflight.outlooks(machine, needed_gb)


def watch() -> None:
    """Draw again while something runs."""
    if not bpy.app.background and not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK_S, persistent=True)


def tick() -> float | None:
    """Take in the news; ends when there is nothing to wait for."""
    running = task.current()
    if running:
        running.poll()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
    if task.current() or (_preflight and not _preflight.is_over):
        return TICK_S
    redraw()
    return None if not running else TICK_S    # once more: the page has not seen the end yet


def end() -> None:
    """The add-on goes away: whatever runs ends."""
    global _preflight
    task.forget()
    _preflight = None
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def backend_python(context: bpy.types.Context) -> str:
    """The Python the artist has named, else the one that Set Up has made, else an empty string."""
    addon = context.preferences.addons.get(environment.PACKAGE)
    named = bpy.path.abspath(addon.preferences.python) if addon and addon.preferences else ""
    return named or str(ready_python() or "")
