"""A project file of fSpy becomes settings; a bad one is a sentence and changes nothing."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import bpy
import numpy as np
import pytest

from backend.camera import Camera


def project(camera: Camera, axes: np.ndarray | None = None, shift: tuple[float, float] = (0.0, 0.0), **changes) -> bytes:
    """The bytes fSpy writes for this camera. axes: (3, 3), rotation of its world, z up without.   shift: principal point."""
    pose = np.eye(4)
    pose[:3, :3] = (np.eye(3) if axes is None else axes) @ camera.rotation() @ np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = (1.5, -2.0, 7.0)
    parameters = {
        "principalPoint": {"x": shift[0], "y": shift[1]}, "cameraTransform": {"rows": pose.tolist()},
        "viewTransform": {"rows": np.linalg.inv(pose).tolist()}, "horizontalFieldOfView": camera.fov_x_rad,
        "verticalFieldOfView": camera.fov_y_rad, "imageWidth": camera.width, "imageHeight": camera.height,
    } | changes
    state = json.dumps({"cameraParameters": parameters, "calibrationSettingsBase": {"referenceDistanceUnit": "No unit"}}).encode()
    picture = b"\xff\xd8 a picture"
    return b"fspy" + struct.pack("<III", 1, len(state), len(picture)) + state + picture


def take(path: Path, content: bytes):
    path.write_bytes(content)
    return bpy.ops.photo_to_terrain.read_fspy(filepath=str(path))


Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
HEADING = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])


@pytest.mark.parametrize("axes", [None, Y_UP, HEADING, Y_UP @ HEADING])
@pytest.mark.parametrize(("pitch", "roll", "fov"), [(7.0, -3.0, 54.0), (-38.0, 20.0, 90.0), (0.0, 0.0, 20.0)])
def test_field_of_view_pitch_and_roll_arrive(scene, tmp_path, axes, pitch, roll, fov):
    camera = Camera(4000, 3000, *map(math.radians, (fov, pitch, roll)))
    assert take(tmp_path / "Señor ⛰.fspy", project(camera, axes)) == {"FINISHED"}
    settings = scene.photo_to_terrain.settings
    assert (settings.fov_x_deg, settings.pitch_deg, settings.roll_deg) == pytest.approx((fov, pitch, roll), abs=1e-3)
    assert settings.fix_pitch


def test_a_shifted_camera_looks_at_the_middle_of_its_picture(scene, tmp_path):
    """A picture whose lower part was cut off: the axis is at the middle of the whole, below the middle of the rest."""
    camera = Camera(4000, 3000, math.radians(60), math.radians(5))
    lower = 300 / 2000    # in halves of the longer side
    take(tmp_path / "cropped.fspy", project(camera, shift=(0.0, -lower)))
    settings = scene.photo_to_terrain.settings
    turned = math.degrees(math.atan(300 / camera.focal_px))
    assert settings.pitch_deg == pytest.approx(5 + turned, abs=1e-3) and settings.roll_deg == pytest.approx(0, abs=1e-3)
    assert settings.fov_x_deg < 60


def bad_files() -> dict[str, tuple[bytes, str]]:
    good = project(Camera(400, 300, 1.0, 0.1))
    state = json.dumps({"cameraParameters": None}).encode()
    skewed = [[2.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    return {
        "empty": (b"", "not an fSpy project"), "picture": (b"\xff\xd8\xff\xe0" + bytes(50), "not an fSpy project"),
        "newer": (b"fspy" + struct.pack("<III", 2, 0, 0), "version 2"),
        "cut off": (good[:200], "damaged"), "no camera": (b"fspy" + struct.pack("<III", 1, len(state), 0) + state, "no camera yet"),
        "no json": (b"fspy" + struct.pack("<III", 1, 3, 0) + b"\xff{]", "damaged"),
        "no rotation": (project(Camera(400, 300, 1.0, 0.1), cameraTransform={"rows": skewed}), "damaged"),
        "no number": (project(Camera(400, 300, 1.0, 0.1), horizontalFieldOfView="wide"), "damaged"),
        "no size": (project(Camera(400, 300, 1.0, 0.1), imageWidth=0), "damaged"),
        "too wide": (project(Camera(400, 300, 3.0, 0.1)), "landscape"),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_a_bad_file_is_one_sentence(scene, part, tmp_path, name):
    before = part("properties").read(scene.photo_to_terrain.settings)
    content, sentence = bad_files()[name]
    with pytest.raises(RuntimeError, match=sentence):
        take(tmp_path / "bad.fspy", content)
    assert part("properties").read(scene.photo_to_terrain.settings) == before


def test_a_missing_file_is_one_sentence(scene, tmp_path):
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.photo_to_terrain.read_fspy(filepath=str(tmp_path / "none.fspy"))
