"""Preparing the process: threads, and a place for compiled kernels when their own folder is read-only."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from backend import doctor, machine
from tests.backend.conftest import ROOT


@pytest.fixture
def clean_environment(monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "OMP_WAIT_POLICY", *machine.THREAD_VARIABLES):
        monkeypatch.setenv(name, "x")    # so that what `prepare` sets is taken back after the test
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("clean_environment")
def test_compiled_kernels_go_to_the_users_cache_when_their_folder_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "kernels_folder_is_writable", lambda: False)
    monkeypatch.setattr(machine, "user_cache_folder", lambda: tmp_path / "cache")
    machine.prepare()
    assert os.environ["NUMBA_CACHE_DIR"].startswith(str(tmp_path / "cache"))
    assert os.environ["OMP_NUM_THREADS"] == str(machine.physical_cores())


@pytest.mark.usefixtures("clean_environment")
def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    machine.prepare()
    assert os.environ["OMP_NUM_THREADS"] == "1" and os.environ["NUMBA_CACHE_DIR"] == "mine"


def test_saying_ready_and_the_help_load_nothing_heavy():
    code = ("import sys, backend.server, backend.__main__; backend.__main__.parser().format_help();"
            "print([m for m in ('torch', 'numba', 'numpy', 'scipy', 'rasterio', 'PIL') if m in sys.modules])")
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_a_model_card_names_its_license(tmp_path):
    card = tmp_path / "x.md"
    assert doctor.license_of(card) == "no model card"
    card.write_text("# X\n\n- **License**: GPL-3.0-or-later\n")
    assert doctor.license_of(card) == "GPL-3.0-or-later"
    card.write_text("# X\n")
    assert doctor.license_of(card) == "see x.md"
