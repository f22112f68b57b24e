"""The preferences' page and its buttons, in a real Blender; the packages come from a folder made here, never from a network."""

from __future__ import annotations

import json
import sys
import time

import bpy
import pytest

from blender_tests.conftest import MODULE
from blender_tests.results import is_running
from tests.installation.tiny_packages import make_bundle, make_wheel


@pytest.fixture
def state(part, tmp_path, monkeypatch):
    """The add-on's set-up with a folder of its own and two tiny packages as requirements."""
    state = part("setup_state")
    root = tmp_path / "add-on ü"
    root.mkdir()
    (root / "requirements.txt").write_text("tinyone==1.0\ntinytwo==2.0\n")
    real = part("environment").ROOT
    for name in ("addon", "backend", "kernels"):
        (root / name).symlink_to(real / name)
    monkeypatch.setattr(part("environment"), "ROOT", root)
    monkeypatch.setattr(state, "place", lambda: part("installation.place").Place(tmp_path / "Daten é" / "backend"))
    monkeypatch.delenv("PHOTO_TO_TERRAIN_PYTHON", raising=False)
    yield state
    state.end()


@pytest.fixture
def task(part):
    return part("installation.task")


def until_over(task, seconds: float = 120.0):
    running, end = task.current(), time.monotonic() + seconds
    while not running.poll():
        assert time.monotonic() < end, (running.label, running.text)
        time.sleep(0.02)
    return running


class Layout:
    """Takes what is drawn and keeps its words: in background mode Blender opens no window to draw into."""

    def __init__(self, said=None):
        self.said = [] if said is None else said

    def label(self, text="", icon="NONE", **_):
        assert icon == "NONE" or icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        self.said.append(text)

    def prop(self, owner, name, **_):
        assert name in owner.bl_rna.properties, name
        self.said.append(owner.bl_rna.properties[name].name)

    def operator(self, name, text=None, icon="NONE", **_):
        assert icon == "NONE" or icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        group, _, what = name.partition(".")
        label = getattr(getattr(bpy.ops, group), what).get_rna_type().name
        self.said.append(label if text is None else text)

    def progress(self, factor=0.0, text=""):
        self.said.append(text)

    def inner(self, **_):
        return Layout(self.said)

    box = row = column = inner


@pytest.fixture
def page(part, addon):
    """A function that draws the preferences and returns every word."""
    preferences = bpy.context.preferences.addons[MODULE].preferences

    def draw() -> str:
        layout, setup = Layout(), part("panels.setup")
        setup.draw_machine(layout, 600)
        setup.draw_set_up(layout, preferences, 600)
        return " ".join(layout.said)

    return draw


def test_the_page_draws_through_the_registered_class(part, state, addon):
    preferences = bpy.context.preferences.addons[MODULE].preferences
    layout = Layout()

    class Page:
        """`layout` of the real class cannot be replaced."""

    stand_in = Page()
    stand_in.layout, stand_in.show_expert, stand_in.python = layout, True, ""
    for name in ("device", "extra_index", "show_packages", "bl_rna"):
        setattr(stand_in, name, getattr(preferences, name))

    class Context:
        region = type("Region", (), {"width": 600})
        preferences = bpy.context.preferences

    part("preferences").PHOTO_TO_TERRAIN_Preferences.draw(stand_in, Context)
    words = " ".join(layout.said)
    assert "This Machine" in words and "Set Up" in words and "Install from File" in words and "Backend Python" in words


def test_size_and_licenses_stand_there_before_the_button(page, state, part):
    bpy.context.preferences.addons[MODULE].preferences.show_packages = True
    words = page()
    bpy.context.preferences.addons[MODULE].preferences.show_packages = False
    assert "MB to download" in words and "GB on the disk" in words and "BSD-3-Clause" in words and "torch" in words
    assert words.index("MB to download") < words.index("Install from File")


def test_the_machine_is_measured_without_waiting(page, state):
    began = time.perf_counter()
    first = page()
    assert "Measuring" in first and time.perf_counter() - began < 5.0
    end = time.monotonic() + 30
    while "CPU cores" not in (words := page()) and time.monotonic() < end:
        time.sleep(0.05)
    assert "CPU cores" in words and "1024²" in words and "GB disk free" in words


