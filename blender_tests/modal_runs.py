"""The modal operator as a window would run it, with stand-ins for what only a window has."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from types import FunctionType, SimpleNamespace

import bpy


class Window:
    """What `execute` and `modal` need of a window manager: timers."""

    def __init__(self):
        self.timers = []

    def event_timer_add(self, seconds, window):
        self.timers.append(object())
        return self.timers[-1]

    def event_timer_remove(self, timer):
        self.timers.remove(timer)

    def modal_handler_add(self, operator):
        pass


@contextlib.contextmanager
def modal_run(part, monkeypatch, scene: bpy.types.Scene, kind: type | None = None, **values: object) -> Iterator[tuple]:
    """Start an operator. Gives (operator, context, manager, tick); tick sends it one event and returns what it says.

    kind: one that makes terrains; the big button's when None.   values: of its properties.
    """
    generate, waiting = part("operators.generate"), part("operators.waiting")
    manager = Window()
    fake_app = SimpleNamespace(background=False, timers=SimpleNamespace(
        is_registered=lambda f: True, register=lambda f, **k: None))
    fake_context = SimpleNamespace(scene=scene, window=None, area=None, window_manager=manager,
                                   preferences=bpy.context.preferences, view_layer=bpy.context.view_layer)
    monkeypatch.setattr(generate, "bpy", SimpleNamespace(
        app=fake_app, data=bpy.data, types=bpy.types, path=bpy.path, context=fake_context))
    monkeypatch.setattr(waiting, "bpy", SimpleNamespace(types=bpy.types, context=fake_context))
    for module in (generate, waiting):
        monkeypatch.setattr(module, "redraw", lambda: None)
    kind = kind or generate.PHOTO_TO_TERRAIN_OT_generate
    operator = SimpleNamespace(said=[], **values)
    operator.report = lambda level, text: operator.said.append((level, text))
    for ours in reversed(kind.__mro__):
        if ours.__module__ in (kind.__module__, generate.__name__, waiting.__name__):
            for name, value in vars(ours).items():
                if isinstance(value, FunctionType):
                    setattr(operator, name, value.__get__(operator))
                elif isinstance(value, waiting.Timers):
                    setattr(operator, name, value)
    assert kind.execute(operator, fake_context) == {"RUNNING_MODAL"}

    def tick(event: str = "TIMER", value: str = "NOTHING"):
        return kind.modal(operator, fake_context, SimpleNamespace(type=event, value=value))

    try:
        yield operator, fake_context, manager, tick
    finally:
        waiting.end_timers()


def run_to_end(tick, pause_s: float = 0.05, patience_s: float = 60.0):
    """Tick until the operator ends. Returns how."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        state = tick()
        if state != {"PASS_THROUGH"}:
            return state
        time.sleep(pause_s)
    raise AssertionError("never ended")
