"""The picture's masks: found in a short job, painted on, kept in the file, used by the run, given back."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE
from blender_tests.mask_images import COLORS, FOREGROUND, SKY, TERRAIN, UNKNOWN, paint, pixels_of


@pytest.fixture
def ready(scene, tmp_path):
    """A scene with a picture of its own, at a low resolution."""
    picture = tmp_path / "picos.jpg"
    shutil.copyfile(PICTURE, picture)
    ours = scene.photo_to_terrain
    ours.picture, ours.folder = str(picture), str(tmp_path / "out")
    ours.settings.resolution = 128
    return ours


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """A function: names of the stages that the fake backend has run."""
    log = tmp_path / "ran"
    monkeypatch.setenv("FAKE_STAGES_LOG", str(log))
    return lambda: log.read_text().split() if log.exists() else []


@pytest.fixture
def found(ready, fake_stages):
    """The scene's properties with the masks of the fake backend: sky above, land below, two rows of neither between."""
    fake_stages("STAGES")
    assert bpy.ops.photo_to_terrain.find_land() == {"FINISHED"}
    return ready


@pytest.fixture
def given(ready, part):
    """The same masks without a backend."""
    masks, classes = part("scene.mask_image"), part("scene.land_classes")
    rows = np.arange(80)[:, None] + np.zeros((1, 120), int)
    labels = np.select([rows < 28, rows < 30], [SKY, UNKNOWN], TERRAIN).astype(np.uint8)
    under = bpy.data.images.new("under", 120, 80)
    under.pack()
    ready.mask = masks.new_mask("mask", classes.fingerprint(Path(ready.picture)), labels, labels, under)
    ready.mask.pack()
    return ready


def report_of(part, scene) -> dict:
    """The shown terrain's report."""
    places = part("scene.result_collections")
    return places.report_of(places.shown_result(scene))


def test_the_masks_are_an_image_and_the_run_does_not_look_again(ready, fake_stages, ran, part, scene):
    fake_stages("STAGES")
    assert bpy.ops.photo_to_terrain.find_land() == {"FINISHED"}
    image = ready.mask
    assert tuple(image.size) == (120, 80) and image.packed_file is not None and image.colorspace_settings.name == "Non-Color"
    pixels = pixels_of(image)
    for rows, kind in ((slice(0, 28), SKY), (slice(28, 30), UNKNOWN), (slice(30, 80), TERRAIN)):
        assert (pixels[rows, :, :3] == COLORS[kind]).all()
    under = part("scene.mask_image").under_of(image)
    assert tuple(under.size) == (120, 80) and under.packed_file is not None
    look = part("mask_watch").look_at(image)
    assert look.shares == (0.35, 0.625, 0.0) and not look.is_edited
    assert ran() == ["picture", "scene", "segmentation"]
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    assert ran().count("scene") == ran().count("segmentation") == ran().count("pointmap") == 1
    assert report_of(part, scene)["settings"]["mask_path"] == ""    # nothing was painted
    assert not list(Path(ready.folder).rglob("mask-*.png"))


def test_the_run_takes_what_was_painted(given, fake_stages, part, scene):
    fake_stages("STAGES")
    found = given
    paint(found.mask, slice(10, 20), slice(50, 70), COLORS[TERRAIN])
    paint(found.mask, slice(60, 80), slice(0, 30), COLORS[FOREGROUND])
    assert part("mask_watch").look_at(found.mask).is_edited
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    path = Path(report_of(part, scene)["settings"]["mask_path"])
    assert path.parent.parent == Path(found.folder)
    written = bpy.data.images.load(str(path))
    assert tuple(written.size) == (120, 80) and np.array_equal(pixels_of(written)[..., :3], pixels_of(found.mask)[..., :3])
    found.use_mask = False
    found.settings.seed = 1
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    assert report_of(part, scene)["settings"]["mask_path"] == ""    # the ones that were found
    found.use_mask = True
    paint(found.mask, slice(0, 5), slice(0, 5), COLORS[TERRAIN])
    found.settings.seed = 2
    assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    assert path.is_file() and Path(report_of(part, scene)["settings"]["mask_path"]) != path    # earlier terrains keep theirs


