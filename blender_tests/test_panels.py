"""The panel in every state: what stands there, that all of it exists and works, and that every tooltip says something."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest

from blender_tests import panel_texts
from blender_tests.conftest import PICTURE
from blender_tests.drawn_panels import in_order, panels_of, shown_panels
from blender_tests.results import write_picture, write_result

STORY = ["Picture", "Generate", "Variations", "Refine", "Export"]

GENERATE = "photo_to_terrain.generate"


@pytest.fixture
def panel(addon, part, scene, python):
    """A function that draws the whole sidebar."""
    registration = part("registration")
    part("jobs").fail(None)
    yield lambda width=300: shown_panels(registration, width)
    part("jobs").fail(None)


@pytest.fixture
def with_result(scene, part, tmp_path, rough_heights):
    """A terrain in the scene, without picture chosen."""
    folder = write_result(tmp_path / "out", write_picture(tmp_path / "picture.png"), rough_heights)
    finished = part("scene.result_folder").read_result(folder)
    return part("steps").run(part("scene.result").result_steps(scene, finished))


def all_operators(drawn) -> list[str]:
    return [name for drawing in drawn.values() for name in drawing.operators]


def test_the_story_is_told_in_order(addon, part):
    panels = {cls.__name__: cls for cls in panels_of(part("registration"))}
    assert [cls.bl_label for cls in in_order(panels) if getattr(cls, "bl_parent_id", "") == "PHOTO_TO_TERRAIN_PT_terrain"] == STORY
    assert len(in_order(panels)) == len(panels)    # every parent exists
    orders = [(getattr(cls, "bl_parent_id", ""), getattr(cls, "bl_order", 0)) for cls in panels.values()]
    assert len(set(orders)) == len(orders)


def test_a_new_scene_asks_for_a_picture_and_nothing_else(panel):
    drawn = panel()
    assert list(drawn) == ["Photo to Terrain", "Picture"]
    assert all_operators(drawn) == ["photo_to_terrain.choose_picture"]


def test_with_a_picture_one_button_makes_the_terrain(panel, scene):
    scene.photo_to_terrain.picture = str(PICTURE)
    drawn = panel()
    assert list(drawn) == ["Photo to Terrain", "Picture", "Mask", "Known Facts", "Generate", "Expert"]
    assert drawn["Generate"].operators == [GENERATE]
    assert drawn["Generate"].properties == ["resolution", "seed"]
    assert "Standard 1024" in drawn["Generate"].texts


def test_every_setting_is_drawn_once(panel, scene, part):
    properties = part("properties")
    scene.photo_to_terrain.picture = str(PICTURE)
    scene.photo_to_terrain.settings.mask_path = "//mask.png"
    drawn = [name for drawing in panel().values() for name in drawing.properties]
    for field in properties.PANEL_FIELDS:
        assert drawn.count(field.name) == 1, field.name


@pytest.mark.parametrize("width", [200, 400])
def test_a_running_job_shows_how_far_it_is_and_two_ways_out(panel, scene, part, monkeypatch, with_result, width):
    scene.photo_to_terrain.picture = str(PICTURE)
    job = SimpleNamespace(
        fraction=0.4, title="", is_cancelling=False, is_placing=False, is_keeping=False, label="Polishing", text="round 2",
        remaining_s=7.2, seconds=12.0, is_terrain=True, can_keep=True, can_be_cancelled=True, is_over=False)
    monkeypatch.setattr(part("jobs"), "_job", job)
    drawn = panel(width)
    assert set(drawn["Generate"].operators) == {"photo_to_terrain.keep_draft", "photo_to_terrain.cancel"}
    assert {"Polishing", "round 2", "7 s left"} <= set(drawn["Generate"].texts)
    assert GENERATE not in all_operators(drawn)
    job.is_cancelling = True
    assert "Cancelling" in panel(width)["Generate"].texts
    job.remaining_s, job.is_cancelling = None, False
    assert "12 s so far" in panel(width)["Generate"].texts
    job.remaining_s = 400.0
    assert "7 min left" in panel(width)["Generate"].texts
    job.fraction = 0.0
    assert "The first start after an update takes longer" in panel(width)["Generate"].texts


def test_a_problem_stands_below_the_button_with_its_way_out(panel, part, scene):
    jobs, remedies = part("jobs"), part("operators.remedies").REMEDIES
    for picture in ("", str(PICTURE)):
        scene.photo_to_terrain.picture = picture
        for fix, operator in remedies.items():
            jobs.fail(jobs.Problem("any", "Something went wrong here.", fix))
            drawn = panel()["Generate"]
            assert operator in drawn.operators and "photo_to_terrain.dismiss" in drawn.operators
            assert "Something went wrong here." in " ".join(drawn.texts)


def test_a_finished_terrain_brings_the_rest_of_the_story(panel, with_result, scene):
    drawn = panel()
    assert [label for label in drawn if label in STORY] == ["Picture", "Variations", "Refine", "Export"]
    assert "1.2 px" in " ".join(drawn["Variations"].texts) or "1.3 px" in " ".join(drawn["Variations"].texts)
    scene.photo_to_terrain.picture = str(PICTURE)
    assert [label for label in panel() if label in STORY] == STORY


def test_hidden_terrains_are_offered_but_not_refined(panel, with_result, scene, part):
    places = part("scene.result_collections")
    places.hide(scene, places.results(scene)[0], True)
    drawn = panel()
    assert "Variations" in drawn and "Refine" not in drawn and "Export" not in drawn


def test_the_look_says_where_it_can_be_seen(panel, with_result):
    shading = next(area for area in bpy.data.screens[0].areas if area.type == "VIEW_3D").spaces[0].shading
    shading.type = "SOLID"
    assert "Material Preview" in panel()["Look"].texts
    shading.type = "MATERIAL"
    assert "Material Preview" not in panel()["Look"].texts
    shading.type = "SOLID"


def test_what_is_drawn_can_be_pressed(panel, with_result, scene):
    """Every button that stands in the panel answers to its poll, in one state or the other."""
    scene.photo_to_terrain.picture = str(PICTURE)
    missing = []
    for idname in set(all_operators(panel())):
        group, name = idname.split(".")
        if not getattr(getattr(bpy.ops, group), name).poll():
            missing.append(idname)
    assert set(missing) <= WAITING, missing


WAITING = {"photo_to_terrain.regenerate_region"}
"""Drawn gray until something is painted; its tooltip says so."""


def test_every_property_and_operator_has_a_tooltip_in_words(addon, part, scene):
    registration = part("registration")
    tips = {cls.bl_idname: panel_texts.description_of(cls) for cls in panel_texts.our_classes(registration)
            if issubclass(cls, bpy.types.Operator)}
    for name, prop in panel_texts.our_properties(registration):
        tips[name] = prop.description
        if prop.type == "ENUM":
            tips |= {f"{name}={item.identifier}": item.description for item in prop.enum_items
                     if name not in NEEDS_NO_ITEMS}
    bad = {name: tip for name, tip in tips.items() if len(tip.split()) < 2 or tip.endswith(".") or not tip[0].isalnum()}
    assert not bad, bad


NEEDS_NO_ITEMS = {"PhotoToTerrainSettings.sampler"}
"""Said in the property's own tooltip."""

UNITS = {"_m": "meter", "_deg": "degree", "_px": "pixel", "_s": "second"}


def test_units_are_said(addon, part, scene):
    for name, prop in panel_texts.our_properties(part("registration")):
        said = f"{prop.name} {prop.description}".lower()
        for ending, unit in UNITS.items():
            if prop.identifier.endswith(ending):
                assert unit in said or (ending == "_deg" and "°" in said), name
        if prop.type == "FLOAT" and prop.subtype == "DISTANCE":
            assert "meter" in said, name
        if prop.type in ("FLOAT", "INT") and prop.hard_max < 1e6 and not prop.is_readonly:
            assert prop.hard_min < prop.hard_max, name
