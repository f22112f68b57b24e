"""The picture as Blender shows it behind the scene: upright, in sRGB, and so small that opening it does not hold Blender up.

Opening 24 megapixels takes Blender 0.1 s, and 3 s where they have to be turned, during which nobody can work.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
from PIL import Image

from . import picture as pictures
from .contract.errors import BadPicture
from .contract.height_files import written_beside
from .picture import Picture

LONGEST_SIDE_PX = 2048

JPEG_QUALITY = 92


def provide(cache: Path, picture: Picture) -> Path:
    """The picture's backdrop in the cache, made if it is not there. Raises OSError."""
    path = cache / f"backdrop-{picture.sha256[:24]}.jpg"
    if path.is_file():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    for earlier in cache.glob("backdrop-*.jpg"):    # of what the picture's file was before
        earlier.unlink(missing_ok=True)
    colors = np.clip(np.rint(255.0 * _larger(picture).rgb), 0, 255).astype(np.uint8)
    with written_beside(path) as beside:
        Image.fromarray(colors).save(beside, quality=JPEG_QUALITY, subsampling=0)
    return path


def _larger(picture: Picture) -> Picture:
    """The picture at LONGEST_SIDE_PX, if its file has more pixels than it has here."""
    if max(picture.original_size) > max(picture.rgb.shape[:2]):
        with contextlib.suppress(BadPicture):    # the file has gone or changed meanwhile
            larger = pictures.load(picture.path, LONGEST_SIDE_PX)
            if larger.sha256 == picture.sha256:
                return larger
    return picture
