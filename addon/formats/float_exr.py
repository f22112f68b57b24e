"""OpenEXR 2 with one float32 channel, scan lines in ZIP blocks (openexr.com, "OpenEXR File Layout")."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from ...backend.contract.height_files import SOFTWARE, written_beside
from ..scene.result_folder import HeightGrid

CHANNEL = b"Y"
"""The name of a lone gray channel: Blender, GDAL, OpenCV and terrain programs look for it."""

FLOAT, ZIP, LINES_PER_BLOCK = 2, 3, 16

LEVEL = 6


def write_heights(path: Path, grid: HeightGrid) -> None:
    """Heights in meters, bit for bit. Row 0, on top, is the far side. Raises OSError."""
    with written_beside(path) as beside:
        beside.write_bytes(encode(grid))


def encode(grid: HeightGrid) -> bytes:
    """A whole file. Spacing and place of the grid are in its attribute `comments`, as JSON."""
    rows, cols = grid.heights.shape
    said = json.dumps({"unit": "m", "dx_m": grid.dx_m, "origin_m": list(grid.origin_m), "software": SOFTWARE})
    window = struct.pack("<4i", 0, 0, cols - 1, rows - 1)
    head = struct.pack("<2I", 20000630, 2) + b"".join((
        _attribute("channels", "chlist", CHANNEL + b"\0" + struct.pack("<iB3x2i", FLOAT, 0, 1, 1) + b"\0"),
        _attribute("comments", "string", said.encode("ascii")),
        _attribute("compression", "compression", bytes([ZIP])),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", b"\0"),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        _attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    )) + b"\0"
    blocks = []
    for row in range(0, rows, LINES_PER_BLOCK):
        content = _block(grid.heights[row:row + LINES_PER_BLOCK])
        blocks.append(struct.pack("<2i", row, len(content)) + content)
    begin = len(head) + 8 * len(blocks)
    lengths = np.array([0, *map(len, blocks[:-1])], np.uint64)
    return head + (np.uint64(begin) + np.cumsum(lengths)).astype("<u8").tobytes() + b"".join(blocks)


def _attribute(name: str, kind: str, content: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(content)) + content


def _block(heights: np.ndarray) -> bytes:
    """Some lines: even bytes, then odd ones, as differences around 128, deflated; as they are where that is no shorter."""
    plain = np.ascontiguousarray(heights, "<f4").view(np.uint8).ravel()
    halves = np.concatenate((plain[0::2], plain[1::2]))
    halves[1:] = np.diff(halves) + np.uint8(128)
    packed = zlib.compress(halves.tobytes(), LEVEL)
    return packed if len(packed) < plain.size else plain.tobytes()
