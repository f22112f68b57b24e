"""The panel's properties are the backend's settings."""

from __future__ import annotations

from dataclasses import fields

import bpy
import pytest


@pytest.fixture
def contract(addon):
    import importlib

    return importlib.import_module(f"{addon.__name__}.backend.contract.settings")


def panel_fields(contract):
    """The settings that an artist chooses; a region's are filled in by its operator."""
    return [f for f in fields(contract.TerrainSettings) if f.metadata["panel"]]


def test_defaults_agree(scene, part, contract):
    assert part("properties").read(scene.photo_to_terrain.settings) == contract.TerrainSettings()


def test_round_trip(scene, part, contract):
    settings = contract.TerrainSettings(resolution=512, seed=2**31 - 1, fov_x_deg=63.7, pitch_deg=-12.3, fix_pitch=True,
                                        elevation_range_m=1234.5, sampler="ddpm_1000", start_noise=0.05)
    properties = part("properties")
    properties.write(scene.photo_to_terrain.settings, settings)
    assert properties.read(scene.photo_to_terrain.settings) == settings


def test_limits_and_texts_are_those_of_the_contract(scene, contract):
    group = scene.photo_to_terrain.settings
    for field in panel_fields(contract):
        drawn, said = group.bl_rna.properties[field.name], field.metadata
        assert drawn.name.startswith(said["label"]) and drawn.description == said["description"]
        if type(field.default) in (int, float):
            assert (drawn.hard_min, drawn.hard_max) == pytest.approx((said["min"], said["max"]))
    group.resolution = 10**6
    assert group.resolution == 4096


def test_settings_are_saved_with_the_file(scene, part, contract, tmp_path):
    scene.photo_to_terrain.settings.resolution = 256
    scene.photo_to_terrain.picture = "//photo ⛰.jpg"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    ours = bpy.context.scene.photo_to_terrain
    assert ours.settings.resolution == 256 and ours.picture == "//photo ⛰.jpg"
    assert part("properties").read(ours.settings) == contract.TerrainSettings(resolution=256)


def test_every_setting_is_drawn_once(part, contract):
    properties = part("properties")
    drawn = [*properties.PLAIN, *properties.setting_names(expert=False), *properties.setting_names(expert=True)]
    assert sorted(drawn) == sorted(f.name for f in panel_fields(contract))
