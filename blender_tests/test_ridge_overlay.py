"""Ridges of a terrain whose skyline is known, what they are off by, and what the overlay says of files without any."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
import pytest

from backend.camera import Camera
from blender_tests.match_handles import Handles
from blender_tests.results import write_picture, write_result

DX_M, ROWS, COLS = 10.0, 200, 240
NEAR_RIDGE_ROW, FAR_RIDGE_ROW = 150, 40
CAMERA = Camera(1600, 1200, 1.0, 0.03, 0.0, (0.0, 0.0, 100.0))


def walls() -> np.ndarray:
    """float32 (ROWS, COLS): a near wall 130 m high across the view, behind it flat ground, then a far one of 400 m and more."""
    heights = np.zeros((ROWS, COLS), np.float32)
    heights[NEAR_RIDGE_ROW] = 130.0
    heights[FAR_RIDGE_ROW] = 400.0 + 60.0 * np.sin(np.arange(COLS) / 9.0)
    return heights


def ridges_seen(camera: Camera, heights: np.ndarray, shift_px: float = 0.0) -> dict:
    """ridges.json of a picture 1000 px wide that shows exactly these two walls; shift_px moves its lines down."""
    width, height = 1000, 750
    x = (np.arange(COLS) - 0.5 * (COLS - 1)) * DX_M
    columns = np.arange(width)

    def line(row: int) -> np.ndarray:
        y = DX_M * (ROWS + 3 - row)
        u, v, _ = camera.project(np.stack([x, np.full(COLS, y), heights[row]], -1))
        return np.interp(columns + 0.5, u * width / camera.width, v * width / camera.width, left=np.nan, right=np.nan) + shift_px

    far, near = line(FAR_RIDGE_ROW), line(NEAR_RIDGE_ROW)
    shown = np.isfinite(near)
    return {"format": 1, "width": width, "height": height, "columns": columns.tolist(),
            "skyline": [None if np.isnan(v) else float(v) for v in far],
            "ridge_columns": columns[shown].tolist(), "ridge_rows": near[shown].tolist(), "jump": 0.08}


@pytest.fixture
def shown(scene, part, tmp_path):
    """A function that puts the walls into the scene, with a picture whose lines are `shift_px` lower."""
    def put(shift_px: float | None = 0.0) -> bpy.types.Collection:
        folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), walls(), dx_m=DX_M, camera=CAMERA)
        (folder / "ridges.json").unlink(missing_ok=True)
        if shift_px is not None:
            (folder / "ridges.json").write_text(json.dumps(ridges_seen(CAMERA, walls(), shift_px)), encoding="utf-8")
        terrain = part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
        bpy.context.view_layer.update()
        return terrain.users_collection[0]

    return put


def test_a_picture_of_the_terrain_itself_is_not_off(shown, part):
    compared, _ = part("scene.ridge_overlay").measured(shown())
    assert compared.median(True)[0] < 0.1 and compared.median(False)[0] < 0.1
    assert np.isfinite(compared.off_px).sum() > 700    # both walls, over the whole width


@pytest.mark.parametrize("shift_px", [7.0, -4.0])
def test_a_shift_by_known_pixels_is_told_in_pixels_and_meters(shown, part, shift_px):
    overlay = part("scene.ridge_overlay")
    compared, _ = overlay.measured(shown(shift_px))
    for skyline, row in ((True, FAR_RIDGE_ROW), (False, NEAR_RIDGE_ROW)):
        pixels, meters = compared.median(skyline)
        assert pixels == pytest.approx(abs(shift_px), abs=0.1)
        away = DX_M * (ROWS + 3 - row) * 2 * math.tan(0.5) / 1000    # meters a pixel covers at that distance
        assert meters == pytest.approx(abs(shift_px) * away, rel=0.12)
        known = np.isfinite(compared.off_m) & (compared.is_skyline == skyline)
        assert (np.sign(compared.off_m[known]) == np.sign(shift_px)).mean() > 0.99    # lines lower: terrain too high
    wanted = overlay.TOO_HIGH if shift_px > 0 else overlay.TOO_LOW
    sky = compared.is_skyline & np.isfinite(compared.off_m)
    assert np.all(overlay.colors_of(compared, 2.0)[sky] == np.float32(wanted))
    assert np.all(overlay.colors_of(compared, 90.0)[sky] == np.float32(overlay.RIGHT))


def test_handles_move_the_numbers(shown, part):
    overlay, collection = part("scene.ridge_overlay"), shown()
    handles = Handles(collection)
    handles.pitch = handles.pitch + 0.01
    turned = overlay.measured(collection)[0].median(True)[0]
    assert turned == pytest.approx(0.01 * 1000 / (2 * math.tan(0.5)), rel=0.15)
    bpy.ops.photo_to_terrain.reset_match()
    assert overlay.measured(collection)[0].median(True)[0] < 0.1
    handles.relief = 3 * handles.relief
    compared = overlay.measured(collection)[0]
    assert compared.median(True)[0] < 0.1    # the picture stays
    handles.height = handles.height + 60.0
    assert overlay.measured(collection)[0].median(True)[1] > 5.0


def test_a_sculpted_terrain_is_measured_as_it_is_now(shown, part):
    overlay, collection = part("scene.ridge_overlay"), shown()
    overlay.measured(collection)
    mesh = next(o for o in collection.objects if o.type == "MESH").data
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    points.reshape(ROWS, COLS, 3)[FAR_RIDGE_ROW, :, 2] += 40.0
    mesh.vertices.foreach_set("co", points)
    mesh.update()
    bpy.context.view_layer.update()
    assert overlay.measured(collection)[0].median(True)[1] == pytest.approx(40.0, rel=0.05)


def test_lines_stay_in_the_picture_and_fills_lie_between_the_skylines(shown, part):
    overlay = part("scene.ridge_overlay")
    compared, photo = overlay.measured(shown(20.0))
    lines, colors, fills, paint = overlay.pictured(compared, photo, 5.0)
    assert len(lines) == len(colors) and len(fills) == len(paint) and len(fills) % 3 == 0 and len(lines) % 2 == 0
    assert np.isfinite(lines).all() and (lines >= 0).all() and (lines <= 1000).all()
    assert len(fills) > 2500 and (paint[:, 3] == np.float32(overlay.FILL)).all()
    width = np.abs(np.diff(lines.reshape(-1, 2, 2), axis=1))
    assert width[..., 0].max() < 10    # neighbors only


def test_terrains_without_stored_ridges_say_so_in_a_sentence(shown, part):
    said = part("scene.ridge_overlay").measured(shown(None))
    assert isinstance(said, str) and said.count(".") == 2 and "Make it again" in said


def test_damaged_ridges_are_left_out(part, tmp_path):
    photo = part("scene.photo_ridges")
    good = json.dumps(ridges_seen(CAMERA, walls()))
    assert photo.parsed(good) is not None
    for text in ("", "[]", "{}", good[:-40], good.replace('"width": 1000', '"width": 0'), good.replace("0.08", '"x"'), "5"):
        assert photo.parsed(text) is None
    kept: dict = {}
    (tmp_path / "ridges.json").write_text("{", encoding="utf-8")
    photo.keep_ridges(kept, tmp_path)
    assert not kept


def test_saved_and_reopened_the_numbers_are_the_same(shown, part, tmp_path):
    overlay, collection = part("scene.ridge_overlay"), shown(3.0)
    before, name = overlay.measured(collection)[0].median(True), collection.name
    (tmp_path / "job" / "ridges.json").unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert overlay.measured(bpy.data.collections[name])[0].median(True) == pytest.approx(before)


def test_a_camera_that_looks_away_or_stands_behind_finds_nothing(shown, part):
    overlay, collection = part("scene.ridge_overlay"), shown()
    camera = next(o for o in collection.objects if o.type == "CAMERA")
    camera.rotation_euler.z += math.pi
    bpy.context.view_layer.update()
    assert "does not look" in overlay.measured(collection)
    camera.rotation_euler.z -= math.pi
    camera.location.y = 1e5
    bpy.context.view_layer.update()
    assert overlay.measured(collection)[0].median(True) is None


def test_icons_of_the_legend_exist_in_this_blender(part):
    known = bpy.types.UILayout.bl_rna.functions["prop"].parameters["icon"].enum_items.keys()
    assert {icon for icon, _ in part("panels.match").LEGEND} <= set(known)
