"""Field of view from EXIF: what the camera wrote about its lens, checked against the picture it came with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405
PLANE_X_RESOLUTION, PLANE_UNIT = 0xA20E, 0xA210
WRITTEN_WIDTH, WRITTEN_HEIGHT = 0xA002, 0xA003
MILLIMETERS_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
DIAGONAL_35MM = math.hypot(36.0, 24.0)
LIMITS_RAD = (math.radians(2.0), math.radians(140.0))


def _number(tags: Mapping[int, Any], tag: int) -> float:
    """A positive number, or 0.0 where the tag is missing or makes no sense."""
    try:
        value = float(tags[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def field_of_view(tags: Mapping[int, Any], width: int, height: int, is_turned: bool) -> float | None:
    """Horizontal field of view in radians of the upright picture, or None where EXIF does not tell.

    tags: of the Exif IFD.   width, height: pixels as stored, before turning.   is_turned: orientation is by a quarter.
    The 35 mm equivalent relates diagonals (CIPA DCG-001); else focal length and focal plane resolution are used. A
    picture whose shape differs from the one written in EXIF was cropped, and then its tags do not hold.
    """
    written = _number(tags, WRITTEN_WIDTH), _number(tags, WRITTEN_HEIGHT)
    if all(written):
        shape = math.log(width / height)
        if min(abs(shape - math.log(written[0] / written[1])), abs(shape + math.log(written[0] / written[1]))) > 0.02:
            return None
    focal_px = 0.0
    equivalent, focal_mm = _number(tags, FOCAL_LENGTH_35MM), _number(tags, FOCAL_LENGTH)
    resolution = _number(tags, PLANE_X_RESOLUTION)
    if equivalent:
        focal_px = equivalent / DIAGONAL_35MM * math.hypot(width, height)
    elif focal_mm and resolution and all(written):
        sensor_mm = written[0] / resolution * MILLIMETERS_PER_UNIT.get(int(_number(tags, PLANE_UNIT)) or 2, 25.4)
        if 2.0 < sensor_mm < 60.0:
            focal_px = focal_mm / sensor_mm * width
    if not focal_px:
        return None
    fov = 2.0 * math.atan(0.5 * (height if is_turned else width) / focal_px)
    return fov if LIMITS_RAD[0] < fov < LIMITS_RAD[1] else None