def test_set_up_from_a_bundle_then_check_repair_remove(page, state, task, tmp_path, part):
    bundle = make_bundle(tmp_path / "bundle.zip", python=f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert bpy.ops.photo_to_terrain.install_bundle(filepath=str(bundle)) == {"FINISHED"}
    assert "Cancel" in page()
    assert not bpy.ops.photo_to_terrain.set_up.poll()
    ended = until_over(task)
    assert not ended.error and state.state() == "ready", ended.error
    assert "Ready on CPU" in page()
    assert state.backend_python(bpy.context) == str(state.place().python)
    assert bpy.ops.photo_to_terrain.check_set_up() == {"FINISHED"}
    assert until_over(task).succeeded
    next(state.place().environment.rglob("tinyone.py")).unlink()
    bpy.ops.photo_to_terrain.check_set_up()
    assert until_over(task).broken == {"tinyone": "has lost files"} and "tinyone has lost files." in page()
    assert bpy.ops.photo_to_terrain.remove_set_up() == {"FINISHED"}
    ended = until_over(task)
    assert "MB were freed" in ended.notes[0] and state.state() == "absent" and state.ready_python() is None


def test_cancel_ends_the_process(state, task, page, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://192.0.2.1:9/simple")    # TEST-NET: nobody answers
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    allow(monkeypatch, state)
    assert bpy.ops.photo_to_terrain.set_up() == {"FINISHED"}
    running = task.current()
    end = time.monotonic() + 60
    while not running.label.startswith("Downloading"):
        running.poll()
        assert not running.is_over and time.monotonic() < end, running.error
        time.sleep(0.02)
    began = time.monotonic()
    assert bpy.ops.photo_to_terrain.cancel_set_up() == {"FINISHED"}
    while is_running(running.pid):
        assert time.monotonic() - began < 1.0
        time.sleep(0.02)
    assert task.current() is None and state.state() == "unfinished" and "Continue" in page()


def allow(monkeypatch, state):
    monkeypatch.setattr(state, "is_online", lambda: True)


def test_no_network_is_used_when_blender_forbids_it(state, task, monkeypatch):
    monkeypatch.setattr(state, "is_online", lambda: False)
    with pytest.raises(RuntimeError, match="may not use the network"):
        bpy.ops.photo_to_terrain.set_up()
    assert task.current() is None and state.state() == "absent"


def test_the_answer_is_blenders_own(part):
    assert part("setup_state").is_online() is bpy.app.online_access


def test_a_bundle_for_another_machine_is_refused(state, task, tmp_path):
    bundle = make_bundle(tmp_path / "other.zip", platform="amiga-m68k")
    bpy.ops.photo_to_terrain.install_bundle(filepath=str(bundle))
    ended = until_over(task)
    assert "is for amiga-m68k" in ended.error and state.ready_python() is None
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(RuntimeError, match="no offline bundle"):
        bpy.ops.photo_to_terrain.install_bundle(filepath=str(tmp_path / "text.zip"))


def test_too_little_disk_is_refused_with_a_reason(state, task, part, monkeypatch):
    allow(monkeypatch, state)
    machine = part("installation.preflight").Machine(2, 8.0, 4.0, 0.5, None, 100.0)
    monkeypatch.setattr(state, "look_at_machine", lambda again=False: type("Looked", (), {"machine": machine}))
    with pytest.raises(RuntimeError, match=r"of disk and 0\.5 GB are free"):
        bpy.ops.photo_to_terrain.set_up()
    assert task.current() is None


def test_disabling_the_add_on_ends_a_set_up(state, task, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://192.0.2.1:9/simple")
    allow(monkeypatch, state)
    bpy.ops.photo_to_terrain.set_up()
    running = task.current()
    bpy.ops.preferences.addon_disable(module=MODULE)
    try:
        end = time.monotonic() + 2.0
        while is_running(running.pid) and time.monotonic() < end:
            time.sleep(0.02)
        assert not is_running(running.pid)
    finally:
        bpy.ops.preferences.addon_enable(module=MODULE)


def test_the_sidebar_says_what_is_missing(part, state, addon, monkeypatch):
    hint = part("panels.setup").draw_hint
    layout = Layout()
    assert hint(layout, 300) and "not set up yet" in " ".join(layout.said)
    monkeypatch.setenv("PHOTO_TO_TERRAIN_PYTHON", sys.executable)
    assert not hint(Layout(), 300)


def test_the_manifest_asks_for_the_network(staged_zip):
    import tomllib
    import zipfile

    with zipfile.ZipFile(staged_zip) as archive:
        manifest = tomllib.loads(archive.read("photo_to_terrain/blender_manifest.toml").decode())
        table = json.loads(archive.read("photo_to_terrain/addon/installation/packages.json"))
        assert "photo_to_terrain/requirements.txt" in archive.namelist()
    assert manifest["permissions"]["network"] and "linux-x86_64-cpu" in table


def test_tiny_wheels_are_wheels(tmp_path):
    assert make_wheel(tmp_path, "tinyone", "1.0").stat().st_size > 300
