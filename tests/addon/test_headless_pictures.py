"""Which pictures there are, their folders, stamps and the options, without Blender."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from backend import outputs
from backend.__main__ import parser as backend_parser
from backend.contract.settings import TerrainSettings
from tests.addon import make, part

pictures, stamp, options = (part(f"headless.{name}") for name in ("pictures", "stamp", "options"))
safe_name = part("file_names").safe_name


@pytest.mark.parametrize("stem, name", [
    ("picos", "picos"), ("Señor Müller ⛰ 1", "Señor Müller ⛰ 1"), ("e\u0301", "é"), ("con", "_con"), ("NUL", "_NUL"),
    ("com1.tour", "_com1.tour"), ("COM¹", "_COM¹"), ("console", "console"), ('a<b>:"c|?*', "a_b___c___"), ("end. ", "end"),
    ("...", "picture"), (" .hidden", "hidden"), ("a\nb", "a_b"), ("bad\udcff", "bad_"), ("x" * 300, "x" * 80)])
def test_names_that_every_system_takes(stem, name):
    assert safe_name(stem) == name == safe_name(name)


def folders(place: Path, out: Path, recursive: bool = False) -> dict[str, str]:
    return {t.label: t.folder.relative_to(out).as_posix() for t in pictures.tasks_for(place, out, recursive)}


def test_which_files_are_pictures(tmp_path):
    make(tmp_path / "in", "b.JPG", "A.png", "c.TiF", "d.webp", "e.exr", "notes.txt", ".hidden.jpg", "._b.jpg", "sub/f.jpeg")
    assert list(folders(tmp_path / "in", tmp_path / "out")) == ["A.png", "b.JPG", "c.TiF", "d.webp", "e.exr"]
    deep = folders(tmp_path / "in", tmp_path / "out", recursive=True)
    assert deep["sub/f.jpeg"] == "sub/f" and len(deep) == 6
    assert folders(tmp_path / "in" / "notes.txt", tmp_path / "out") == {"notes.txt": "notes"}    # named itself: the backend says


def test_results_are_no_pictures(tmp_path):
    """The results may lie among the pictures, also from an earlier run into another folder there."""
    make(tmp_path, "a.jpg", "terrains/a/preview.png", "old/a/preview.png", "old/a/.finished.json")
    assert folders(tmp_path, tmp_path / "terrains", recursive=True) == {"a.jpg": "a"}


@pytest.mark.parametrize("names, recursive", [(["x.txt"], True), (["sub/a.jpg"], False)])
def test_no_picture_is_said(tmp_path, names, recursive):
    make(tmp_path, *names)
    with pytest.raises(pictures.WrongUse, match="no picture"):
        pictures.tasks_for(tmp_path, tmp_path / "out", recursive)
    with pytest.raises(pictures.WrongUse, match="There is no file or folder"):
        pictures.tasks_for(tmp_path / "nowhere", tmp_path / "out", recursive)


def test_each_picture_has_a_folder_of_its_own(tmp_path):
    make(tmp_path / "in", "a.jpg", "a.png", "A.webp", "a_png.jpg", "con.jpg", "_con.jpg")
    given = folders(tmp_path / "in", tmp_path / "out")
    assert given["a.jpg"] == "a" and given["a.png"] == "a_png"
    assert len({name.casefold() for name in given.values()}) == 6
    assert given == folders(tmp_path / "in", tmp_path / "out")


def finish(task, settings: TerrainSettings | None = None) -> None:
    """As if the task had been done."""
    settings = settings or TerrainSettings()
    task.folder.mkdir(parents=True)
    for name in stamp.RESULTS:
        (task.folder / name).write_text(name)
    stamp.put_stamp(task.folder, task.picture, stamp.wish_for(task.picture, settings))


def test_a_later_picture_does_not_take_an_earlier_ones_folder(tmp_path):
    make(tmp_path / "in", "a.png")
    finish(pictures.tasks_for(tmp_path / "in", tmp_path / "out", False)[0])
    make(tmp_path / "in", "a.jpg")    # comes first in the order of names
    assert folders(tmp_path / "in", tmp_path / "out") == {"a.jpg": "a_jpg", "a.png": "a"}
    (tmp_path / "in").rename(tmp_path / "moved")
    assert folders(tmp_path / "moved", tmp_path / "out")["a.jpg"] == "a"    # nobody's any more: its content decides


def test_shares_are_everything_once():
    tasks = list(range(10))
    assert sorted(task for k in (1, 2, 3) for task in pictures.share_of(tasks, k, 3)) == tasks
    assert options.part("2/3") == (2, 3)
    for text in ("0/3", "4/3", "x", "1/"):
        with pytest.raises(Exception, match="no share"):
            options.part(text)


@pytest.mark.parametrize("change", ["picture", "setting", "file", "cut", "stamp", "version"])
def test_what_is_finished_and_what_is_not(tmp_path, monkeypatch, change):
    task = pictures.Task(make(tmp_path, "a.jpg") / "a.jpg", tmp_path / "out", "a.jpg")
    settings = TerrainSettings(steps=9)
    finish(task, settings)
    assert stamp.is_finished(task.folder, stamp.wish_for(task.picture, settings))
    assert stamp.owner_of(task.folder) == task.picture
    if change == "picture":
        task.picture.write_text("another")
    elif change == "setting":
        settings = TerrainSettings(steps=10)
    elif change == "file":
        (task.folder / "terrain.blend").unlink()
    elif change == "cut":
        (task.folder / "terrain.tif").write_text("ter")
    elif change == "stamp":
        (task.folder / stamp.STAMP).write_text("{")
    else:
        monkeypatch.setattr(stamp, "VERSION", "9.9.9")
    assert not stamp.is_finished(task.folder, stamp.wish_for(task.picture, settings))


def test_a_mask_counts_by_its_content(tmp_path):
    picture, mask = make(tmp_path, "a.jpg", "m.png") / "a.jpg", tmp_path / "m.png"
    before = stamp.wish_for(picture, TerrainSettings(mask_path=str(mask)))
    mask.write_text("painted over")
    assert stamp.wish_for(picture, TerrainSettings(mask_path=str(mask))) != before


def test_the_same_settings_as_the_backends(tmp_path):
    mine = vars(options.parser("x").parse_args(["in", "out"]))
    theirs = vars(backend_parser().parse_args(["run", "p", "--out", "o"]))
    names = {f.name for f in dataclasses.fields(TerrainSettings)} | {"settings"}
    assert names <= mine.keys() and names <= theirs.keys()
    help_text = options.parser("x").format_help()
    assert "exit codes: 0 all done" in help_text and "--elevation-range-m" in help_text
    assert outputs.CACHE_FOLDER == stamp.CACHE
    assert set(stamp.RESULTS) <= {"terrain.blend", *outputs.FILES.values()}
