"""GeoTIFF 1.0 with one float32 band, deflated: TIFF 6.0, Adobe's floating point predictor, the tags that GDAL reads."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from ...backend.contract.height_files import FRAME_NAME, SOFTWARE, written_beside
from ..scene.result_folder import HeightGrid

ROWS_PER_STRIP = 64

LEVEL = 6

SHORT, LONG, DOUBLE, ASCII = 3, 4, 12, 2
"""Types of tags."""

_CODES = {SHORT: "H", LONG: "I", DOUBLE: "d"}

METADATA = (
    "<GDALMetadata>\n"
    '  <Item name="UNITTYPE" sample="0" role="unittype">m</Item>\n'
    '  <Item name="DESCRIPTION" sample="0" role="description">height</Item>\n'
    "</GDALMetadata>\n")


def write_heights(path: Path, grid: HeightGrid) -> None:
    """Heights in meters in the terrain's own frame, bit for bit. Row 0 is the far side. Raises OSError.

    The transform maps pixel *corners*, so that the center of cell (0, 0) is `grid.origin_m`.
    """
    with written_beside(path) as beside:
        beside.write_bytes(encode(grid))


def encode(grid: HeightGrid) -> bytes:
    """A whole file. Heights of up to 4 GB fit, which is far more than a terrain has."""
    rows, cols = grid.heights.shape
    strips = [_strip(grid.heights[row:row + ROWS_PER_STRIP]) for row in range(0, rows, ROWS_PER_STRIP)]
    offsets = [8 + sum(map(len, strips[:number])) for number in range(len(strips))]
    name = FRAME_NAME + "|"
    # Pixels are areas; the frame's name; meters (GeoTIFF 1.0, sections 2.4 and 6).
    keys = (1, 1, 0, 3, 1025, 0, 1, 1, 1026, 34737, len(name), 0, 3076, 0, 1, 9001)
    dx, (x, y) = grid.dx_m, grid.origin_m
    tags = [
        (256, LONG, (cols,)), (257, LONG, (rows,)), (258, SHORT, (32,)), (259, SHORT, (8,)), (262, SHORT, (1,)),
        (273, LONG, offsets), (277, SHORT, (1,)), (278, LONG, (ROWS_PER_STRIP,)),
        (279, LONG, [len(strip) for strip in strips]), (284, SHORT, (1,)), (305, ASCII, SOFTWARE),
        (317, SHORT, (3,)), (339, SHORT, (3,)),
        (33550, DOUBLE, (dx, dx, 0.0)), (33922, DOUBLE, (0.0, 0.0, 0.0, x - 0.5 * dx, y + 0.5 * dx, 0.0)),
        (34735, SHORT, keys), (34737, ASCII, name), (42112, ASCII, METADATA),
    ]
    body = b"".join(strips)
    body += b"\0" * (len(body) % 2)    # a directory begins at an even place
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + _directory(tags, 8 + len(body))


def _strip(heights: np.ndarray) -> bytes:
    """Rows of heights: of each row the first bytes of all numbers, then the second ones ..., as differences, deflated."""
    rows, cols = heights.shape
    planes = heights.astype(">f4").view(np.uint8).reshape(rows, cols, 4).transpose(0, 2, 1).reshape(rows, -1)
    planes[:, 1:] = np.diff(planes, axis=1)
    return zlib.compress(planes.tobytes(), LEVEL)


def _directory(tags: list, place: int) -> bytes:
    """The directory of tags that begins at byte `place`, and behind it what does not fit into four bytes."""
    entries, beyond = b"", b""
    behind = place + 2 + 12 * len(tags) + 4
    for number, kind, values in tags:
        if kind == ASCII:
            content = values.encode("ascii") + b"\0"
            count = len(content)
        else:
            content, count = struct.pack(f"<{len(values)}{_CODES[kind]}", *values), len(values)
        if len(content) > 4:
            where = struct.pack("<I", behind + len(beyond))
            beyond += content + b"\0" * (len(content) % 2)
        else:
            where = content.ljust(4, b"\0")
        entries += struct.pack("<HHI", number, kind, count) + where
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + beyond
