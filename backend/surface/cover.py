"""Everything the material needs beside the heights, from a finished terrain and its photograph, and the files it travels in.

    surface.npy   uint8 (5, rows, cols), 255 is 1: photo weight, facing, rock, scree, snow_hold (LAYERS)
    ground.jpg    the photograph, upright, with sky and foreground replaced by colors grown from the ground
    tint.png      RGBA: the tone that the photograph has over the terrain, and how much of it to take (photo_colors.encoded_tint)

The palette goes into report.json under `surface`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import picture as pictures
from ..camera import Camera
from ..contract.errors import BadPicture
from ..outputs import FILES
from ..picture import Picture
from ..scene import Segmentation
from ..terrain import Terrain
from . import photo_colors
from .ground_classes import ground_classes
from .photo_weight import photo_weight

LAYERS = ("photo", "facing", "rock", "scree", "snow_hold")
"""Order in surface.npy, and names of the attributes in Blender."""

TEXTURE_SIDE_PX = 3072
"""Longer side of the photograph on the ground, at most."""

JPEG_QUALITY = 90


@dataclass(frozen=True)
class Surface:
    """layers: uint8 (5, rows, cols).   ground: uint8 (H, W, 3), sRGB.   tint: uint8 (h, w, 4).   colors: for the report."""

    layers: np.ndarray
    ground: np.ndarray
    tint: np.ndarray
    colors: dict[str, Any]


def cover(picture: Picture, terrain: Terrain, camera: Camera, segmentation: Segmentation) -> Surface:
    """Work it out; 2 to 3 seconds at 1024 x 1024 cells on one core."""
    shown = photo_colors.ground_mask(picture.rgb, segmentation.terrain)
    place = photo_weight(terrain, camera, shown)
    classes = ground_classes(terrain.heights, terrain.grid.dx_m)
    colors = photo_colors.photo_on_cells(picture, place, camera.width, camera.height)
    tones = photo_colors.palette(picture, shown, colors, place, classes, terrain.heights)
    tint = photo_colors.tint_map(colors, place, classes, tones)
    layers = np.stack([(255.0 * layer + 0.5).astype(np.uint8) for layer in (
        place.weight, place.facing, classes.rock, classes.scree, classes.snow_hold)])
    layers[0][place.weight == 0.0] = 0
    ground = photo_colors.only_ground(sharpest(picture).rgb, shown)
    named = {"grass": tones.grass, "rock": tones.rock, "scree": tones.scree, "snow": tones.snow}
    values: dict[str, Any] = {name: [round(float(v), 4) for v in color] for name, color in named.items()}
    values |= {"snow_line_m": tones.snow_line_m, "photo_share": round(float((place.weight > 0.5).mean()), 4)}
    return Surface(layers, (np.clip(ground, 0, 1) * 255 + 0.5).astype(np.uint8), photo_colors.encoded_tint(tint), values)


def sharpest(picture: Picture) -> Picture:
    """The picture's file once more, with as many pixels as a texture may have; the picture itself when it has them all."""
    if max(picture.original_size) <= max(picture.rgb.shape[:2]):
        return picture
    try:
        return pictures.load(picture.path, TEXTURE_SIDE_PX)
    except BadPicture:    # gone or changed since
        return picture


def write(beside: Path, surface: Surface) -> None:
    """The three files. Raises OSError."""
    np.save(beside / FILES["surface"], surface.layers, allow_pickle=False)
    Image.fromarray(surface.ground).save(beside / FILES["ground"], quality=JPEG_QUALITY, subsampling=0)
    Image.fromarray(surface.tint).save(beside / FILES["tint"])