def test_soft_brushes_leave_no_edges(given, part):
    paint(given.mask, slice(0, 10), slice(0, 10), COLORS[TERRAIN], 0.7)
    paint(given.mask, slice(0, 10), slice(10, 20), COLORS[TERRAIN], 0.3)
    paint(given.mask, slice(40, 50), slice(0, 10), (0.5, 0.5, 0.5))    # no class: what was found
    paint(given.mask, slice(40, 50), slice(10, 20), (0.9, 0.3, 0.4))
    labels = part("scene.mask_image").labels_in(given.mask)
    assert (labels[:10, :10] == TERRAIN).all() and (labels[:10, 10:] == SKY).all()
    assert (labels[40:50, :10] == TERRAIN).all() and (labels[40:50, 10:20] == SKY).all()
    assert (labels[28:30] == UNKNOWN).all()


def test_saved_reopened_and_moved(given, part, tmp_path):
    paint(given.mask, slice(0, 10), slice(0, 120), COLORS[FOREGROUND])
    assert given.mask.is_dirty
    given.picture = "//picos.jpg"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("a.blend", "picos.jpg"):
        shutil.move(tmp_path / name, elsewhere / name)
    bpy.ops.wm.open_mainfile(filepath=str(elsewhere / "a.blend"))
    masks = part("scene.mask_image")
    image = masks.mask_of(bpy.context.scene)
    labels = masks.labels_in(image)
    assert (labels[:10] == FOREGROUND).all() and (labels[10:28] == SKY).all() and masks.is_edited(image)
    assert masks.under_of(image) is not None


def test_a_mask_belongs_to_its_picture(found, part, tmp_path, scene):
    masks, mine = part("scene.mask_image"), found.picture
    paint(found.mask, slice(0, 10), slice(0, 120), COLORS[FOREGROUND])
    before = found.mask.name
    other = tmp_path / "other.jpg"
    other.write_bytes(Path(mine).read_bytes() + b" ")
    found.picture = str(other)
    assert masks.mask_of(scene) is None and not part("operators.mask_painting").PHOTO_TO_TERRAIN_OT_reset_mask.poll(bpy.context)
    assert bpy.ops.photo_to_terrain.find_land() == {"FINISHED"} and found.mask.name != before
    found.picture = mine
    assert masks.mask_of(scene) is None
    assert bpy.ops.photo_to_terrain.find_land() == {"FINISHED"}
    assert found.mask.name == before and masks.is_edited(found.mask)    # what was painted has been kept


def test_start_over_and_undo(given, part):
    masks = part("scene.mask_image")
    paint(given.mask, slice(0, 10), slice(0, 120), COLORS[FOREGROUND])
    painted = given.mask
    assert bpy.ops.photo_to_terrain.reset_mask() == {"FINISHED"}
    assert given.mask != painted and not masks.is_edited(given.mask) and masks.is_edited(painted)
    assert masks.under_of(given.mask) == masks.under_of(painted)
    assert given.mask.use_fake_user and not painted.use_fake_user    # the file forgets the one before


def test_a_mask_from_a_file(given, part, tmp_path):
    masks, scene = part("scene.mask_image"), bpy.context.scene
    path = tmp_path / "mask.png"
    drawn = bpy.data.images.new("drawn", 240, 160, alpha=False)
    pixels = np.ones((160, 240, 4), np.float32)
    pixels[..., :3] = COLORS[TERRAIN]
    pixels[80:, :, :3] = COLORS[SKY]    # Blender's rows begin at the bottom
    pixels[:20, :, :3] = 1.0            # white: as found
    drawn.pixels.foreach_set(pixels.ravel())
    drawn.filepath_raw, drawn.file_format = str(path), "PNG"
    drawn.save()
    assert bpy.ops.photo_to_terrain.load_mask(filepath=str(path)) == {"FINISHED"}
    labels = masks.labels_in(masks.mask_of(scene))
    assert (labels[:40] == SKY).all() and (labels[40:] == TERRAIN).all()
    before = given.mask, len(bpy.data.images)
    square = bpy.data.images.new("square", 64, 64)
    square.filepath_raw, square.file_format = str(tmp_path / "square.png"), "PNG"
    square.save()
    bpy.data.images.remove(square)
    with pytest.raises(RuntimeError, match="64 x 64 pixels, another shape"):
        bpy.ops.photo_to_terrain.load_mask(filepath=str(tmp_path / "square.png"))
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "none.png"):
        with pytest.raises(RuntimeError, match=f"{name} cannot be read"):
            bpy.ops.photo_to_terrain.load_mask(filepath=str(tmp_path / name))
    assert (given.mask, len(bpy.data.images)) == before


