"""Settings check themselves, survive JSON, and every stage reads only what the cache knows it reads."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re

import pytest

from backend import pipeline
from backend.contract.errors import BadSettings, error_classes
from backend.contract.settings import TerrainSettings
from backend.contract.stages import STAGE_NAMES, STAGES, stage_index


def test_settings_survive_json():
    settings = TerrainSettings(resolution=512, fov_x_deg=61.5, fix_pitch=True, mask_path="a b/é.png")
    import json
    assert TerrainSettings.from_json(json.dumps(settings.to_dict())) == settings


@pytest.mark.parametrize("values", [
    {"resolution": 64}, {"resolution": 5000}, {"resolution": 512.5}, {"resolution": "512"}, {"resolution": True},
    {"fov_x_deg": math.nan}, {"fov_x_deg": math.inf}, {"sampler": "magic"}, {"fix_pitch": 1}, {"seed": -1},
    {"no_such_setting": 1}, {"mask_path": None},
])
def test_wrong_values_are_refused_with_a_sentence(values):
    with pytest.raises(BadSettings) as caught:
        TerrainSettings.from_dict(values)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "3"])
def test_json_that_is_no_settings(text):
    with pytest.raises(BadSettings):
        TerrainSettings.from_json(text)


def test_whole_numbers_are_taken_for_lengths():
    assert TerrainSettings(dx_m=8).dx_m == 8.0


def test_every_setting_names_a_stage_and_explains_itself():
    for field in dataclasses.fields(TerrainSettings):
        assert field.metadata["stage"] in STAGE_NAMES, field.name
        assert field.metadata["label"] and field.metadata["description"]


def test_shares_of_the_stages_add_up_and_match_the_story():
    assert sum(stage.share for stage in STAGES) == pytest.approx(1.0)
    assert [*(stage.name for stage in pipeline.STORY), "files"] == list(STAGE_NAMES)


def test_stages_read_only_settings_the_cache_knows_of():
    """A stage that reads a setting declared for a later stage would return stale results when that setting changes.

    Checked in the sources: what a stage's module (and what it imports from its own package) calls `settings.<name>`.
    """
    import importlib

    modules = {
        "segmentation": "backend.estimation.segmentation", "pointmap": "backend.estimation.pointmap",
        "cleaning": "backend.estimation.cleaning", "prior": "backend.estimation.priors",
        "camera": "backend.estimation.pose", "visible": "backend.estimation.rasterization",
        "bound": "backend.estimation.view_bound",
        "start": "backend.completion.procedural_start", "completed": "backend.completion.diffusion",
        "polished": "backend.completion.polish",
    }
    declared = {field.name: stage_index(field.metadata["stage"]) for field in dataclasses.fields(TerrainSettings)}
    for stage, name in modules.items():
        source = inspect.getsource(importlib.import_module(name))
        for setting in set(re.findall(r"\bsettings\.(\w+)", source)) & set(declared):
            assert declared[setting] <= stage_index(stage), f"{name} reads {setting}, which belongs to a later stage"


def test_every_error_has_a_code_of_its_own():
    classes = error_classes()
    assert len(classes) == len(set(classes.values())) and "internal" in classes
