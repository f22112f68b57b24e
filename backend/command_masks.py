"""`python -m backend masks`: a picture of masks for each photograph, to be edited anywhere and given back to a run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import outputs
from .contract.errors import BadSettings
from .mask_request import find_masks, write_picture
from .pipeline import Job


def masks_command(pictures: list[Path], out: Path) -> None:
    """Write OUT/NAME.png for each picture and print its path; files that are there may be edited ones and stay.

    Raises TerrainError, BadSettings for two pictures of one name.
    """
    names = [picture.stem for picture in pictures]
    if len(set(names)) != len(names):
        raise BadSettings("Two of these pictures have the same name; write their masks into different folders.")
    for picture in pictures:
        path = out / f"{picture.stem}.png"
        if path.exists():
            print(f"{path} is there already and stays.", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="photo-to-terrain-") as place:
            masks = find_masks(Job(picture, Path(place)))
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_picture(path, masks.labels)
        except OSError as problem:
            raise outputs.not_writable(out, problem) from problem
        for warning in masks.report["warnings"]:
            print(f"Note: {picture.name}: {warning}", file=sys.stderr)
        print(path)
