"""Several terrains in one scene: shown one at a time or side by side, locked, named, removed, saved."""

from __future__ import annotations

import itertools

import bpy
import numpy as np
import pytest

from blender_tests.results import write_picture, write_result


@pytest.fixture
def put(scene, part, tmp_path, rough_heights):
    """A function that puts a terrain of the same picture into the scene and returns its collection."""
    picture = write_picture(tmp_path / "Picos ⛰ é.png")

    def put(seed: int = 0, lift: float = 0.0) -> bpy.types.Collection:
        heights = np.ascontiguousarray(rough_heights[::-1])    # rising away from the camera
        heights[:, 30:] += np.float32(40 * seed + lift) * np.sin(np.linspace(0, 9, 30, dtype=np.float32))
        folder = write_result(tmp_path / f"job {seed}", picture, heights, seed=seed)
        terrain = part("scene.result").put_result(bpy.context.scene, part("scene.result_folder").read_result(folder))
        return terrain.users_collection[0]

    return put


@pytest.fixture
def places(part):
    """The module that knows the collections."""
    return part("scene.result_collections")


@pytest.fixture
def shown(places, scene):
    """A function: names of the terrains that are shown."""
    return lambda: [c.name for c in places.results(bpy.context.scene) if not places.is_hidden(bpy.context.scene, c)]


def pixels_of(collection: bpy.types.Collection) -> np.ndarray:
    """The collection's small picture, float32 (size, size, 4)."""
    preview = collection.preview
    pixels = np.empty(preview.image_size[0] * preview.image_size[1] * 4, np.float32)
    preview.image_pixels_float.foreach_get(pixels)
    return pixels.reshape(preview.image_size[1], preview.image_size[0], 4)


