"""Puts on a finished terrain what its material needs: attributes, the photograph's UV map, images and the material itself.

The backend leaves `surface.npy`, `ground.jpg` and `tint.png` in the job's folder (backend/surface/cover.py). Without them,
as in results of earlier versions, the ground is painted by slope alone and no photograph lies on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

from ..compatibility import put, put_uv
from ..steps import Steps
from .ground_attributes import analysis_steps
from .ground_nodes import Color, Tones
from .material import terrain_material
from .projection import CAMERA_UV, corner_uv_slabs
from .result_folder import FinishedTerrain, HeightGrid

LAYERS = ("photo", "facing", "rock", "scree", "snow_hold")
"""Layers of surface.npy and names of the attributes (backend/surface/cover.py has the same)."""

SURFACE, GROUND, TINT = "surface.npy", "ground.jpg", "tint.png"

ALPINE_M = (700.0, 1500.0)
"""Relief at which snow on the summits begins to be plausible, and at which it is certain, where the photograph says nothing."""


def dress_steps(terrain: bpy.types.Object, finished: FinishedTerrain) -> Steps[None]:
    """All of it in steps of a few hundredths of a second at 1024 x 1024, so that Blender can breathe between them."""
    grid, mesh = finished.grid, terrain.data
    layers = read_layers(finished)
    is_photographed = layers is not None
    if layers is None:
        layers = plain_layers(grid)
    for name, layer in zip(LAYERS, layers, strict=True):
        put(mesh, name, "FLOAT", "POINT", "value", layer * np.float32(1 / 255))
        yield
    yield from analysis_steps(mesh, finished.folder, grid.heights.shape)
    if is_photographed:
        yield from put_camera_uv(mesh, grid, finished)
    low, high = (float(v) for v in np.percentile(grid.heights[::2, ::2], (2, 99.5)))
    yield
    photo, tint = (load_packed(finished.folder / name) if is_photographed else None for name in (GROUND, TINT))
    if tint is not None:
        tint.colorspace_settings.name, tint.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    yield
    values = finished.report.get("surface") or {}
    terrain.data.materials.append(terrain_material(
        "Terrain Ground", tones_of(values), photo, tint, snow_line_of(values, low, high), low, high, grid.dx_m,
        grid.heights.shape))


def read_layers(finished: FinishedTerrain) -> np.ndarray | None:
    """uint8 (5, rows, cols) of LAYERS; None where the folder has none that fit."""
    try:
        layers = np.load(finished.folder / SURFACE, allow_pickle=False)
    except (OSError, ValueError):
        return None
    fits = layers.dtype == np.uint8 and layers.shape == (len(LAYERS), *finished.grid.heights.shape)
    return layers if fits and (finished.folder / GROUND).is_file() else None


def plain_layers(grid: HeightGrid) -> np.ndarray:
    """The same without a photograph and from the slope alone."""
    fall_y, fall_x = np.gradient(grid.heights, grid.dx_m)
    slope = np.hypot(fall_x, fall_y)
    layers = np.zeros((len(LAYERS), *grid.heights.shape), np.uint8)
    layers[2] = 255 * np.clip((slope - 0.62) / 0.4, 0, 1)
    layers[4] = 255 * np.clip((1.35 - slope) / 0.7, 0, 1)
    return layers


def put_camera_uv(mesh: bpy.types.Mesh, grid: HeightGrid, finished: FinishedTerrain) -> Iterator[None]:
    """Add the UV map of the photograph; the first one stays the active one."""
    active = mesh.uv_layers.active_index
    rows, cols = grid.heights.shape
    uv = np.empty((4 * (rows - 1) * (cols - 1), 2), np.float32)
    for corners, values in corner_uv_slabs(grid, finished.report["camera"]):
        uv[corners] = values
        yield
    put_uv(mesh, CAMERA_UV, uv)
    mesh.uv_layers.active_index = active
    yield


def load_packed(path: Path) -> bpy.types.Image | None:
    """An image stored in the .blend file; None where it cannot be read."""
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError:
        return None
    image.pack()
    return image


def tones_of(values: dict[str, object]) -> Tones:
    """The palette in a report; the usual colors for what it lacks."""
    colors: dict[str, Color] = {}
    for name in ("grass", "rock", "scree", "snow"):
        value = values.get(name)
        if isinstance(value, list) and len(value) == 3 and all(isinstance(v, (int, float)) for v in value):
            red, green, blue = (min(max(float(v), 0.0), 1.0) for v in value)
            colors[name] = (red, green, blue, 1.0)
    return Tones(**colors)


def snow_line_of(values: dict[str, object], low_m: float, high_m: float) -> float:
    """Meters: what the photograph shows, or above everything; without a photograph what is plausible for the relief."""
    relief = high_m - low_m
    if isinstance(values.get("snow_line_m"), (int, float)):
        return float(values["snow_line_m"])
    if values:
        return high_m + 0.3 * relief
    share = float(np.clip((relief - ALPINE_M[0]) / (ALPINE_M[1] - ALPINE_M[0]), 0, 1))
    return low_m + (1.3 - 0.5 * share) * relief
