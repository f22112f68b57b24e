"""A finished job's folder as the backend leaves it, with its own report code and a terrain made up here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np

from backend.camera import Camera

WIDTH, HEIGHT = 320, 240


def camera_values(camera: Camera) -> dict[str, object]:
    """As in report.json."""
    return {
        "pitch_deg": float(np.degrees(camera.pitch_rad)), "roll_deg": float(np.degrees(camera.roll_rad)),
        "fov_x_deg": float(np.degrees(camera.fov_x_rad)), "height_above_ground_m": 2.0,
        "position_m": list(camera.position_m), "width": camera.width, "height": camera.height,
        "blender_euler_rad": list(camera.blender_euler_rad()),
    }


def write_picture(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A PNG: blue above, brown below."""
    image = bpy.data.images.new("made up", width, height)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[: height // 2, :, :3] = (0.4, 0.3, 0.2)
    pixels[height // 2:, :, :3] = (0.3, 0.5, 0.9)
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return path


def write_result(folder: Path, picture: Path, heights: np.ndarray, dx_m: float = 8.0, seed: int = 0,
                 camera: Camera | None = None) -> Path:
    """Fill `folder`: the left half seen, the right half invented, one cell moved."""
    rows, cols = heights.shape
    folder.mkdir(parents=True, exist_ok=True)
    evidence = np.ones((rows, cols), np.uint8)
    evidence[:, cols // 2:] = 0
    evidence[rows // 2, 0] = 2
    np.save(folder / "terrain.npy", heights)
    np.save(folder / "evidence.npy", evidence)
    camera = camera or Camera(WIDTH, HEIGHT, 1.0, 0.05, 0.0, (0.0, 0.0, float(heights.max()) + 40.0))
    report = {
        "version": "0.1.0", "seed": seed, "seconds": 12.5,
        "picture": {"path": str(picture), "sha256": "ab" * 32, "width": camera.width, "height": camera.height},
        "camera": camera_values(camera),
        "terrain": {"rows": rows, "cols": cols, "dx_m": dx_m, "origin_m": [-0.5 * dx_m * (cols - 1), dx_m * (rows + 3)],
                    "min_m": float(heights.min()), "max_m": float(heights.max())},
        "metrics": {"skyline_error_px": 1.25},
        "warnings": [{"stage": "prior", "warning": "The relief is uncertain."}],
    }
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    return folder


def is_running(pid: int) -> bool:
    """Whether there is a living process of this number (a zombie is none). Linux and other systems with /proc or ps."""
    stat = Path(f"/proc/{pid}/stat")
    if sys.platform == "linux":
        try:
            return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False
    import os
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
