"""Turns the objects that travel between stages into arrays plus JSON and back; the file holds no code (no pickle).

What can be stored: None, bool, int, float, str, Path, tuples, lists, dicts with text keys, numpy arrays and scalars,
and the frozen dataclasses of `backend`, nested as they like. A file is an ordinary .npz with one more member, `tree`.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

OUR_PACKAGE = __name__.split(".", maxsplit=1)[0]


class DamagedObject(ValueError):
    """A stored object that cannot be read back: cut off, altered, or of another version of the program."""


def store(value: Any, target: BinaryIO) -> None:
    """Write `value` to an open binary file. Raises TypeError for what cannot be stored."""
    arrays: dict[str, np.ndarray] = {}
    tree = json.dumps(_to_tree(value, arrays))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
        archive.writestr("tree.json", tree)


def load(source: BinaryIO) -> Any:
    """Read back what `store` wrote; every byte is checked by the archive's CRC. Raises DamagedObject."""
    try:
        with zipfile.ZipFile(source) as archive:
            arrays = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    data = io.BytesIO(archive.read(name))
                    arrays[name[: -len(".npy")]] = np.lib.format.read_array(data, allow_pickle=False)
            return _from_tree(json.loads(archive.read("tree.json")), arrays)
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, AttributeError, ImportError) as problem:
        raise DamagedObject(str(problem)) from problem


def _to_tree(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """JSON for `value`; arrays go to `arrays` and leave their name. Containers are objects with one key, their kind."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("Arrays of Python objects cannot be stored.")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [_to_tree(item, arrays) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _to_tree(item, arrays) for key, item in value.items()}}
    kind = type(value)
    if dataclasses.is_dataclass(value) and kind.__module__.split(".", maxsplit=1)[0] == OUR_PACKAGE:
        content = {f.name: _to_tree(getattr(value, f.name), arrays) for f in dataclasses.fields(value) if f.init}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": content}
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be stored.")


def _from_tree(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value behind `tree`. Dataclasses check themselves when made, so that a wrong content is refused here."""
    if not isinstance(tree, dict):
        return tree
    if "class" in tree:
        module_name, _, class_name = tree["class"].partition(":")
        if module_name.split(".", maxsplit=1)[0] != OUR_PACKAGE:
            raise ValueError(f"{module_name} is not one of our modules.")
        kind = getattr(importlib.import_module(module_name), class_name)
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            raise ValueError(f"{class_name} is no dataclass.")
        return kind(**{name: _from_tree(item, arrays) for name, item in tree["fields"].items()})
    (kind_name, content), = tree.items()
    if kind_name == "array":
        return arrays[content]
    if kind_name == "path":
        return Path(content)
    if kind_name == "dict":
        return {key: _from_tree(item, arrays) for key, item in content.items()}
    items = [_from_tree(item, arrays) for item in content]
    return tuple(items) if kind_name == "tuple" else items
