"""The panel in other languages, through Blender's own system: it asks the catalogs here for what Blender itself cannot translate.

Blender translates labels, names and tooltips that are plain text. A sentence with numbers or names in it goes through `tell`.
A catalog is `LANGUAGE.json` in this folder, {"English text": "translated text"}; English is in the code, so there is no catalog
of it. `blender_tests/test_translations.py` finds every text that a catalog lacks.
"""

from __future__ import annotations

import json
from pathlib import Path

import bpy

from ..environment import PACKAGE

FOLDER = Path(__file__).parent

CONTEXTS = ("*", "Operator")
"""Blender looks for names of buttons in the second one, for everything else in the first."""


def tell(text: str, **values: object) -> str:
    """A sentence in the user's language, `values` put in where it says {name}. text: English, a literal where it is called."""
    return translated(text).format(**values) if values else translated(text)


def later(text: str) -> str:
    """Marks a text of a table that is translated where it is drawn."""
    return text


def translated(text: str) -> str:
    """The text in the user's language, or as it is."""
    return str(bpy.app.translations.pgettext_iface(text))


def languages() -> list[str]:
    """ISO 639 codes of the languages there are catalogs for."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def catalog(language: str) -> dict[str, str]:
    """English text to translated text. Raises OSError, ValueError."""
    texts = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return {str(english): str(translation) for english, translation in texts.items()}


def register() -> None:
    """Hand the catalogs to Blender."""
    bpy.app.translations.register(PACKAGE, {
        language: {(context, english): text for english, text in catalog(language).items() for context in CONTEXTS}
        for language in languages()})


def unregister() -> None:
    """Take them back."""
    bpy.app.translations.unregister(PACKAGE)
