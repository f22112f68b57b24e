"""Which pictures there are, and the folder that each one's terrain goes to. No bpy here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...backend.contract.settings import TerrainSettings
from ..file_names import safe_name
from .stamp import STAMP, owner_of

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".exr"}
"""What is taken from a folder. A picture that is named itself may be anything: the backend then says if it cannot read it."""

MASK_SUFFIX = ".png"


class WrongUse(Exception):
    """What was asked for makes no sense; one sentence says why."""


@dataclass(frozen=True)
class Task:
    """One picture and where its terrain goes. label: how messages name it, relative to the folder that was given."""

    picture: Path
    folder: Path
    label: str


def tasks_for(place: Path, out: Path, recursive: bool) -> list[Task]:
    """The pictures at `place`, a file or a folder, each with a folder of its own under `out`. Raises WrongUse.

    A picture keeps its folder from run to run; see `_folder_for`.
    """
    root, pictures = (place.parent, [place]) if place.is_file() else (place, find_pictures(place, out, recursive))
    taken: set[str] = set()
    tasks = []
    for picture in pictures:
        inside = picture.relative_to(root)
        folder = _folder_for(picture, out.joinpath(*(safe_name(part) for part in inside.parts[:-1])), taken)
        tasks.append(Task(picture, folder, inside.as_posix()))
    return tasks


def with_mask(settings: TerrainSettings, task: Task, masks: Path | None) -> TerrainSettings:
    """The settings with the edited mask of a task's picture, where the folder `masks` has one."""
    mask = masks / Path(task.label).with_suffix(MASK_SUFFIX) if masks else None
    return dataclasses.replace(settings, mask_path=str(mask)) if mask and mask.is_file() else settings


def find_pictures(place: Path, out: Path, recursive: bool) -> list[Path]:
    """The pictures in a folder, in the order of their names; hidden ones and our own results are no pictures.

    Raises WrongUse when there are none or the folder cannot be read.
    """
    if not place.exists():
        raise WrongUse(f"There is no file or folder {place}.")
    try:
        found = sorted(_walk(place, out, recursive), key=lambda path: (str(path).casefold(), str(path)))
    except OSError as problem:
        raise WrongUse(f"The folder {place} cannot be read ({problem.strerror}).") from problem
    if not found:
        where = "or below it" if recursive else "itself (--recursive also looks below it)"
        raise WrongUse(f"There is no picture in {place} {where}.")
    return found


def _walk(place: Path, out: Path, recursive: bool) -> Iterator[Path]:
    for path in place.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            is_ours = (path / STAMP).exists() or path.resolve() == out.resolve()
            if recursive and not is_ours and not path.is_symlink():
                yield from _walk(path, out, recursive)
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _folder_for(picture: Path, parent: Path, taken: set[str]) -> Path:
    """A folder that no other picture has: NAME, else NAME_jpg, else NAME_jpg_2 ... `taken` grows by it.

    A folder with a finished terrain belongs to the picture it was made from as long as that exists: a.png, coming later,
    must not take the place of a.jpg. Names that differ only in case are the same: they are so on many disks.
    """
    for name in _candidates(picture):
        folder = parent / name
        key = str(folder).casefold()
        owner = owner_of(folder)
        if key not in taken and (owner is None or not owner.exists() or _same(owner, picture)):
            taken.add(key)
            return folder
    raise AssertionError("the candidates never end")


def _candidates(picture: Path) -> Iterator[str]:
    stem = safe_name(picture.stem)
    yield stem
    with_kind = f"{stem}_{safe_name(picture.suffix.lstrip('.').lower())}"
    yield with_kind
    number = 2
    while True:
        yield f"{with_kind}_{number}"
        number += 1


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def share_of(tasks: Iterable[Task], number: int, count: int) -> list[Task]:
    """Every `count`-th task from the `number`-th (1 to count) on, so that several machines share the work."""
    return [task for position, task in enumerate(tasks) if position % count == number - 1]
