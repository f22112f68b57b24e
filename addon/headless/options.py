"""The command line: what can be asked for. No bpy here."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ...backend.contract.command_options import add_settings
from .stamp import RESULTS

CODES = "exit codes: 0 all done, 1 some pictures failed, 2 wrong use or nothing to do, 130 interrupted"


def parser(program: str) -> argparse.ArgumentParser:
    """Every option. program: how it was called, for the help."""
    top = argparse.ArgumentParser(
        prog=program, description="Pictures of mountains in, terrains out: each gets a folder OUT/NAME with "
        f"{', '.join(RESULTS)}. What is finished is skipped; what was interrupted is continued.", epilog=CODES)
    top.add_argument("place", metavar="IN", type=Path, help="a picture, or a folder of pictures")
    top.add_argument("out", metavar="OUT", type=Path, help="folder for the results")
    top.add_argument("--recursive", action="store_true", help="also pictures in folders below IN")
    top.add_argument("--overwrite", action="store_true", help="also make again what is finished")
    top.add_argument("--forget-cache", action="store_true",
                     help="remove each terrain's stage cache once it is finished; other settings then take the whole way")
    top.add_argument("--part", type=part, default=(1, 1), metavar="I/N",
                     help="only every N-th picture from the I-th on, to share the work between N machines")
    top.add_argument("--masks", type=Path, metavar="FOLDER",
                     help="edited masks (red sky, green terrain, blue foreground), each where its picture is in IN, with the "
                     "suffix .png; a picture without one is segmented")
    top.add_argument("--python", metavar="FILE", help="Python of the backend's environment (default: as in the add-on)")
    top.add_argument("--log", type=Path, metavar="FILE", help="append the backend's log to this file")
    top.add_argument("--json-progress", action="store_true", help="progress on stderr as JSON, one object a line")
    top.add_argument("--stages", help=argparse.SUPPRESS)    # module:name of a stage table, for tests
    add_settings(top)
    return top


def part(text: str) -> tuple[int, int]:
    """`2/5` as (2, 5). Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count:
        raise argparse.ArgumentTypeError(f"{text!r} is no share such as 2/5")
    return number, count
