"""Export of heights from the scene, read back exactly, by Blender too."""

from __future__ import annotations

import importlib
import json
import struct
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from blender_tests.conftest import MODULE
from blender_tests.results import write_picture, write_result


@pytest.fixture
def terrain(scene, part, tmp_path, rough_heights):
    """A finished terrain in the scene; its mesh object."""
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "Picos é.png"), rough_heights)
    return part("scene.result").put_result(bpy.context.scene, part("scene.result_folder").read_result(folder))


def export(path: Path, file_format: str) -> Path:
    assert bpy.ops.photo_to_terrain.export_heights(filepath=str(path), file_format=file_format) == {"FINISHED"}
    return path


def blenders_pixels(path: Path) -> np.ndarray:
    """float32 (rows, cols): the first channel as Blender reads it, without color management, first row on top."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    cols, rows = image.size
    pixels = np.empty(rows * cols * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(rows, cols, -1)[::-1, :, 0]


def png_gray(path: Path) -> np.ndarray:
    """uint16 (rows, cols), by the PNG standard with the one filter that our writer uses."""
    content = path.read_bytes()
    cols, rows, bits, color = struct.unpack(">IIBB", content[16:26])
    assert (bits, color) == (16, 0)
    length, = struct.unpack(">I", content[33:37])
    lines = np.frombuffer(zlib.decompress(content[41:41 + length]), np.uint8).reshape(rows, 1 + 2 * cols)
    assert set(lines[:, 0]) == {2}
    return np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8).view(">u2").reshape(rows, cols)


@pytest.mark.parametrize("file_format, suffix", [("EXR", ".exr"), ("TIFF", ".tif")])
def test_floats_come_back_bit_for_bit(terrain, tmp_path, rough_heights, file_format, suffix):
    path = export(tmp_path / f"où ⛰{suffix}", file_format)
    assert blenders_pixels(path).tobytes() == rough_heights.tobytes()


def test_png_comes_back_to_half_a_step(terrain, tmp_path, rough_heights):
    path = export(tmp_path / "heights.png", "PNG")
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    exact = said["min_m"] + png_gray(path) / 65535 * (said["max_m"] - said["min_m"])
    assert np.abs(exact - rough_heights.astype(float)).max() <= 0.5 * said["step_m"] * (1 + 1e-9)
    assert said["min_m"] == rough_heights.min() and said["max_m"] == rough_heights.max() and said["dx_m"] == 8.0
    seen = blenders_pixels(path)
    assert seen.min() == 0.0 and seen.max() == 1.0
    assert np.abs(seen * 65535 - png_gray(path)).max() < 0.01


def test_color_management_has_no_say(terrain, tmp_path, rough_heights, scene):
    scene.view_settings.exposure, scene.view_settings.gamma = 3.0, 2.0
    path = export(tmp_path / "h.exr", "EXR")
    assert blenders_pixels(path).tobytes() == rough_heights.tobytes()


def test_the_suffix_is_the_formats(terrain, tmp_path):
    export(tmp_path / "Mt. Baker.exr", "PNG")
    export(tmp_path / "plain", "TIFF")
    assert {"Mt. Baker.png", "Mt. Baker.json", "plain.tif"} <= {p.name for p in tmp_path.iterdir()}


def test_a_scaled_terrain_is_exported_as_large_as_it_stands(terrain, tmp_path, rough_heights):
    terrain.scale = (1.5, 1.5, 1.5)
    path = export(tmp_path / "h.tif", "TIFF")
    assert np.array_equal(blenders_pixels(path), rough_heights * np.float32(1.5))
    said = export(tmp_path / "h.png", "PNG").with_suffix(".json")
    assert json.loads(said.read_text())["dx_m"] == 12.0
    terrain.scale = (1.5, 2.0, 1.0)
    with pytest.raises(RuntimeError, match="stretched"):
        export(tmp_path / "h.tif", "TIFF")


def test_moved_points_do_not_change_the_file_and_are_told_of(terrain, part, tmp_path, rough_heights):
    terrain.data.vertices[5].co.z += 100.0
    path = export(tmp_path / "h.exr", "EXR")
    assert blenders_pixels(path).tobytes() == rough_heights.tobytes()
    assert "was moved" in part("operators.export_heights").last().warning


@pytest.mark.parametrize("damage, sentence", [
    (lambda mesh: mesh.attributes.remove(mesh.attributes["height"]), "no grid of 40 x 60"),
    (lambda mesh: mesh.clear_geometry(), "no grid of 40 x 60"),
    (lambda mesh: mesh.attributes["height"].data.foreach_set("value", np.full(2400, np.nan, np.float32)), "no heights"),
])
def test_a_damaged_mesh_is_refused(terrain, tmp_path, damage, sentence):
    damage(terrain.data)
    with pytest.raises(RuntimeError, match=sentence):
        export(tmp_path / "h.exr", "EXR")
    assert not (tmp_path / "h.exr").exists()


def test_edit_mode_is_refused(terrain, tmp_path):
    bpy.context.view_layer.objects.active = terrain
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Edit Mode"):
        export(tmp_path / "h.exr", "EXR")
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_folder_that_is_not_there_is_said(terrain, tmp_path):
    with pytest.raises(RuntimeError, match="cannot be written"):
        export(tmp_path / "nowhere" / "h.exr", "EXR")


def test_a_strange_sidecar_is_not_overwritten(terrain, tmp_path):
    (tmp_path / "h.json").write_text('{"mine": 1}')
    with pytest.raises(RuntimeError, match="no description of a height image"):
        export(tmp_path / "h.png", "PNG")
    assert (tmp_path / "h.json").read_text() == '{"mine": 1}' and not (tmp_path / "h.png").exists()
    export(tmp_path / "again.png", "PNG")
    export(tmp_path / "again.png", "PNG")    # our own sidecar may be


def test_only_a_shown_terrain_can_be_exported(scene, part):
    assert not bpy.ops.photo_to_terrain.export_heights.poll()
    panel = part("panels.export").PHOTO_TO_TERRAIN_PT_export
    assert not panel.poll(bpy.context)


def test_the_panel_comes_with_the_terrain(terrain, part):
    assert part("panels.export").PHOTO_TO_TERRAIN_PT_export.poll(bpy.context)
    suggested = part("operators.export_heights").suggested_path(terrain.users_collection[0], ".exr")
    assert suggested.name == "Picos é, seed 0 heights.exr" and suggested.parent.is_dir()


def test_in_a_window_it_is_written_beside_the_artists_work(terrain, part, tmp_path, rough_heights, monkeypatch):
    """The operator returns while a slow disk still writes; a second export waits its turn; the timer ends by itself."""
    module = part("operators.export_heights")
    begun = []
    app = SimpleNamespace(background=False, timers=SimpleNamespace(register=lambda f, first_interval: begun.append(f)))
    monkeypatch.setattr(module, "bpy", SimpleNamespace(app=app, path=bpy.path, types=bpy.types, data=bpy.data))
    real = module.FORMATS["EXR"].write

    def slow(path, grid):
        time.sleep(0.3)
        real(path, grid)

    monkeypatch.setitem(module.FORMATS, "EXR", module.Format("OpenEXR", "", ".exr", slow))
    path = export(tmp_path / "h.exr", "EXR")
    assert not path.exists() and begun == [module.tell_when_over] and module.tell_when_over() > 0
    assert not bpy.ops.photo_to_terrain.export_heights.poll()
    module.last().thread.join()
    assert blenders_pixels(path).tobytes() == rough_heights.tobytes()
    assert module.tell_when_over() is None and module.last().is_over


def test_switching_the_addon_off_waits_for_the_file(terrain, part, tmp_path, monkeypatch):
    module = part("operators.export_heights")
    height_array = importlib.import_module(f"{MODULE}.addon.scene.height_array")
    grid = height_array.height_array(terrain.users_collection[0])

    def slow(path, grid):
        time.sleep(0.2)
        path.write_text("done")

    module.begin(tmp_path / "late", grid, slow)
    module.forget()
    assert (tmp_path / "late").read_text() == "done" and module.last() is None
