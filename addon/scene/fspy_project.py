"""Reads a project of fSpy, which matches cameras by vanishing lines: its field of view, pitch and roll. No bpy here.

The file: "fspy", then little-endian uint32 version (1), size of the state, size of the picture; the state as JSON, the
picture. In the state, `cameraParameters` (null until vanishing lines are set) holds `horizontalFieldOfView` in radians,
`cameraTransform.rows` (4 x 4, camera to world; the camera looks along its -z with +y up), `imageWidth`, `imageHeight` and
`principalPoint`, whose unit is half of the picture's longer side (x right, y up, 0 in the center).
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MOST_BYTES = 1 << 30
UPRIGHT_DEG, STEEPEST_DEG = 45.0, 60.0
"""Greatest roll and pitch at which z is taken for up, as in Blender; else the project has another axis there."""


class BadProject(ValueError):
    """A file that is no fSpy project or holds no camera; says it in one sentence."""


@dataclass(frozen=True)
class FspyCamera:
    """Degrees; pitch up, roll clockwise seen from behind the camera.   width, height: of its picture.   is_shifted: whether
    its principal point is off the center by more than a percent of the width, so that a centered camera only comes close."""

    fov_x_deg: float
    pitch_deg: float
    roll_deg: float
    width: int
    height: int
    is_shifted: bool


def read_project(path: Path) -> FspyCamera:
    """The camera of an fSpy project. Raises BadProject with one sentence."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadProject(f"{path.name} is larger than 1 GB, which no fSpy project is.")
        content = path.read_bytes()
    except OSError as problem:
        raise BadProject(f"{path.name} cannot be read ({problem.strerror or problem}).") from problem
    if content[:4] != b"fspy" or len(content) < 16:
        raise BadProject(f"{path.name} is not an fSpy project.")
    version, size = struct.unpack_from("<II", content, 4)
    if version != 1:
        raise BadProject(f"{path.name} is an fSpy project of version {version}; only version 1 is known.")
    try:
        if len(content) < 16 + size:
            raise ValueError("cut off")
        parameters = json.loads(content[16:16 + size].decode("utf-8"))["cameraParameters"]
        if parameters is None:
            raise BadProject(f"{path.name} holds no camera yet; set its vanishing lines in fSpy first.")
        return camera_of(parameters)
    except BadProject:
        raise
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as problem:
        raise BadProject(f"The fSpy project {path.name} is damaged.") from problem


def camera_of(parameters: dict[str, Any]) -> FspyCamera:
    """From fSpy's `cameraParameters`, also those of its JSON export. Raises ValueError, KeyError or TypeError.

    A shifted camera is replaced by a centered one that looks at the middle of its picture.
    """
    width, height = int(parameters["imageWidth"]), int(parameters["imageHeight"])
    rotation = np.array(parameters["cameraTransform"]["rows"], float)[:3, :3]
    field = float(parameters["horizontalFieldOfView"])
    if rotation.shape != (3, 3) or min(width, height) < 1 or not 0 < field < math.pi:
        raise ValueError("no camera")
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3):
        raise ValueError("no rotation")
    point = parameters.get("principalPoint") or {"x": 0.0, "y": 0.0}
    half = 0.5 * max(width, height)
    shift = np.array([float(point["x"]), float(point["y"])]) * half
    focal = 0.5 * width / math.tan(0.5 * field)

    def ray(x: float, y: float) -> np.ndarray:
        """World direction of a place in the picture, in pixels right of and above its middle."""
        seen = rotation @ np.array([x - shift[0], y - shift[1], -focal])
        return seen / np.linalg.norm(seen)

    forward, left, right = ray(0, 0), ray(-0.5 * width, 0), ray(0.5 * width, 0)
    across = (right - left) - forward * np.dot(right - left, forward)
    across /= np.linalg.norm(across)
    upward = np.cross(across, forward)
    fov = math.acos(max(-1.0, min(1.0, float(np.dot(left, right)))))
    for up in ups(upward):
        pitch, roll = math.asin(max(-1.0, min(1.0, float(forward @ up)))), math.atan2(-float(across @ up), float(upward @ up))
        if abs(roll) <= math.radians(UPRIGHT_DEG) and abs(pitch) <= math.radians(STEEPEST_DEG):
            break
    is_shifted = bool(np.hypot(*shift) > 0.01 * width)
    return FspyCamera(math.degrees(fov), math.degrees(pitch), math.degrees(roll), width, height, is_shifted)


def ups(upward: np.ndarray) -> list[np.ndarray]:
    """World axes that may point to the sky: z, as in Blender, else the one nearest to the camera's own up."""
    nearest = np.zeros(3)
    axis = int(np.argmax(np.abs(upward)))
    nearest[axis] = math.copysign(1.0, upward[axis])
    return [np.array([0.0, 0.0, 1.0]), nearest]