def test_a_mask_of_another_size_still_counts(given, part):
    """Somebody has scaled the image."""
    masks = part("scene.mask_image")
    given.mask.scale(240, 160)
    paint(given.mask, slice(0, 20), slice(0, 240), COLORS[FOREGROUND])
    settings = masks.settings_with_mask(bpy.context.scene, part("properties").read(given.settings), Path(given.folder))
    written = pixels_of(bpy.data.images.load(settings.mask_path))
    assert written.shape[:2] == (160, 240) and (written[:20, :, :3] == COLORS[FOREGROUND]).all()
    given.mask[masks.FOUND] = "nonsense"
    assert (masks.labels_in(given.mask)[:20] == FOREGROUND).all()


@pytest.mark.parametrize(("content", "sentence"), [(b"broken", "is broken"), (None, "There is no file")])
def test_a_bad_picture_changes_nothing(ready, fake_stages, part, content, sentence):
    fake_stages("STAGES")
    if content is None:
        Path(ready.picture).unlink()
    else:
        Path(ready.picture).write_bytes(content)
    images = len(bpy.data.images)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.photo_to_terrain.find_land()
    assert ready.mask is None and len(bpy.data.images) == images and part("jobs").current() is None
    assert sentence in part("jobs").last_problem.text


def test_a_folder_that_cannot_be_written_is_told(given, part, tmp_path):
    paint(given.mask, slice(0, 10), slice(0, 120), COLORS[FOREGROUND])
    (tmp_path / "file").write_text("")
    given.folder = str(tmp_path / "file")
    with pytest.raises(RuntimeError, match="mask cannot be written"):
        bpy.ops.photo_to_terrain.generate()


def test_masks_for_a_folder_of_pictures(part, python, tmp_path):
    """Without a window: each picture takes its own mask, one without is segmented."""
    command, pictures, options = (part(f"headless.{name}") for name in ("command", "pictures", "options"))
    for folder in ("in/b", "masks/b"):
        (tmp_path / folder).mkdir(parents=True)
    for place in ("in/a.jpg", "in/b/a.jpg", "masks/b/a.png"):
        shutil.copyfile(PICTURE, tmp_path / place)

    def prepared(*more: str):
        return command.prepare(options.parser("x").parse_args(
            [str(tmp_path / "in"), str(tmp_path / "out"), "--recursive", "--python", str(python), *more]))

    settings, tasks, _ = prepared("--masks", str(tmp_path / "masks"))
    taken = [pictures.with_mask(settings, task, tmp_path / "masks").mask_path for task in tasks]
    assert [task.label for task in tasks] == ["a.jpg", "b/a.jpg"] and taken == ["", str(tmp_path / "masks/b/a.png")]
    assert pictures.with_mask(settings, tasks[1], None) == settings
    for wrong, sentence in (("--masks=none", "no folder"), ("--mask-path=a.png", "with --masks")):
        with pytest.raises(pictures.WrongUse, match=sentence):
            prepared(wrong)


def test_the_editor_opens_for_painting_and_closes_again(given, part):
    editor, image = part("scene.mask_editor"), given.mask
    screen = bpy.context.window.screen
    areas = [area.type for area in screen.areas]
    editor.open_editor(bpy.context, image)
    area = editor.editor_of(bpy.context.window)
    assert area.spaces.active.image == image and area.spaces.active.mode == "PAINT"
    for number, color in enumerate(COLORS[:3]):
        editor.take_color(bpy.context, number)
        assert np.allclose(editor.shared_settings(bpy.context).color, color) and editor.color_in_use(bpy.context) == number
    area.spaces.active.image = None    # undo has taken away the mask that it has shown
    part("mask_watch").another_file()
    assert area.spaces.active.image == image
    editor.close_editor(bpy.context)
    assert [area.type for area in screen.areas] == areas and editor.editor_of(bpy.context.window) is None
