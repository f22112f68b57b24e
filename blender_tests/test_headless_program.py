"""The script in whatever `blender` program there is, with and without numpy in its Python, and exit codes of what goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from blender_tests.conftest import PICTURE
from blender_tests.results import write_picture
from blender_tests.test_headless import RESOLUTION, RESULTS, SCRIPT


@pytest.fixture
def program(tmp_path):
    """A function that runs the script in the `blender` program, whatever Blender is installed, nothing else installed in it."""
    if not shutil.which("blender"):
        pytest.skip("no blender program here")
    (tmp_path / "tmp").mkdir()

    def program(*arguments: object, script: Path = SCRIPT, options: tuple[str, ...] = (), **variables: str):
        words = ["blender", "-b", "--factory-startup", *options, "-P", script, "--", *arguments]
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300, check=False,
                              env=os.environ | {"TMPDIR": str(tmp_path / "tmp")} | variables)

    return program


def has_numpy(*options: str, **variables: str) -> bool:
    """Whether the `blender` program's Python has numpy: distributions may leave it out."""
    words = ["blender", "-b", "--factory-startup", *options, "--python-exit-code", "9", "--python-expr", "import numpy"]
    return subprocess.run(words, capture_output=True, timeout=120, check=False, env=os.environ | variables).returncode == 0


def is_said_to_lack_numpy(ended: subprocess.CompletedProcess) -> bool:
    """Whether one sentence of ours says so, beside what Blender itself prints (4.5 complains about its own modules)."""
    said = [line for line in ended.stderr.splitlines() if "Photo to Terrain" in line]
    return (ended.returncode == 2 and len(said) == 1 and "cannot load numpy" in said[0] and "install it" in said[0]
            and SCRIPT.name not in ended.stderr + ended.stdout)    # no traceback that goes through us


def test_with_a_blender_program(program, python, tmp_path):
    """The whole command line; where that Blender lacks numpy, what it says."""
    write_picture(tmp_path / "a.png")
    ended = program(tmp_path / "a.png", tmp_path / "out", "--python", python, "--resolution", RESOLUTION,
                    "--stages", "tests.backend.fake_stages:STAGES")
    if not has_numpy():
        assert is_said_to_lack_numpy(ended), ended.stderr
        assert not (tmp_path / "out").exists()
        return
    assert ended.returncode == 0, ended.stderr
    assert str(tmp_path / "out" / "a") in ended.stdout.splitlines()    # Blender adds lines of its own
    assert {p.name for p in (tmp_path / "out" / "a").iterdir()} >= RESULTS
    assert not list((tmp_path / "tmp").iterdir())
    wrong = program()
    assert wrong.returncode == 2 and "usage:" in wrong.stderr


@pytest.fixture
def no_numpy(tmp_path) -> dict[str, str]:
    """Variables under which a Python finds no numpy."""
    (tmp_path / "shim" / "numpy").mkdir(parents=True)
    (tmp_path / "shim" / "numpy" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')\n")
    return {"PYTHONPATH": str(tmp_path / "shim")}


def test_a_python_without_numpy(no_numpy, tmp_path):
    ended = subprocess.run([sys.executable, str(SCRIPT), str(PICTURE), str(tmp_path / "out")], capture_output=True, text=True,
                           timeout=120, check=False, env=os.environ | no_numpy)
    assert is_said_to_lack_numpy(ended), ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_blender_program_without_numpy(program, no_numpy, tmp_path):
    options = ("--python-use-system-env",)
    assert not has_numpy(*options, **no_numpy)
    ended = program(PICTURE, tmp_path / "out", options=options, **no_numpy)
    assert is_said_to_lack_numpy(ended), ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_defect_ends_with_an_exit_code(program, tmp_path):
    """Blender itself would print the exception and end with 0."""
    script = tmp_path / "addon" / "headless" / "run.py"    # without the rest of the add-on
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, script)
    ended = program(PICTURE, tmp_path / "out", script=script)
    assert ended.returncode == 1, ended.stderr
    assert "Photo to Terrain failed (ModuleNotFoundError" in ended.stderr
