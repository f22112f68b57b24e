"""Devices, sentences about failures, the table of packages, and what a machine can do."""

from __future__ import annotations

import pytest

from addon.installation import base_python, devices, pip_runner, preflight
from addon.installation.package_table import read_bill
from addon.installation.place import requirement_lines
from tests.installation.test_installation import ROOT

LINE = "torch==2.13.0"


@pytest.mark.parametrize("device, tag, line", [
    (devices.CPU, "linux-x86_64", "torch==2.13.0+cpu"),    # never the CUDA build by surprise
    (devices.CPU, "linux-aarch64", LINE),
    (devices.CPU, "windows-amd64", LINE),
    (devices.MPS, "macos-arm64", LINE),
    (devices.CUDA, "linux-x86_64", "torch==2.13.0,!=2.13.0+cpu"),
    (devices.ROCM, "linux-x86_64", "torch==2.13.0,!=2.13.0+cpu"),
])
def test_the_build_for_a_device(device, tag, line):
    assert devices.torch_requirement(LINE, device, tag) == line
    assert device in devices.choices(tag) or tag == "linux-aarch64"


@pytest.mark.parametrize("device, cuda, hip, fits", [
    (devices.CUDA, "13.0", None, True), (devices.CUDA, None, None, False), (devices.ROCM, None, "7.0", True),
    (devices.ROCM, "13.0", None, False), (devices.CPU, None, None, True),
])
def test_a_build_for_another_card_is_noticed(device, cuda, hip, fits):
    assert devices.fits(device, cuda, hip) is fits


def test_a_card_is_read_from_its_drivers_words():
    card = devices.parse_card("NVIDIA GeForce RTX 4060, 8188, 7000\nNVIDIA GeForce GT 710, 2000, 1000\n")
    assert card and card.name.endswith("4060") and card.memory_gb == pytest.approx(8.586, abs=1e-3)
    assert devices.parse_card("") is None and devices.parse_card("No devices were found\n") is None


@pytest.mark.parametrize("said, sentence", [
    ("ERROR: No matching distribution found for torch==2.13.0+cpu", "small CPU build"),
    ("ERROR: No matching distribution found for numba==0.68.1", "no numba==0.68.1"),
    ("NewConnectionError('...')\nERROR: No matching distribution found for numpy==2.4.6", "cannot be reached"),
    ("OSError: [Errno 28] No space left on device", "disk is full"),
    ("Error: ... ensurepip is not available", "python3-venv"),
    ("ERROR: something else", "exit code 1"),
])
def test_what_pip_says_becomes_a_sentence(said, sentence):
    told = pip_runner.sentence_for(said, 1)
    assert sentence in told and "\n" not in told and told[-1] in ".e"


def test_what_is_fetched_at_the_moment():
    said = "Collecting numpy\n  Downloading numpy-2.4.6-cp311-x.whl (16.9 MB)\nDownloading a/b/scikit_learn-1.9.1-x.whl (9.3 MB)\n"
    assert pip_runner.downloading(said) == "scikit-learn 9.3 MB" and pip_runner.downloading("") == ""


def test_a_users_variables_do_not_send_packages_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///one")
    ours = pip_runner.surroundings(pip_runner.Place(tmp_path), "file:///two")
    assert "PIP_TARGET" not in ours and ours["PIP_EXTRA_INDEX_URL"] == "file:///one file:///two"
    assert ours["PIP_CACHE_DIR"].startswith(str(tmp_path))


def test_a_python_is_found():
    assert base_python.find_base_python().is_file()


def test_no_python_is_said(monkeypatch):
    monkeypatch.setattr(base_python, "OLDEST", (9, 0))
    monkeypatch.setattr(base_python, "NEWEST", (9, 0))
    monkeypatch.setattr(base_python.shutil, "which", lambda name: None)
    with pytest.raises(base_python.NoPython, match="install Python"):
        base_python.find_base_python()


def test_the_table_of_packages_is_that_of_the_requirements():
    bill = read_bill("linux-x86_64", devices.CPU)
    listed = {f"{p.name.lower()}=={p.version.partition('+')[0]}" for p in bill.packages}
    assert set(requirement_lines(ROOT / "requirements.txt")) <= listed, "run python -m release.package_table again"
    assert bill.download_mb == pytest.approx(sum(p.mb for p in bill.packages), abs=3)
    assert all(p.license for p in bill.packages) and sum(map(len, bill.by_license().values())) == len(bill.packages)
    assert not read_bill("amiga-m68k", devices.CPU).is_measured


MACHINE = preflight.Machine(8, 16.0, 8.0, 100.0, None, 2 * preflight.REFERENCE_SPEED)


def needs(resolution: int) -> float:
    return 1.0 + resolution**2 * 3e-7


def test_a_faster_machine_is_promised_less_time():
    rows = preflight.outlooks(MACHINE, needs)
    assert [row.seconds for row in rows] == [seconds / 2 for seconds in preflight.REFERENCE_S.values()]
    assert preflight.sensible_resolution(rows) == 2048 and preflight.refusal(MACHINE, rows, 2000) == ""


@pytest.mark.parametrize("free, disk, sensible, said", [
    (0.5, 100.0, 0, "Making a terrain needs 1.1 GB of memory and 0.5 GB are free"),
    (1.2, 100.0, 512, ""),
    (8.0, 1.0, 2048, "The set-up needs 2.0 GB of disk and 1.0 GB are free"),
])
def test_too_little_is_refused_with_a_reason(free, disk, sensible, said):
    machine = preflight.Machine(8, 16.0, free, disk, None, 2 * preflight.REFERENCE_SPEED)
    rows = preflight.outlooks(machine, needs)
    assert preflight.sensible_resolution(rows) == sensible
    assert preflight.refusal(machine, rows, 2000).startswith(said) and bool(said) == bool(preflight.refusal(machine, rows, 2000))
    assert ("not possible" in " ".join(preflight.sentences(machine, rows))) == (free < 2)


def test_a_slow_machine_is_advised_a_small_terrain():
    machine = preflight.Machine(1, 16.0, 8.0, 100.0, None, preflight.REFERENCE_SPEED / 4)
    assert preflight.sensible_resolution(preflight.outlooks(machine, needs)) == 1024


def test_this_machine_is_measured(tmp_path):
    looked = preflight.Preflight(tmp_path / "not" / "there", lambda: (16.0, 8.0))
    looked._thread.join(60)
    machine = looked.machine
    assert machine and machine.cores >= 1 and machine.speed > 0 and machine.disk_gb > 0
