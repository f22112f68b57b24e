"""The matched camera's handles: they move the real camera, the picture stays when the terrain is scaled, nothing gets lost."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view

from backend.camera import Camera
from blender_tests.match_handles import Handles
from blender_tests.results import HEIGHT, WIDTH, write_picture, write_result

CAMERA = Camera(WIDTH, HEIGHT, 1.0, 0.05, 0.02, (0.0, 0.0, 800.0))
DX_M = 8.0


@pytest.fixture
def matched(scene, part, tmp_path, rough_heights):
    """The collection of a finished terrain. The camera stands 24 m in front of the nearest row."""
    folder = write_result(tmp_path / "job", write_picture(tmp_path / "a.png"), rough_heights, camera=CAMERA)
    terrain = part("scene.result").put_result(scene, part("scene.result_folder").read_result(folder))
    bpy.context.view_layer.update()
    return terrain.users_collection[0]


def camera_of(collection) -> bpy.types.Object:
    return next(o for o in collection.objects if o.type == "CAMERA")


def terrain_of(collection) -> bpy.types.Object:
    return next(o for o in collection.objects if o.type == "MESH")


def seen(collection, numbers=range(0, 2400, 37)) -> np.ndarray:
    """Where points of the terrain are in the picture, in shares of it."""
    bpy.context.view_layer.update()
    terrain, camera = terrain_of(collection), camera_of(collection)
    return np.array([world_to_camera_view(bpy.context.scene, camera, terrain.matrix_world @ terrain.data.vertices[n].co)
                     for n in numbers])


def test_handles_read_the_solved_camera(matched):
    handles = Handles(matched)
    assert handles.fov_x == pytest.approx(1.0, abs=1e-6)
    assert handles.focal_mm == pytest.approx(18.0 / math.tan(0.5), rel=1e-6)
    assert (handles.pitch, handles.roll) == pytest.approx((0.05, 0.02), abs=1e-6)
    heights = np.array([v.co.z for v in terrain_of(matched).data.vertices]).reshape(40, 60)
    assert handles.height == pytest.approx(800.0 - heights[-1, 30], abs=1e-3)    # x = 0 lies between columns 29 and 30


@pytest.mark.parametrize(("pitch", "roll", "fov"), [(0.3, -0.1, 0.7), (-0.4, 0.25, 1.4), (0.0, 0.0, 0.2)])
def test_view_handles_give_exactly_the_backends_camera(matched, pitch, roll, fov):
    handles = Handles(matched)
    handles.pitch, handles.roll, handles.fov_x = pitch, roll, fov
    handles.height = handles.height + 55.0
    wanted = Camera(WIDTH, HEIGHT, fov, pitch, roll, (0.0, 0.0, 855.0))
    camera = camera_of(matched)
    bpy.context.view_layer.update()
    assert tuple(camera.location) == pytest.approx((0.0, 0.0, 855.0), abs=1e-3)
    assert np.allclose(camera.matrix_world.to_3x3(), wanted.rotation() @ np.diag([1.0, -1.0, -1.0]), atol=1e-6)
    assert 2 * math.atan(18.0 / camera.data.lens) == pytest.approx(fov, abs=1e-6)
    points = np.array([v.co for v in terrain_of(matched).data.vertices])[::37]
    u, v, _ = wanted.project(points)
    mine = seen(matched)
    assert np.allclose(mine[:, 0], u / WIDTH, atol=2e-4) and np.allclose(mine[:, 1], 1 - v / HEIGHT, atol=2e-4)


def test_a_turned_camera_keeps_its_heading_and_a_quaternion_stays_one(matched):
    camera, handles = camera_of(matched), Handles(matched)
    camera.rotation_mode = "QUATERNION"
    handles.pitch = 0.2
    assert camera.rotation_mode == "QUATERNION" and handles.pitch == pytest.approx(0.2, abs=1e-6)
    assert handles.roll == pytest.approx(0.02, abs=1e-6)


def test_the_picture_stays_when_the_terrain_is_scaled(matched):
    handles, before = Handles(matched), seen(matched)
    relief, clip = handles.relief, camera_of(matched).data.clip_end
    handles.relief = 2.5 * relief
    assert handles.relief == pytest.approx(2.5 * relief, rel=1e-6)
    assert tuple(terrain_of(matched).scale) == pytest.approx((2.5,) * 3) and camera_of(matched).location.z == pytest.approx(2000.0)
    after = seen(matched)
    assert np.allclose(after[:, :2], before[:, :2], atol=1e-6) and np.allclose(after[:, 2], 2.5 * before[:, 2], rtol=1e-5)
    assert camera_of(matched).data.clip_end == pytest.approx(2.5 * clip)
    handles.height = handles.height + 100.0    # the handle is in meters of the scene, whatever the scale
    assert camera_of(matched).location.z == pytest.approx(2100.0, abs=1e-3)


def test_reset(matched):
    handles, before, report = Handles(matched), seen(matched), dict(matched)["photo_to_terrain_report"]
    place = tuple(camera_of(matched).location)
    handles.pitch, handles.roll, handles.focal_mm, handles.relief = 0.4, -0.2, 80.0, 3000.0
    handles.height = 5.0
    terrain_of(matched).location.x = 300.0
    assert bpy.ops.photo_to_terrain.reset_match() == {"FINISHED"}
    assert np.allclose(seen(matched), before, atol=1e-5)
    assert tuple(camera_of(matched).location) == pytest.approx(place) and tuple(terrain_of(matched).scale) == (1.0,) * 3
    assert matched["photo_to_terrain_report"] == report


def test_limits_hold(matched):
    handles = Handles(matched)
    handles.relief = 1e9
    assert handles.relief == pytest.approx(9000.0, rel=1e-5)
    handles.pitch = 3.0
    assert handles.pitch == pytest.approx(math.radians(80), abs=1e-5)


def test_values_for_the_next_run(matched, scene):
    handles = Handles(matched)
    handles.pitch, handles.roll, handles.fov_x, handles.relief = math.radians(7), math.radians(-3), math.radians(50), 1234.0
    assert bpy.ops.photo_to_terrain.keep_match() == {"FINISHED"}
    settings = scene.photo_to_terrain.settings
    assert settings.fix_pitch and settings.pitch_deg == pytest.approx(7, abs=1e-4)
    assert settings.roll_deg == pytest.approx(-3, abs=1e-4) and settings.fov_x_deg == pytest.approx(50, abs=1e-4)
    assert settings.elevation_range_m == pytest.approx(1234.0, rel=1e-5)


def test_saved_and_reopened(matched, tmp_path):
    handles = Handles(matched)
    handles.pitch, handles.focal_mm, handles.relief, handles.show_ridges, handles.tolerance_m = 0.3, 77.0, 500.0, True, 9.0
    picture, name = seen(matched), matched.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    again = bpy.data.collections[name]
    handles = Handles(again)
    assert (handles.pitch, handles.focal_mm, handles.relief) == pytest.approx((0.3, 77.0, 500.0), rel=1e-5)
    assert handles.show_ridges and handles.tolerance_m == pytest.approx(9.0)
    assert np.allclose(seen(again), picture, atol=1e-6)
    assert bpy.ops.photo_to_terrain.reset_match() == {"FINISHED"}
    assert Handles(again).pitch == pytest.approx(0.05, abs=1e-6)


def test_undo(matched):
    name = matched.name
    bpy.ops.ed.undo_push(message="before")
    Handles(matched).relief = 4000.0
    Handles(matched).pitch = 0.5
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    handles = Handles(bpy.data.collections[name])
    assert handles.pitch == pytest.approx(0.05, abs=1e-5) and terrain_of(bpy.data.collections[name]).scale.z == 1.0
    bpy.ops.ed.redo()
    handles = Handles(bpy.data.collections[name])
    assert handles.pitch == pytest.approx(0.5, abs=1e-5) and handles.relief == pytest.approx(4000.0, rel=1e-5)


@pytest.mark.parametrize("fact", ["ABOVE_CAMERA", "ABOVE_LOWEST", "DISTANCE"])
def test_a_known_fact_holds_exactly(matched, scene, fact):
    before = seen(matched)
    terrain, camera = terrain_of(matched), camera_of(matched)
    numbers = np.arange(30, 2400, 60)    # the column right of the gaze; the point of it that nothing hides
    points = np.array([terrain.data.vertices[n].co for n in numbers])
    steep = (points[:, 2] - camera.location.z) / points[:, 1]
    point = points[np.argmax(steep)]
    scene.cursor.location = point
    meters = {"ABOVE_CAMERA": math.copysign(640.0, point[2] - camera.location.z), "ABOVE_LOWEST": 640.0,
              "DISTANCE": 4200.0}[fact]
    assert bpy.ops.photo_to_terrain.known_fact(fact=fact, meters=meters) == {"FINISHED"}
    point = scene.cursor.location    # it went along with its ground
    now = {"ABOVE_CAMERA": point.z - camera.location.z, "ABOVE_LOWEST": point.z,
           "DISTANCE": (point - camera.location).length}[fact]
    assert now == pytest.approx(meters, rel=2e-5)
    assert np.allclose(seen(matched)[:, :2], before[:, :2], atol=1e-6)
    settings = scene.photo_to_terrain.settings
    assert settings.elevation_range_m == pytest.approx(Handles(matched).relief, rel=1e-5)


def test_a_selected_vertex_is_a_known_point(matched, scene):
    import bmesh

    terrain = terrain_of(matched)
    bpy.context.view_layer.objects.active = terrain
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Select one vertex"):
        bpy.ops.photo_to_terrain.known_fact(fact="DISTANCE", meters=900.0)
    edited = bmesh.from_edit_mesh(terrain.data)
    edited.verts.ensure_lookup_table()
    edited.select_history.add(edited.verts[777])
    assert bpy.ops.photo_to_terrain.known_fact(fact="DISTANCE", meters=900.0) == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    away = (terrain.matrix_world @ terrain.data.vertices[777].co - camera_of(matched).location).length
    assert away == pytest.approx(900.0, rel=1e-5)


@pytest.mark.parametrize(("cursor", "fact", "meters", "sentence"), [
    ((0, -500, 0), "DISTANCE", 900.0, "Shift-right-click"),
    ((0, 300, 9000), "DISTANCE", 900.0, "Shift-right-click"),
    (None, "DISTANCE", -5.0, "cannot be"),
    (None, "DISTANCE", 1e5, "relief of"),
])
def test_facts_that_cannot_be_change_nothing(matched, scene, cursor, fact, meters, sentence):
    terrain = terrain_of(matched)
    scene.cursor.location = cursor or terrain.data.vertices[30 + 60 * 39].co
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.photo_to_terrain.known_fact(fact=fact, meters=meters)
    assert terrain.scale.z == 1.0 and scene.photo_to_terrain.settings.elevation_range_m == 0.0


def test_without_a_terrain_there_is_nothing_to_match(scene, part):
    panel = part("panels.match").PHOTO_TO_TERRAIN_PT_match
    assert not panel.poll(bpy.context) and not bpy.ops.photo_to_terrain.reset_match.poll()


def test_what_exif_said_is_shown(part):
    say = part("panels.match_facts").lens_sentence
    artist = [{"stage": "pointmap", "choice": "field of view 60.0 degrees", "by": "artist"}]
    assert say({"picture": {"exif_fov_x_deg": 54.44}}) == "EXIF tells 54.4° across"
    assert "typed" in say({"picture": {"exif_fov_x_deg": 54.44}, "choices": artist})
    assert say({"picture": {}, "choices": []}) == "EXIF tells no lens"
    assert "estimated" in say({"choices": [{"choice": "field of view 60.0 degrees", "by": "network"}]})


def report_with(candidates, pitch_deg, **settings) -> dict:
    return {"seed": 0, "picture": {"sha256": "ab" * 32}, "settings": settings,
            "camera": {"pitch_deg": pitch_deg, "pitch_candidates": candidates}}


@pytest.mark.parametrize(("found", "offered"), [
    ([], []),
    ([(3.0, 1.0)], []),
    ([(3.0, 1.0), (-4.0, 2.5)], [3.0, -4.0]),
    ([(3.0, 1.0), (-4.0, 9.0)], []),                  # much worse
    ([(3.0, 1.0), (3.5, 1.2)], []),                   # the same by eye
    ([(3.0, 1.0), (3.5, 1.2), (-4.0, 2.0)], [3.0, -4.0]),
])
def test_a_second_pitch_is_offered_only_when_it_fits_about_as_well(part, found, offered):
    candidates = [{"pitch_deg": p, "cost": c, "mean_slope_deg": 20.0} for p, c in found]
    assert [c["pitch_deg"] for c in part("scene.pitch_candidates").offered(report_with(candidates, 3.0))] == offered


def test_both_candidates_become_terrains_side_by_side(matched, scene, part, fake_stages, tmp_path):
    """The second is made by a real backend process with fake stages; the first is shown again without making anything."""
    places = part("scene.result_collections")
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(write_picture(tmp_path / "b.png")), str(tmp_path / "out")
    ours.settings.resolution = 128
    fake_stages("STAGES")
    bpy.ops.photo_to_terrain.generate()
    first = places.shown_result(scene)
    report = places.report_of(first)
    best, other = report["camera"]["pitch_deg"], 12.5
    report["camera"]["pitch_candidates"] = [
        {"pitch_deg": pitch, "cost": cost, "mean_slope_deg": 20.0} for pitch, cost in ((best, 1.0), (other, 2.0))]
    first[places.REPORT_MARK] = json.dumps(report)
    ours.settings.seed, name = 9, first.name
    before = part("properties").read(ours.settings)
    assert bpy.ops.photo_to_terrain.pitch_candidate(pitch_deg=other) == {"FINISHED"}
    second = places.shown_result(scene)
    made = places.report_of(second)
    assert made["settings"]["fix_pitch"] and made["settings"]["pitch_deg"] == pytest.approx(12.5) and made["seed"] == 0
    assert second.name != name and "pitch +12.5" in second.name and bpy.data.collections[name].objects
    assert part("properties").read(ours.settings) == before
    offered = part("scene.pitch_candidates").offered_for(scene, made)
    assert [c["pitch_deg"] for c in offered] == [best, other]
    count = len(places.results(scene))
    assert bpy.ops.photo_to_terrain.pitch_candidate(pitch_deg=best) == {"FINISHED"}
    assert places.shown_result(scene).name == name and len(places.results(scene)) == count
    assert scene.camera == camera_of(places.shown_result(scene))
