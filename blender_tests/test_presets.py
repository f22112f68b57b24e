"""Presets are files in Blender's own preset system: shipped ones, and the artist's own, added, chosen and removed."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest


@pytest.fixture
def presets(part):
    """The module; the artist's own presets are gone afterwards."""
    module = part("operators.presets")
    label = module.PHOTO_TO_TERRAIN_MT_presets.bl_label
    yield module
    module.PHOTO_TO_TERRAIN_MT_presets.bl_label = label    # Blender writes the last choice there
    for path in module.preset_files():
        if module.can_be_removed(path):
            path.unlink()


def choose(presets, path: Path) -> set[str]:
    """What a click in the menu does."""
    return bpy.ops.script.execute_preset(filepath=str(path), menu_idname=presets.PHOTO_TO_TERRAIN_MT_presets.__name__)


def own_file(presets, name: str) -> Path:
    return next(path for path in presets.preset_files() if presets.can_be_removed(path) and path.stem == name)


def test_three_are_shipped_and_each_says_every_setting(presets, scene, part):
    shipped = [path for path in presets.preset_files() if not presets.can_be_removed(path)]
    assert [presets.title_of(path) for path in shipped] == ["Draft 512", "Large 2048", "Standard 1024"]
    for path in shipped:
        assert set(presets.values_in(path)) == set(presets.PRESET_NAMES)


def test_new_scenes_stand_at_standard(presets, scene):
    assert presets.chosen_preset(bpy.context).stem == "Standard_1024"


def test_every_setting_of_the_panel_is_in_presets_or_of_one_picture(presets, part):
    properties = part("properties")
    of_one_picture = {"seed", "mask_path", *properties.setting_names(expert=False), *presets.OF_ONE_PICTURE}
    assert {*presets.PRESET_NAMES, *of_one_picture} == {f.name for f in properties.PANEL_FIELDS}
    assert not of_one_picture & set(presets.PRESET_NAMES)


def test_choosing_changes_how_a_terrain_is_made_and_nothing_of_the_picture(presets, scene):
    settings = scene.photo_to_terrain.settings
    settings.seed, settings.fov_x_deg, settings.mean_slope_deg, settings.steps = 7, 50.0, 20.0, 33
    assert presets.chosen_preset(bpy.context) is None
    for path in presets.preset_files():
        assert choose(presets, path) == {"FINISHED"}
        assert settings.resolution == int(path.stem.split("_")[1])
        assert settings.steps != 33
        assert presets.chosen_preset(bpy.context) == path
    assert (settings.seed, settings.fov_x_deg, settings.mean_slope_deg) == (7, 50.0, 20.0)


def test_add_choose_and_remove_ones_own(presets, scene):
    settings = scene.photo_to_terrain.settings
    settings.resolution, settings.view_weight, settings.sampler = 768, 1.7, "ddpm_1000"
    assert bpy.ops.photo_to_terrain.add_preset(name="My Höhen") == {"FINISHED"}
    path = own_file(presets, "My_Höhen")
    assert "photo_to_terrain" in path.parts and path.is_relative_to(bpy.utils.user_resource("SCRIPTS"))
    assert presets.chosen_preset(bpy.context) == path
    assert presets.title_of(path) == "My Höhen"
    settings.resolution, settings.view_weight, settings.sampler = 512, 1.0, "few_step"
    assert choose(presets, path) == {"FINISHED"}
    assert (settings.resolution, settings.sampler) == (768, "ddpm_1000") and settings.view_weight == pytest.approx(1.7)
    assert bpy.ops.photo_to_terrain.remove_preset() == {"FINISHED"}
    assert not path.exists() and settings.resolution == 768
    assert presets.chosen_preset(bpy.context) is None


def test_a_changed_setting_is_no_preset_any_more(presets, scene):
    settings = scene.photo_to_terrain.settings
    settings.hydrology_weight = 1.01
    assert presets.chosen_preset(bpy.context) is None
    settings.hydrology_weight = 1.0
    assert presets.chosen_preset(bpy.context).stem == "Standard_1024"


def test_shipped_ones_cannot_be_removed(presets, scene):
    assert not bpy.ops.photo_to_terrain.remove_preset.poll()
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.photo_to_terrain.remove_preset()
    assert len(presets.preset_files()) == 3


def test_a_broken_file_hurts_nobody(presets, scene):
    assert bpy.ops.photo_to_terrain.add_preset(name="broken") == {"FINISHED"}
    path = own_file(presets, "broken")
    for content in (b"settings.resolution = = 3", b"\xff\xfe", b"settings.resolution = open('x')", b""):
        path.write_bytes(content)
        presets._read.clear()
        assert presets.chosen_preset(bpy.context).stem == "Standard_1024"


def test_a_value_beyond_its_limits_is_clipped(presets, scene):
    """A preset from elsewhere cannot ask for what the backend refuses."""
    assert bpy.ops.photo_to_terrain.add_preset(name="huge") == {"FINISHED"}
    path = own_file(presets, "huge")
    path.write_text(path.read_text(encoding="utf-8").replace("resolution = 1024", "resolution = 99999"), encoding="utf-8")
    choose(presets, path)
    assert scene.photo_to_terrain.settings.resolution == 4096
