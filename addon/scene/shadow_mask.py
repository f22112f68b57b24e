"""The shadow mask in Blender: heights out of the mesh, the backend's bits into an image of the material."""

from __future__ import annotations

import base64
import binascii
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import result_collections as places
from .material import PACK_MARK, SHADOW_IMAGE

NAME = "Terrain Shadow Mask"

MOST_PIXELS = 1024
"""Along each side of the mask: finer ones take longer to draw than a slider waits."""


class NoMask(ValueError):
    """Why there is no shadow mask, in one sentence."""


def terrain_heights(terrain: bpy.types.Object, report: dict[str, Any]) -> np.ndarray:
    """float32 (rows, cols): the mesh's heights as they are now, sculpted or not. Raises NoMask."""
    place = report.get("terrain") or {}
    rows, cols = int(place.get("rows", 0)), int(place.get("cols", 0))
    if rows * cols == 0 or len(terrain.data.vertices) != rows * cols:
        raise NoMask("The terrain's points are no longer the grid that it was made with, so that shadows cannot be computed.")
    points = np.empty(rows * cols * 3, np.float32)
    terrain.data.vertices.foreach_get("co", points)
    return np.ascontiguousarray(points[2::3].reshape(rows, cols))


def step_for(shape: tuple[int, int]) -> int:
    """Every how-manieth cell becomes a pixel."""
    return -(-max(shape) // MOST_PIXELS)


def mask_of(answer: dict[str, Any]) -> np.ndarray:
    """bool (rows, cols) of a `shadow` message. Raises NoMask."""
    if "bits" not in answer:
        raise NoMask(str(answer.get("text", "The shadows cannot be computed.")))
    try:
        packed = np.frombuffer(zlib.decompress(base64.b64decode(answer["bits"])), np.uint8)
        rows, cols = int(answer["rows"]), int(answer["cols"])
        return np.unpackbits(packed, count=rows * cols).reshape(rows, cols).astype(bool)
    except (ValueError, KeyError, zlib.error, binascii.Error) as problem:
        raise NoMask(f"The shadow mask did not arrive whole ({problem}).") from problem


def show_mask(material: bpy.types.Material, mask: np.ndarray) -> bpy.types.Image:
    """Put a mask into the material's image; made when there is none of this size. mask: bool (rows, cols), True dark."""
    node = material.node_tree.nodes[SHADOW_IMAGE]
    rows, cols = mask.shape
    image = node.image
    if image is None or tuple(image.size) != (cols, rows):
        if image is not None and image.users == 1:
            bpy.data.images.remove(image)
        image = bpy.data.images.new(NAME, cols, rows, alpha=False, is_data=True)
        image[PACK_MARK] = True
        node.image = image
    pixels = np.empty((rows, cols, 4), np.float32)
    pixels[..., :3] = mask[::-1, :, None]    # Blender's rows go from the bottom to the top
    pixels[..., 3] = 1.0
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    image.update_tag()
    return image


def sun_of(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The terrain's sun lamp."""
    return next((o for o in collection.objects if o.type == "LIGHT" and o.data.type == "SUN"), None)


def write_heights(heights: np.ndarray, path: Path) -> None:
    """For the backend to read. Raises OSError."""
    np.save(path, heights, allow_pickle=False)


def shown_material(scene: bpy.types.Scene) -> bpy.types.Material | None:
    """The material of the terrain that is shown, if it is one of ours."""
    from .material import is_ours

    collection = places.shown_result(scene)
    terrain = places.terrain_in(collection) if collection else None
    material = terrain.active_material if terrain else None
    return material if is_ours(material) else None
