"""Every way a set-up can go: to its end, cancelled, continued, without network, damaged, repaired, removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from addon.installation import task
from addon.installation.place import ABSENT, MOVED, OUTDATED, READY, UNFINISHED, Place
from addon.installation.worker import Request
from tests.installation.tiny_packages import VERSIONS, Index, make_bundle, make_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path):
    """An add-on in a folder with spaces and accents whose requirements are two tiny packages."""
    root = tmp_path / "Mon extension é ⛰"
    root.mkdir()
    (root / "requirements.txt").write_text("# two\n" + "".join(f"{n}=={v}\n" for n, v in VERSIONS.items()))
    (root / "addon").symlink_to(ROOT / "addon")
    (root / "backend").mkdir()
    (root / "backend" / "__main__.py").write_text("import sys\nprint('asked for', *sys.argv[1:])\n")
    return root


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The only package index there is."""
    for name, version in VERSIONS.items():
        make_wheel(tmp_path / "served", name, version, payload=400_000)    # zeros, stored: 20 pieces
    index = Index(tmp_path / "served")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    yield index
    index.close()
    task.forget()


@pytest.fixture
def place(tmp_path):
    """Where everything goes."""
    return Place(tmp_path / "Données de l'utilisateur" / "backend")


def begin(what: str, root: Path, place: Place, bundle: Path | None = None) -> task.Task:
    return task.start(Request(what, root, place.data, Path(sys.executable), "cpu", bundle, "", 1.0, 1.0))


def finish(running: task.Task, seconds: float = 120.0) -> task.Task:
    end = time.monotonic() + seconds
    while not running.poll():
        assert time.monotonic() < end, (running.label, running.text)
        time.sleep(0.02)
    return running


def do(what: str, root: Path, place: Place, bundle: Path | None = None) -> task.Task:
    return finish(begin(what, root, place, bundle))


