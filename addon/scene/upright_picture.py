"""Loads a picture the right way up: Blender ignores the orientation that cameras write into JPEG files."""

from __future__ import annotations

import struct
from pathlib import Path

import bpy
import numpy as np

ORIENTATION_TAG = 0x0112


def load_upright(path: Path) -> bpy.types.Image | None:
    """The picture as an image of this file, turned as its EXIF orientation says. None when Blender cannot read it."""
    try:
        image = bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError:
        return None
    if not image.size[0]:
        bpy.data.images.remove(image)
        return None
    orientation = exif_orientation(path)
    return image if orientation == 1 else turned(image, orientation)


def turned(image: bpy.types.Image, orientation: int) -> bpy.types.Image:
    """A packed copy of the image, turned. orientation: 2 to 8 as in EXIF 2.3, table 6."""
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    rows = pixels.reshape(height, width, 4)[::-1]    # Blender's rows go from the bottom to the top
    if orientation in (5, 6, 7, 8):
        rows = rows.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rows = rows[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rows = rows[::-1]
    upright = bpy.data.images.new(f"{image.name} upright", rows.shape[1], rows.shape[0])
    upright.colorspace_settings.name = image.colorspace_settings.name
    upright.pixels.foreach_set(np.ascontiguousarray(rows[::-1]).ravel())
    upright.update()
    upright.pack()
    if not image.users:
        bpy.data.images.remove(image)
    return upright


def exif_orientation(path: Path) -> int:
    """1 to 8 as in EXIF; 1 where a file says nothing or is no JPEG."""
    try:
        with path.open("rb") as source:
            return _orientation_in(source.read(1 << 17))
    except (OSError, struct.error, IndexError):
        return 1


def _orientation_in(data: bytes) -> int:
    """Walk the JPEG segments to APP1 and its first directory. Raises struct.error when they are cut off."""
    if data[:2] != b"\xff\xd8":
        return 1
    at = 2
    while data[at] == 0xFF and data[at + 1] not in (0xD9, 0xDA):
        length = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] == 0xE1 and data[at + 4:at + 10] == b"Exif\0\0":
            return _orientation_in_tiff(data[at + 10:at + 2 + length])
        at += 2 + length
    return 1


def _orientation_in_tiff(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    directory = struct.unpack_from(order + "I", tiff, 4)[0]
    for entry in range(struct.unpack_from(order + "H", tiff, directory)[0]):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * entry)
        if tag == ORIENTATION_TAG and kind == 3 and 1 <= value <= 8:
            return value
    return 1
