"""The smallest GeoTIFF that programs accept: one float32 band, no compression, north up, UTM zone 32."""

from __future__ import annotations

import struct

import numpy as np

SHORT, LONG, DOUBLE = 3, 4, 12
SIZES = {SHORT: "H", LONG: "I", DOUBLE: "d"}


def write(path: str, heights: np.ndarray, spacing_m: float) -> None:
    """heights: (rows, cols), row 0 is the north; the lower left corner lies at (0, 0).

    Raises ValueError for more than 4 GB, which this old format cannot address.
    """
    rows, cols = heights.shape
    if heights.size * 4 > 2**32 - 2**16:
        raise ValueError(f"{rows} x {cols} cells do not fit into a classic TIFF.")
    geokeys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632]  # projected, pixel is area, EPSG 32632
    tags = [  # in rising order
        (256, LONG, [cols]),
        (257, LONG, [rows]),
        (258, SHORT, [32]),
        (259, SHORT, [1]),
        (262, SHORT, [1]),
        (273, LONG, [0]),  # where the strip begins, known below
        (277, SHORT, [1]),
        (278, LONG, [rows]),
        (279, LONG, [rows * cols * 4]),
        (339, SHORT, [3]),
        (33550, DOUBLE, [spacing_m, spacing_m, 0.0]),
        (33922, DOUBLE, [0.0, 0.0, 0.0, 0.0, spacing_m * rows, 0.0]),
        (34735, SHORT, geokeys),
    ]
    after = 8 + 2 + 12 * len(tags) + 4
    sizes = [struct.calcsize("<" + SIZES[kind] * len(values)) for _, kind, values in tags]
    start = after + sum(size + size % 2 for size in sizes if size > 4)
    directory, beyond = struct.pack("<2sHIH", b"II", 42, 8, len(tags)), b""
    for (tag, kind, values), size in zip(tags, sizes, strict=True):
        packed = struct.pack("<" + SIZES[kind] * len(values), *([start] if tag == 273 else values))
        if size > 4:
            directory += struct.pack("<HHII", tag, kind, len(values), after + len(beyond))
            beyond += packed + b"\0" * (size % 2)
        else:
            directory += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    with open(path, "wb") as file:  # noqa: PTH123 (peers hand in strings)
        file.write(directory + struct.pack("<I", 0) + beyond)
        np.ascontiguousarray(heights, "<f4").tofile(file)