def loads(place: Place, name: str) -> bool:
    return subprocess.run([place.python, "-I", "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def alive_in_group(group: int) -> bool:
    """Whether a process of the group runs (a dead one that nobody has collected does not)."""
    listed = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(row.split()[0] == str(group) and not row.split()[1].startswith("Z") for row in listed.splitlines())


def has_file(folder, name):
    """Whether a file or folder with this in its name lies anywhere below; pip may take folders away meanwhile."""
    return any(name in entry for _, folders, files in os.walk(folder) for entry in [*folders, *files])


def wait_for(condition, seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began


def test_from_nothing_to_ready(root, index, place):
    requirements = root / "requirements.txt"
    assert place.state(requirements) == ABSENT
    seen = set()
    running = begin("install", root, place)
    while not running.poll():
        seen.add((running.fraction, running.label.partition(",")[0]))
        time.sleep(0.01)
    assert running.succeeded, running.error
    assert place.state(requirements) == READY and loads(place, "tinyone") and loads(place, "tinytwo")
    fractions = [fraction for fraction, _ in sorted(seen)]
    assert fractions[0] == 0.0 and len(set(fractions)) >= 4
    assert {"Downloading tinyone", "Downloading tinytwo"} <= {label for _, label in seen}
    assert not place.downloads.exists() and not any(place.work.iterdir())
    assert running.notes == ["asked for doctor"]


def test_cancel_within_a_second_then_continue(root, index, place):
    index.slow = {"tinytwo"}
    running = begin("install", root, place)
    wait_for(lambda: running.poll() or has_file(place.work, "tinytwo"))
    assert not running.is_over, running.error
    running.cancel()
    assert wait_for(lambda: not alive_in_group(running.pid)) < 1.0
    assert running.was_cancelled and not running.succeeded
    assert place.state(root / "requirements.txt") == UNFINISHED
    assert [wheel.name for wheel in place.downloads.glob("*.whl")] == ["tinyone-1.0-py3-none-any.whl"]
    index.slow = set()
    assert do("install", root, place).succeeded
    assert index.served.count("tinyone") == 1    # not fetched again
    assert place.state(root / "requirements.txt") == READY


def test_the_worker_ends_with_its_parent(root, index, place):
    index.slow = {"tinyone"}
    running = begin("install", root, place)
    wait_for(lambda: running.poll() or has_file(place.work, "tinyone"))
    running._child.stdin.close()    # what the system does when Blender is gone
    assert wait_for(lambda: not alive_in_group(running.pid)) < 1.0
    assert "unexpectedly" in finish(running).error and place.state(root / "requirements.txt") == UNFINISHED


def test_damage_is_found_and_only_that_is_repaired(root, index, place):
    assert do("install", root, place).succeeded
    served = list(index.served)
    next(place.environment.rglob("tinyone.py")).unlink()
    assert do("verify", root, place).broken == {"tinyone": "has lost files"}
    running = do("repair", root, place)
    assert running.succeeded, running.error
    assert index.served == [*served, "tinyone"] and loads(place, "tinyone")
    next(place.environment.rglob("tinytwo_data.bin")).write_bytes(b"cut")    # an unfinished copy
    assert do("verify", root, place).broken == {"tinytwo": "has lost files"}
    assert do("repair", root, place).succeeded and do("verify", root, place).succeeded


def test_a_package_that_does_not_load_is_named(root, index, place):
    assert do("install", root, place).succeeded
    module = next(place.environment.rglob("tinyone.py"))
    module.write_text("1/0".ljust(module.stat().st_size - 1) + "\n")    # of the same size
    os.utime(module, (0, 0))    # or its compiled form, of the same second, would be taken for it
    assert do("verify", root, place).broken == {"tinyone": "does not load (ZeroDivisionError: division by zero)"}


def test_a_python_that_has_moved_is_linked_again(root, index, place):
    assert do("install", root, place).succeeded
    served = list(index.served)
    for link in place.python.parent.glob("python*"):
        link.unlink()
    place.python.symlink_to(place.data / "gone" / "python")
    assert place.state(root / "requirements.txt") == MOVED
    running = do("repair", root, place)
    assert running.succeeded, running.error
    assert place.state(root / "requirements.txt") == READY and index.served == served


def test_other_requirements_make_it_outdated(root, index, place):
    assert do("install", root, place).succeeded
    requirements = root / "requirements.txt"
    requirements.write_text(requirements.read_text() + "# a remark\n")
    assert place.state(requirements) == READY
    requirements.write_text("tinyone==1.1\n")
    assert place.state(requirements) == OUTDATED


def test_remove_frees_what_it_says(root, index, place):
    assert do("install", root, place).succeeded
    running = do("remove", root, place)
    assert running.notes == [f"{float(running.notes[0].split()[0]):.0f} MB were freed."]
    assert float(running.notes[0].split()[0]) > 1
    assert place.state(root / "requirements.txt") == ABSENT and place.size_bytes() == 0


def test_offline_from_a_bundle(root, place, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    running = do("install", root, place, make_bundle(tmp_path / "bundle é.zip"))
    assert running.succeeded, running.error
    assert loads(place, "tinytwo")


@pytest.mark.parametrize("wrong, said", [({"platform": "amiga-m68k"}, "is for amiga-m68k"), ({"python": "2.7"}, "Python 2.7")])
def test_a_bundle_for_elsewhere_is_refused(root, place, tmp_path, wrong, said):
    running = do("install", root, place, make_bundle(tmp_path / "bundle.zip", **wrong))
    assert said in running.error and not place.environment.exists()


def test_a_damaged_bundle_is_refused(root, place, tmp_path):
    bundle = make_bundle(tmp_path / "bundle.zip")
    content = bytearray(bundle.read_bytes())
    at = content.index(b"tinyone.py")    # inside the first wheel
    content[at + 40:at + 80] = bytes(40)
    bundle.write_bytes(content)
    running = do("install", root, place, bundle)
    assert "is damaged" in running.error and place.state(root / "requirements.txt") == UNFINISHED


def test_a_missing_package_is_said_in_a_sentence(root, index, place):
    (root / "requirements.txt").write_text("surelynotthere==1.0\n")
    running = do("install", root, place)
    assert "no surelynotthere==1.0 for this machine" in running.error and place.state(root / "requirements.txt") == UNFINISHED


def test_no_connection_is_said_in_a_sentence(root, index, place, monkeypatch):
    index.close()
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert "cannot be reached" in do("install", root, place).error


def test_a_folder_that_cannot_be_written_is_said(root, place):
    place.data.parent.mkdir(parents=True)
    place.data.write_text("a file stands in the way")
    assert "cannot be written" in do("install", root, place).error


def test_two_at_once_are_refused(root, index, place):
    index.slow = {"tinyone"}
    running = begin("install", root, place)
    with pytest.raises(RuntimeError, match="already"):
        begin("remove", root, place)
    running.cancel()
