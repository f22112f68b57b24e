"""All texts of the panel can be translated, and the shipped catalogs are complete."""

from __future__ import annotations

import importlib
import json
import string

import bpy
import pytest

from blender_tests import panel_texts

LANGUAGES = ("de", "es")


@pytest.fixture
def texts(addon, part, scene) -> dict[str, str]:
    """Every text that the panel may show, to a place where it is shown."""
    stages = importlib.import_module(f"{addon.__name__}.backend.contract.stages")
    presets = part("operators.presets")
    titles = [presets.title_of(path) for path in presets.preset_files() if not presets.can_be_removed(path)]
    return panel_texts.all_texts(part("registration"), [*(stage.label for stage in stages.STAGES), *titles])


def fields(text: str) -> set[str]:
    """Names of the values that are put into a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_collector_finds_texts_of_every_kind(texts):
    assert {"Generate Terrain", "Picture", "Grid points along each side of the finished terrain", "Polishing",
            "Stop making this terrain; the scene stays as it was", "Cancel", "Photo and Ground"} <= texts.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalog_has_every_text(texts, part, language):
    catalog = part("translations").catalog(language)
    missing = {text: place for text, place in texts.items() if not catalog.get(text)}
    assert not missing, json.dumps(missing, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalog_has_nothing_that_is_not_shown(texts, part, language):
    assert not part("translations").catalog(language).keys() - texts.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_are_put_into_translations_too(part, language):
    for english, translation in part("translations").catalog(language).items():
        if fields(english):
            assert fields(english) == fields(translation), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_is_really_translated(part, language):
    catalog = part("translations").catalog(language)
    same = [english for english, translation in catalog.items() if english == translation]
    assert len(same) < 0.1 * len(catalog), same


def test_no_sentence_is_glued_together():
    assert not list(panel_texts.glued_in_sources())


def test_every_shipped_catalog_is_tested(part):
    assert part("translations").languages() == list(LANGUAGES)


def test_tell_puts_values_in(part, monkeypatch: pytest.MonkeyPatch):
    translations = part("translations")
    assert translations.tell("{n} of {m}", n=3, m="4 {x}") == "3 of 4 {x}"
    assert translations.tell("100 {percent}") == "100 {percent}"
    german = {"Cancel {n}": "{n} abbrechen"}
    monkeypatch.setattr(translations, "translated", lambda text: german.get(text, text))
    assert translations.tell("Cancel {n}", n=2) == "2 abbrechen"


@pytest.mark.skipif(not bpy.app.build_options.international, reason="this Blender has no translations")
def test_blender_takes_the_catalogs(addon, part, monkeypatch: pytest.MonkeyPatch):
    view = bpy.context.preferences.view
    before = view.language, view.use_translate_interface
    try:
        view.language, view.use_translate_interface = "de_DE", True
        assert part("translations").tell("Generate Terrain") != "Generate Terrain"
    finally:
        view.language, view.use_translate_interface = before
