"""Draws the add-on's panels onto a stand-in for Blender's layout that checks what it is given and notes what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import bpy

ICONS = set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


class OperatorValues:
    """What `layout.operator` gives back: takes only properties that the operator has."""

    def __init__(self, idname: str):
        group, name = idname.split(".")
        object.__setattr__(self, "rna", getattr(getattr(bpy.ops, group), name).get_rna_type())

    def __setattr__(self, name: str, value: object) -> None:
        assert name in self.rna.properties, f"{self.rna.identifier} has no {name}"


@dataclass
class Drawing:
    """What a panel has shown."""

    operators: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class Layout:
    """The functions of a layout that panels here use; an unknown one is an error, as is an unknown icon or property."""

    def __init__(self, drawing: Drawing):
        self.drawing = drawing
        self.scale_y = self.scale_x = 1.0

    def inner(self, **_: object) -> Layout:
        return Layout(self.drawing)

    row = column = box = split = grid_flow = inner

    def _note(self, text: str | None, icon: str) -> None:
        assert icon in ICONS, icon
        if text:
            self.drawing.texts.append(text)

    def label(self, text: str = "", icon: str = "NONE", translate: bool = True) -> None:
        self._note(text, icon)

    def prop(self, data: object, name: str, text: str | None = None, icon: str = "NONE", **_: object) -> None:
        assert name in data.bl_rna.properties, f"{data} has no {name}"
        self._note(text, icon)
        self.drawing.properties.append(name)

    def prop_enum(self, data: object, name: str, value: str, text: str | None = None, icon: str = "NONE") -> None:
        assert value in data.bl_rna.properties[name].enum_items
        self.prop(data, name, text, icon)

    def operator(self, idname: str, text: str | None = None, icon: str = "NONE", **_: object) -> OperatorValues:
        self._note(text, icon)
        self.drawing.operators.append(idname)
        return OperatorValues(idname)

    def menu(self, name: str, text: str | None = None, icon: str = "NONE", **_: object) -> None:
        assert hasattr(bpy.types, name), name
        self._note(text, icon)

    def operator_menu_enum(self, idname: str, prop: str, text: str | None = None, icon: str = "NONE") -> OperatorValues:
        assert prop in OperatorValues(idname).rna.properties
        return self.operator(idname, text, icon)

    def progress(self, factor: float = 0.0, text: str = "", **_: object) -> None:
        assert 0.0 <= factor <= 1.0

    def template_icon(self, icon_value: int, scale: float = 1.0) -> None:
        assert icon_value >= 0

    def separator(self, **_: object) -> None:
        pass


class Context:
    """Blender's context with a region of a sidebar."""

    def __init__(self, width: int):
        self.region = SimpleNamespace(width=width)
        self.space_data = next(area for area in bpy.data.screens[0].areas if area.type == "VIEW_3D").spaces[0]

    def __getattr__(self, name: str) -> object:
        return getattr(bpy.context, name)


def panels_of(registration: ModuleType) -> list[type]:
    """All panels of the 3D view's sidebar, as registered."""
    return [cls for cls in registration.CLASSES
            if issubclass(cls, bpy.types.Panel) and cls.bl_space_type == "VIEW_3D" and cls.bl_region_type == "UI"]


def is_shown(cls: type, context: Context, panels: dict[str, type]) -> bool:
    """Whether a panel and all it lies in are drawn."""
    parent = panels.get(getattr(cls, "bl_parent_id", ""))
    return (not hasattr(cls, "poll") or bool(cls.poll(context))) and (parent is None or is_shown(parent, context, panels))


def draw(cls: type, context: Context) -> Drawing:
    """Let a panel draw; a stand-in has its methods, because Blender makes no panel for others."""
    drawing = Drawing()
    ours = [base for base in reversed(cls.__mro__) if base.__module__.startswith("bl_ext") or "photo_to_terrain" in base.__module__]
    members: dict[str, object] = {name: value for base in ours for name, value in vars(base).items()
                                  if isinstance(value, (staticmethod, classmethod, property)) or callable(value)}
    panel = type("Drawn", (), members)()
    panel.layout = Layout(drawing)
    panel.draw(context)
    return drawing


def shown_panels(registration: ModuleType, width: int = 300) -> dict[str, Drawing]:
    """What stands in the sidebar now, folds opened: label of every panel that is drawn, in order, and what it shows."""
    context = Context(width)
    panels = {cls.__name__: cls for cls in panels_of(registration)}
    return {cls.bl_label: draw(cls, context) for cls in in_order(panels) if is_shown(cls, context, panels)}


def in_order(panels: dict[str, type], parent: str = "") -> list[type]:
    """Panels as they stand below each other, folds after what they lie in."""
    key: Callable[[type], int] = lambda cls: getattr(cls, "bl_order", 0)    # noqa: E731
    inside = sorted((cls for cls in panels.values() if getattr(cls, "bl_parent_id", "") == parent), key=key)
    return [one for cls in inside for one in (cls, *in_order(panels, cls.__name__))]
