"""The settings as options of a command line, and back: the backend's `run` and Blender's command have the same names.

Standard library only: both sides import this file.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from .errors import BadSettings
from .settings import TerrainSettings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each setting and `--settings` for a file of them; limits are checked when the settings are made."""
    parser.add_argument("--settings", type=Path, help="JSON file with settings; options given here go first")
    group = parser.add_argument_group("settings")
    for field in dataclasses.fields(TerrainSettings):
        _add_setting(group, field)


def _add_setting(group: argparse._ArgumentGroup, field: dataclasses.Field[Any]) -> None:
    flag, kind, text = "--" + field.name.replace("_", "-"), type(field.default), field.metadata["description"]
    text = f"{text} (default: {field.default})".replace("%", "%%") if field.default != "" else text
    if kind is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
    else:
        group.add_argument(flag, type=kind, default=None, choices=field.metadata["choices"] or None, help=text,
                           metavar=None if field.metadata["choices"] else "N" if kind in (int, float) else "FILE")


def settings_of(options: argparse.Namespace) -> TerrainSettings:
    """Settings from the file, if any, and the options, which win. Raises BadSettings."""
    values: dict[str, Any] = {}
    if options.settings:
        try:
            text = options.settings.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise BadSettings(f"The settings file {options.settings} cannot be read.") from problem
        values = TerrainSettings.from_json(text).to_dict()
    for field in dataclasses.fields(TerrainSettings):
        given = getattr(options, field.name)
        if given is not None:
            values[field.name] = given
    return TerrainSettings.from_dict(values)