def world_box(collection: bpy.types.Collection, places) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest corner of a terrain where it stands, in meters."""
    terrain = places.terrain_in(collection)
    bpy.context.view_layer.update()
    corners = np.array([terrain.matrix_world @ vertex.co for vertex in terrain.data.vertices])
    return corners.min(axis=0), corners.max(axis=0)


def test_each_has_a_picture_of_its_own_ground(put, part):
    first, second = put(0), put(1)
    icon_of = part("scene.thumbnail").icon_of
    pictures = [pixels_of(c) for c in (first, second)]
    assert all(p.shape == (160, 160, 4) and 0.3 < p[..., 3].mean() <= 1.0 for p in pictures)
    apart = np.abs(pictures[0] - pictures[1])[..., :3].max(axis=-1) > 0.05
    left, right = apart[:, :40].mean(), apart[:, 120:].mean()    # the right half is invented, anew for every seed
    assert right > 0.02 and left < 0.5 * right
    seen, invented = (pictures[0][70:90, cols, :3].mean(axis=(0, 1)) for cols in (slice(10, 60), slice(100, 150)))
    assert seen[0] > seen[2] and invented[2] > invented[0]    # sand and blue
    assert icon_of(first) == first.preview.icon_id and icon_of(bpy.data.collections.new("without")) == 0


def test_a_steep_wall_hides_what_lies_behind(part):
    """The picture is drawn from the near side: row 0 is the far one."""
    grid = part("scene.result_folder").HeightGrid
    heights = np.zeros((64, 64), np.float32)
    evidence = np.zeros((64, 64), np.uint8)
    evidence[20:24] = 1
    draw = part("scene.thumbnail").draw
    is_sand = lambda picture: ((picture[..., 0] > picture[..., 2]) & (picture[..., 3] > 0.9)).sum()  # noqa: E731
    assert is_sand(draw(grid(heights, 10.0, (0.0, 0.0)), evidence)) > 400
    heights[30] = 300.0    # nearer than the strip, and higher
    assert is_sand(draw(grid(heights, 10.0, (0.0, 0.0)), evidence)) == 0


def test_show_hides_the_others_and_takes_the_camera(put, shown, scene, places):
    first, second = put(0), put(1)
    assert shown() == [second.name]
    assert bpy.ops.photo_to_terrain.show_variation(name=first.name) == {"FINISHED"}
    assert shown() == [first.name] and scene.camera == places.camera_in(first)
    assert bpy.context.view_layer.objects.active == places.terrain_in(first)
    assert places.shown_result(scene) == first


def test_unknown_name_is_said(put):
    put(0)
    with pytest.raises(RuntimeError, match="no terrain of this name"):
        bpy.ops.photo_to_terrain.show_variation(name="gone")


def test_names(put, part):
    first, second = put(0), put(3)
    short_name = part("scene.variations").short_name
    assert [short_name(c) for c in (first, second)] == ["Seed 0", "Seed 3"]
    second.name = "The one with the lake"
    assert short_name(second) == "The one with the lake"
    again = put(3, lift=5.0)    # a new version keeps the artist's name, and takes the other one's place
    assert again.name == "The one with the lake" and len(bpy.data.collections) == 3
    assert put(0, lift=5.0).name == "Picos ⛰ é, seed 0"


def test_locked_is_not_replaced_but_stands_beside_its_successor(put, part, places, scene, shown):
    first = put(0)
    heights = np.array([v.co.z for v in places.terrain_in(first).data.vertices])
    assert bpy.ops.photo_to_terrain.lock_variation(name=first.name) == {"FINISHED"}
    assert part("scene.variations").is_locked(first)
    second = put(0, lift=20.0)
    assert places.results(scene) == [first, second] and second.name == "Picos ⛰ é, seed 0, copy 2"
    assert np.array_equal(heights, [v.co.z for v in places.terrain_in(first).data.vertices])
    assert shown() == [first.name, second.name] and places.shown_result(scene) == second    # not hidden, not covered
    assert world_box(first, places)[1][0] < world_box(second, places)[0][0]
    third = put(0, lift=30.0)    # replaces the copy, which is not locked
    assert places.results(scene) == [first, third] and third.name == "Picos ⛰ é, seed 0, copy 2"


def test_a_duplicate_of_the_artists_own_is_not_replaced(put, places, scene):
    first = put(0)
    twin = bpy.data.collections.new("My copy")
    places.root_of(scene).children.link(twin)
    for name, value in first.items():
        twin[name] = value
    for thing in first.objects:
        copy = thing.copy()
        copy.data = thing.data.copy()
        twin.objects.link(copy)
    again = put(0, lift=20.0)
    assert {c.name for c in places.results(scene)} == {"My copy", again.name} and len(twin.objects) == 3
    assert len({c[places.KEY_MARK] for c in places.results(scene)}) == 2
    put(0, lift=30.0)
    assert len(places.results(scene)) == 2 and "My copy" in bpy.data.collections


def test_locked_is_hidden_like_others_by_another_seed(put, shown):
    first = put(0)
    bpy.ops.photo_to_terrain.lock_variation(name=first.name)
    second = put(1)
    assert shown() == [second.name]


def test_locked_is_not_removed(put, places, scene):
    first = put(0)
    bpy.ops.photo_to_terrain.lock_variation(name=first.name)
    with pytest.raises(RuntimeError, match="locked"):
        bpy.ops.photo_to_terrain.remove_variation(name=first.name)
    bpy.ops.photo_to_terrain.lock_variation(name=first.name)    # again: unlocked
    assert bpy.ops.photo_to_terrain.remove_variation(name=first.name) == {"FINISHED"}
    assert places.results(scene) == [] and not bpy.data.meshes and not bpy.data.materials


def test_remove_shows_the_neighbor(put, places, scene, shown):
    first, second, third = put(0), put(1), put(2)
    bpy.ops.photo_to_terrain.show_variation(name=second.name)
    bpy.ops.photo_to_terrain.remove_variation(name=second.name)
    assert shown() == [third.name] and scene.camera == places.camera_in(third)
    bpy.ops.photo_to_terrain.remove_variation(name=first.name)    # a hidden one: nothing else changes
    assert shown() == [third.name]


def test_undo_brings_a_removed_one_back(put, places):
    put(0)
    name, picture = put(1).name, None
    picture = pixels_of(bpy.data.collections[name])
    bpy.ops.ed.undo_push(message="two terrains")
    bpy.ops.photo_to_terrain.remove_variation(name=name)
    bpy.ops.ed.undo_push(message="Remove")
    assert len(places.results(bpy.context.scene)) == 1
    bpy.ops.ed.undo()
    assert [c.name for c in places.results(bpy.context.scene)][1] == name
    assert np.array_equal(pixels_of(bpy.data.collections[name]), picture)
    assert bpy.context.scene.camera == places.camera_in(bpy.data.collections[name])


def test_side_by_side_and_back(put, places, scene, shown):
    terrains = [put(seed) for seed in range(3)]
    bpy.ops.photo_to_terrain.show_variation(name=terrains[1].name)
    before = world_box(terrains[1], places)
    assert bpy.ops.photo_to_terrain.side_by_side() == {"FINISHED"}
    assert shown() == [c.name for c in terrains] and places.shown_result(scene) == terrains[1]
    boxes = [world_box(c, places) for c in terrains]
    assert np.array_equal(boxes[1], before)    # with all that was built on it
    assert all(a[1][0] < b[0][0] for a, b in itertools.pairwise(boxes))    # no two overlap
    suns = [next(o for o in c.objects if o.type == "LIGHT") for c in terrains]
    assert [sun.hide_render for sun in suns] == [True, False, True]
    bpy.ops.photo_to_terrain.show_variation(name=terrains[2].name)    # the others stay
    assert len(shown()) == 3 and places.shown_result(scene) == terrains[2]
    assert [sun.hide_render for sun in suns] == [True, True, False]
    camera = scene.camera
    bpy.context.view_layer.update()
    assert np.allclose(camera.matrix_world.translation, camera.location + camera.delta_location)
    assert bpy.ops.photo_to_terrain.side_by_side() == {"FINISHED"}
    assert shown() == [terrains[2].name] and not any(sun.hide_render for sun in suns)
    assert all(tuple(o.delta_location) == (0, 0, 0) for c in terrains for o in c.objects)
    assert scene.camera == camera


def test_many_make_a_square(put, places, part, scene):
    terrains = [put(seed) for seed in range(6)]
    bpy.ops.photo_to_terrain.side_by_side()
    boxes = [world_box(c, places) for c in terrains]
    for number, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[:number]:
            assert (low > other_high)[:2].any() or (high < other_low)[:2].any()
    middle, diagonal = part("scene.side_by_side").frame_of(scene)
    low, high = np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)
    assert np.allclose(middle, 0.5 * (low + high), atol=60) and diagonal > np.hypot(*(high - low)[:2])


def test_a_newcomer_joins_those_side_by_side(put, places, scene, shown):
    first, second = put(0), put(1)
    bpy.ops.photo_to_terrain.side_by_side()
    before = [world_box(c, places) for c in (first, second)]
    third = put(2)
    assert len(shown()) == 3 and places.shown_result(scene) == third
    assert np.array_equal([world_box(c, places) for c in (first, second)], before)    # nobody jumps
    assert world_box(third, places)[0][0] > before[1][1][0]


def test_a_known_height_is_measured_where_the_terrain_stands(put, places, scene, part):
    """Side by side moves the terrain, not what is known of it."""
    first, _ = put(0), put(1)
    bpy.ops.photo_to_terrain.side_by_side()
    bpy.ops.photo_to_terrain.show_variation(name=first.name)
    terrain, camera = places.terrain_in(first), places.camera_in(first)
    bpy.context.view_layer.update()
    point = np.array(terrain.matrix_world @ terrain.data.vertices[20 * 60 + 20].co)
    eye = np.array(camera.matrix_world.translation)
    scene.cursor.location = point
    relief = part("scene.pose").relief_m(first)
    bpy.ops.photo_to_terrain.known_fact(fact="DISTANCE", meters=2 * float(np.linalg.norm(point - eye)))
    assert part("scene.pose").relief_m(first) == pytest.approx(2 * relief, rel=0.02)


def test_saved_moved_reopened(put, places, part, tmp_path):
    put(0)
    second = put(1)
    second.name = "Mine"
    bpy.ops.photo_to_terrain.lock_variation(name="Mine")
    bpy.ops.photo_to_terrain.side_by_side()
    pictures = [pixels_of(c) for c in places.results(bpy.context.scene)]
    boxes = [world_box(c, places) for c in places.results(bpy.context.scene)]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.blend").rename(tmp_path / "elsewhere" / "b.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "elsewhere" / "b.blend"))
    scene = bpy.context.scene
    again = places.results(scene)
    assert [c.name for c in again] == ["Picos ⛰ é, seed 0", "Mine"]
    assert all(np.array_equal(pixels_of(c), p) for c, p in zip(again, pictures, strict=True))
    assert np.array_equal([world_box(c, places) for c in again], boxes)
    assert part("scene.variations").is_locked(again[1]) and places.shown_result(scene) == again[1]
    bpy.ops.photo_to_terrain.side_by_side()
    assert [places.is_hidden(scene, c) for c in again] == [True, False]


def test_pictures_are_redrawn_from_the_ground_as_it_is(put, places):
    collection = put(0)
    before = pixels_of(collection)
    for vertex in places.terrain_in(collection).data.vertices:
        vertex.co.z *= 0.3
    assert bpy.ops.photo_to_terrain.redraw_thumbnail() == {"FINISHED"}
    assert np.abs(pixels_of(collection) - before).max() > 0.1


def test_keys_tell_terrains_apart(part):
    key_of = part("scene.result_folder").key_of
    report = {"picture": {"sha256": "ab" * 32}, "seed": 1, "settings": {}}
    others = [{"seed": 2}, {"settings": {"detail_seed": 3}}, {"settings": {"fix_pitch": True, "pitch_deg": 2.0}},
              {"regions": [{"id": "5-ab"}]}, {"regions": [{"id": "5-ab"}, {"id": "6-cd"}]}]
    keys = [key_of(report), *(key_of({**report, **other}) for other in others)]
    assert len(set(keys)) == len(keys) and key_of({**report, "settings": {"steps": 9}}) == keys[0]
    distinctions = part("scene.variations").distinctions
    assert [distinctions({**report, **other}) for other in others] == [
        "seed 2", "seed 1, details 3", "seed 1, pitch +2.0°", "seed 1, region 1", "seed 1, region 2"]
