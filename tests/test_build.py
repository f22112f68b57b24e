"""build.py: environments are made once, completed after an interruption, and made again when what they need changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import build


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.skipif(build.os.name == "nt", reason="the stand-in lays a POSIX environment")
def test_an_environment_is_made_once_and_again_when_its_needs_change(tmp_path, monkeypatch) -> None:
    outcomes, asked = [1, 0, 0], []

    def fake_run(command) -> int:
        asked.append(command)
        return outcomes.pop(0)

    monkeypatch.setattr(build, "run", fake_run)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build.venv.EnvBuilder, "create", lambda self, folder: _touch(Path(folder) / "bin" / "python"))
    needs, folder = tmp_path / "requirements.txt", tmp_path / ".venv"
    needs.write_text("numpy==2.4.6\n")
    with pytest.raises(build.BuildError, match="Run the command again"):
        build.environment(folder, [needs])
    assert not (folder / "installed.json").exists()
    assert build.environment(folder, [needs]) == build.environment(folder, [needs])
    assert len(asked) == 2 and "requirements.txt" in json.loads((folder / "installed.json").read_text())
    needs.write_text("numpy==2.5.0\n")
    build.environment(folder, [needs])
    assert len(asked) == 3


def test_the_wrong_python_is_told_in_a_sentence(monkeypatch, capsys) -> None:
    monkeypatch.setattr(build.sys, "argv", ["build.py", "setup"])
    monkeypatch.setattr(build.sys, "version_info", (3, 12, 1))
    assert build.main() == 1
    assert "needs Python 3.11" in capsys.readouterr().err


def test_suites_run_side_by_side_and_failures_are_told(tmp_path, capsys) -> None:
    """Each of two waits for the other's file: one after the other they would wait for ever."""
    wait = ("import pathlib, sys, time\nmine, other = map(pathlib.Path, sys.argv[1:3])\nmine.touch()\n"
            "while not other.exists(): time.sleep(0.01)\nprint('said by', mine.name)\nsys.exit(int(sys.argv[3]))")
    one, two = tmp_path / "one", tmp_path / "two"
    commands = {"first": [build.sys.executable, "-c", wait, one, two, 0], "second": [build.sys.executable, "-c", wait, two, one, 3],
                "third": [build.sys.executable, "-c", "print('last')"]}
    assert build.run_side_by_side(commands, 2) == ["second"]
    said = capsys.readouterr().out
    assert "== first: passed\nsaid by one\n" in said and "== second: failed\nsaid by two\n" in said
    assert said.index("== third: started") > min(said.index("== first: passed"), said.index("== second: failed"))
