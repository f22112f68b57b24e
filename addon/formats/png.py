"""PNG (ISO/IEC 15948) of 16-bit gray or 8-bit RGB, without interlacing."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ...backend.contract.height_files import gray_levels, sidecar, written_beside
from ..scene.result_folder import HeightGrid

GRAY, RGB = 0, 2
"""Color types."""

FILTER_UP = 2
"""Each byte as the difference to the one above it: right for ground, which changes slowly."""

LEVEL = 6


def write_heights(path: Path, grid: HeightGrid) -> dict[str, Any]:
    """Heights as 16-bit gray over the full range, and `path` with .json saying how to read it. Returns the sidecar.

    Height = min_m + gray / 65535 * (max_m - min_m). Row 0 is the far side. Raises OSError.
    """
    low, high = float(grid.heights.min()), float(grid.heights.max())
    rows, cols = grid.heights.shape
    said = sidecar(low, high, rows, cols, grid.dx_m, grid.origin_m)
    with written_beside(path) as beside, written_beside(path.with_suffix(".json")) as said_beside:
        beside.write_bytes(encode(gray_levels(grid.heights, low, high)))
        said_beside.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def encode(pixels: np.ndarray) -> bytes:
    """A whole file. pixels: uint16 (rows, cols) gray, or uint8 (rows, cols, 3) RGB. Raises ValueError for others."""
    if pixels.dtype == np.uint16 and pixels.ndim == 2:
        bits, color = 16, GRAY
    elif pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3:
        bits, color = 8, RGB
    else:
        raise ValueError(f"No PNG of ours holds {pixels.dtype} {pixels.shape}.")
    rows, cols = pixels.shape[:2]
    lines = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"))).view(np.uint8).reshape(rows, -1)
    filtered = np.empty((rows, lines.shape[1] + 1), np.uint8)
    filtered[:, 0] = FILTER_UP
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])    # modulo 256, as the standard wants
    head = struct.pack(">IIBBBBB", cols, rows, bits, color, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(filtered.tobytes(), LEVEL))
            + _chunk(b"IEND", b""))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
