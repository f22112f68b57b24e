"""Every text that the add-on shows: from its sources, from what Blender has registered, and from the backend's contract."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import bpy

ADDON = Path(__file__).resolve().parents[1] / "addon"

TOLD = {"tell": 0, "translated": 0, "later": 0, "draw_text": 1, "report": 1, "poll_message_set": 0}
"""Function to the position of its text."""

DRAWN = {"label", "operator", "prop", "menu", "popover", "prop_menu_enum", "operator_menu_enum", "progress", "row", "column",
         "operator_enum", "prop_search", "prop_enum"}
"""Layout's functions, whose text is named."""

NEWS = {"progress", "report"}
"""The backend's functions that say how far a stage is."""

NAMED = ("text", "heading", "title")

PREFIX = "photo_to_terrain"

SILENT = {"rna_type", "name", "filepath", "directory", "filter_glob", "check_existing"}
"""Properties of operators and groups that Blender adds or names itself."""


def has_words(text: str) -> bool:
    """Whether there is something to translate: at least two letters beside each other."""
    return any(a.isalpha() and b.isalpha() for a, b in itertools.pairwise(text))


def in_sources(folder: Path = ADDON) -> Iterator[tuple[str, str]]:
    """Text, and where it is, of all calls that show one."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts = texts_of_call(node) if isinstance(node, ast.Call) else texts_of_label(node)
            for text in texts:
                yield text, f"{path.relative_to(folder)}:{node.lineno}"


def texts_of_call(node: ast.Call) -> Iterator[str]:
    """The plain texts that a call shows."""
    for argument in shown_arguments(node):
        yield from plain(list(ends_of(argument)))


def texts_of_label(node: ast.AST) -> Iterator[str]:
    """The plain texts that are put into an attribute `label` or `text`, which the panel draws."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "label":
        yield from plain([node.value] if node.value else [])
    elif isinstance(node, ast.Assign):
        targets = [part for target in node.targets for part in getattr(target, "elts", [target])]
        if any(isinstance(target, ast.Attribute) and target.attr == "label" for target in targets):
            yield from plain(getattr(node.value, "elts", [node.value]))


def plain(values: list[ast.expr]) -> Iterator[str]:
    """Those that are plain texts with words."""
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and has_words(value.value):
            yield value.value


def news_of_the_backend() -> Iterator[tuple[str, str]]:
    """What its stages say while they work."""
    for path in sorted((ADDON.parent / "backend").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NEWS:
                for text in plain(node.args[1:]):
                    yield text, f"backend/{path.name}:{node.lineno}"


def shown_arguments(node: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that people read."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in TOLD and len(node.args) > TOLD[name]:
        yield node.args[TOLD[name]]
    if name in DRAWN:
        yield from (keyword.value for keyword in node.keywords if keyword.arg in NAMED)


def ends_of(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression may be: the branches of a choice."""
    if isinstance(node, ast.IfExp):
        yield from ends_of(node.body)
        yield from ends_of(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from ends_of(value)
    else:
        yield node


def glued_in_sources(folder: Path = ADDON) -> Iterator[str]:
    """Where a shown sentence is put together with words in an f-string or a sum, so that nobody can translate it."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            for argument in shown_arguments(node):
                for value in ends_of(argument):
                    words = [part.value for part in ast.walk(value)
                             if isinstance(part, ast.Constant) and isinstance(part.value, str) and has_words(part.value)]
                    if isinstance(value, (ast.JoinedStr, ast.BinOp)) and words:
                        yield f"{path.relative_to(folder)}:{node.lineno} {words}"


def our_classes(registration: ModuleType) -> list[type]:
    """All that Blender has registered of us."""
    return list(registration.CLASSES)


def our_properties(registration: ModuleType) -> Iterator[tuple[str, bpy.types.Property]]:
    """Name with owner, and RNA, of every property that people see."""
    for cls in our_classes(registration):
        if issubclass(cls, (bpy.types.Operator, bpy.types.PropertyGroup, bpy.types.AddonPreferences)):
            rna = cls.bl_rna if not issubclass(cls, bpy.types.Operator) else operator_rna(cls)
            for prop in rna.properties:
                is_own = prop.identifier in all_annotations(cls)
                if is_own and prop.identifier not in SILENT and not prop.is_hidden and not is_group(prop):
                    yield f"{cls.__name__}.{prop.identifier}", prop
    for owner in (bpy.types.Scene, bpy.types.Collection, bpy.types.WindowManager, bpy.types.Object):
        for prop in owner.bl_rna.properties:
            if prop.identifier.startswith(PREFIX) and prop.type != "POINTER" and not prop.is_hidden:
                yield f"{owner.__name__}.{prop.identifier}", prop


def is_group(prop: bpy.types.Property) -> bool:
    """Whether it holds a group of ours, whose own properties are seen and it is not."""
    return prop.type == "POINTER" and prop.fixed_type.identifier.startswith("PhotoToTerrain")


def all_annotations(cls: type) -> set[str]:
    """Names of the properties that a class and its bases declare."""
    return {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}


def operator_rna(cls: type) -> bpy.types.Struct:
    """What Blender knows of an operator's properties."""
    group, name = cls.bl_idname.split(".")
    return getattr(getattr(bpy.ops, group), name).get_rna_type()


def description_of(cls: type) -> str:
    """An operator's tooltip."""
    return getattr(cls, "bl_description", "") or cls.__doc__ or ""


def registered(registration: ModuleType) -> Iterator[tuple[str, str]]:
    """Text, and whose it is, of classes and properties."""
    for cls in our_classes(registration):
        if getattr(cls, "bl_label", ""):
            yield cls.bl_label, cls.__name__
        if issubclass(cls, bpy.types.Operator):
            yield description_of(cls), cls.__name__
    for name, prop in our_properties(registration):
        yield prop.name, name
        yield prop.description, name
        if prop.type == "ENUM":
            for item in prop.enum_items:
                yield item.name, f"{name}={item.identifier}"
                yield item.description, f"{name}={item.identifier}"


def all_texts(registration: ModuleType, labels: list[str]) -> dict[str, str]:
    """Every text with words in it, and one place where it is shown. labels: further ones, of the backend."""
    found: dict[str, str] = {}
    stages = ((label, "backend") for label in labels)
    for text, place in [*in_sources(), *registered(registration), *news_of_the_backend(), *stages]:
        if has_words(text):
            found.setdefault(text, place)
    return found
