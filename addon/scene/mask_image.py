"""The picture's masks as an image that Blender's own brushes paint on, and back to what a run reads.

The image holds pure red (sky), green (terrain) and blue (foreground). What the network found is kept with it as text, so that
painting can be told from it and taken back; the reduced picture to show below it is an image of its own. Both are packed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import bpy
import numpy as np

from ...backend.contract.errors import OutputNotWritable
from ...backend.contract.height_files import written_beside
from ...backend.contract.masks import UNKNOWN
from ...backend.contract.settings import TerrainSettings
from ..formats.png import encode
from ..translations import tell
from .land_classes import as_rgb, fingerprint, from_text, pixels_of, resized, snapped, to_text

MARK, FOUND, UNDER, WARNING = (f"photo_to_terrain_{name}" for name in ("mask_of", "found", "under", "warning"))
"""Custom properties of a mask: its picture's fingerprint, what the network found, the image to show below, a sentence."""


SHAPE_TOLERANCE = 0.02
"""By so much the shape of a mask file may differ from the picture's, as in the backend."""


class BadMask(ValueError):
    """A file that is no mask of this picture; one sentence says why."""


def new_mask(name: str, of: str, labels: np.ndarray, found: np.ndarray, under: bpy.types.Image | None,
             warning: str = "") -> bpy.types.Image:
    """A mask image, not packed yet. of: fingerprint of its picture.   labels, found: uint8 (H, W), painted and as it was found."""
    height, width = labels.shape
    image = bpy.data.images.new(name, width, height, alpha=False)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(pixels_of(labels))
    image.update()
    image.use_fake_user = True    # the file keeps it also while another picture is chosen
    image[MARK] = of
    renew(image, found, under, warning)
    return image


def renew(image: bpy.types.Image, found: np.ndarray, under: bpy.types.Image | None, warning: str) -> None:
    """Keep with a mask what was found, anew; its pixels stay."""
    image[FOUND], image[WARNING] = to_text(found), warning
    if under is not None:
        image[UNDER] = under


def repainted(image: bpy.types.Image, labels: np.ndarray) -> bpy.types.Image:
    """A new, packed mask of the same picture. labels: uint8, as large as the image."""
    made = new_mask(image.name, image[MARK], labels, found_in(image), under_of(image), image.get(WARNING, ""))
    made.pack()
    return made


def labels_of_file(path: Path, mask: bpy.types.Image) -> np.ndarray:
    """uint8 as large as `mask`: the classes in a picture file. Raises BadMask with one sentence."""
    try:
        picture = bpy.data.images.load(str(path))
    except RuntimeError as problem:
        raise BadMask(tell("{name} cannot be read as a picture.", name=path.name)) from problem
    try:
        width, height = picture.size
        if not height:
            raise BadMask(tell("{name} cannot be read as a picture.", name=path.name))
        if abs(width / height * mask.size[1] / mask.size[0] - 1.0) > SHAPE_TOLERANCE:
            raise BadMask(tell("{name} has {width} x {height} pixels, another shape than the picture's; use a mask of the whole "
                               "picture.", name=path.name, width=width, height=height))
        labels = snapped(pixels_in(picture), resized(found_in(mask), height, width))
    finally:
        bpy.data.images.remove(picture)
    return resized(labels, mask.size[1], mask.size[0])


def is_mask(image: bpy.types.Image | None) -> bool:
    """Whether an image is one of ours."""
    return image is not None and MARK in image and FOUND in image and image.size[0] > 0


def found_in(image: bpy.types.Image) -> np.ndarray:
    """uint8 (H, W) as large as the image: what the network found; unknown everywhere when that was lost."""
    width, height = image.size
    try:
        found = from_text(image[FOUND])
    except (ValueError, TypeError, AttributeError):
        return np.full((height, width), UNKNOWN, np.uint8)
    return resized(found, height, width)


def labels_in(image: bpy.types.Image) -> np.ndarray:
    """uint8 (H, W): the classes as painted."""
    return snapped(pixels_in(image), found_in(image))


def is_edited(image: bpy.types.Image) -> bool:
    """Whether painting has changed a class."""
    return not np.array_equal(labels_in(image), found_in(image))


def pixels_in(image: bpy.types.Image) -> np.ndarray:
    """Blender's pixels of an image."""
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return pixels


def under_of(image: bpy.types.Image) -> bpy.types.Image | None:
    """The reduced picture that belongs to a mask, as large as it."""
    under = image.get(UNDER)
    is_same = isinstance(under, bpy.types.Image) and tuple(under.size) == tuple(image.size)
    return under if is_same else None


def mask_of(scene: bpy.types.Scene) -> bpy.types.Image | None:
    """The scene's mask, if it is one of the picture that is chosen now."""
    ours = scene.photo_to_terrain
    image = ours.mask
    if not is_mask(image) or not ours.picture.strip():
        return None
    try:
        return image if image[MARK] == fingerprint(Path(bpy.path.abspath(ours.picture))) else None
    except OSError:
        return None


def earlier_mask(of: str, size: tuple[int, int]) -> bpy.types.Image | None:
    """A mask of this picture that is still in the file. size: width, height."""
    return next((image for image in bpy.data.images
                 if is_mask(image) and image[MARK] == of and tuple(image.size) == size), None)


def pack_masks() -> None:
    """Put what was painted since the last time into the file that is about to be saved."""
    for image in bpy.data.images:
        if is_mask(image) and image.is_dirty:
            image.pack()


def settings_with_mask(scene: bpy.types.Scene, settings: TerrainSettings, folder: Path) -> TerrainSettings:
    """The settings with the painted mask as a file in the job's folder; the same ones where nothing was painted.

    A mask file that is set goes first. The file's name is that of its content, so that earlier terrains keep theirs.
    Raises OutputNotWritable.
    """
    image = mask_of(scene)
    if settings.mask_path or image is None or not scene.photo_to_terrain.use_mask:
        return settings
    labels = labels_in(image)
    if np.array_equal(labels, found_in(image)):
        return settings
    path = folder / f"mask-{hashlib.sha256(labels.tobytes()).hexdigest()[:8]}.png"
    try:
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with written_beside(path) as beside:
                beside.write_bytes(encode(as_rgb(labels)))
    except OSError as problem:
        raise OutputNotWritable(tell("The mask cannot be written to {folder} ({problem}). Choose another folder.",
                                     folder=folder, problem=problem.strerror or problem)) from problem
    return dataclasses.replace(settings, mask_path=str(path))
