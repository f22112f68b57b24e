"""What the panel shows of a mask: shares, whether it was painted on, a small tinted picture. Followed while somebody paints.

Reading an image's pixels takes some milliseconds, so a panel never does: it shows what was seen last, and a timer looks again.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import bpy
import bpy.utils.previews
import numpy as np
from bpy.app.handlers import persistent

from .scene import mask_overlay
from .scene.land_classes import shares_of, snapped, tinted
from .scene.mask_editor import show_again
from .scene.mask_image import found_in, is_mask, mask_of, pack_masks, pixels_in, under_of
from .scene.viewport import redraw

LOOK_EVERY_S = 0.7
"""While an Image Editor shows a mask."""

PREVIEW_PX = 256


@dataclass(frozen=True)
class Look:
    """What was seen in a mask.

    checksum: of its pixels.   shares: of sky, terrain, foreground, 0 to 1.   icon: number of the tinted picture, 0 for none.
    """

    checksum: int
    shares: tuple[float, float, float]
    is_edited: bool
    icon: int


_looks: dict[str, Look] = {}
_previews: list[bpy.utils.previews.ImagePreviewCollection] = []


def seen(image: bpy.types.Image) -> Look | None:
    """What was seen of it last; None, and a look soon, when that was never. May be called while a panel is drawn."""
    look = _looks.get(image.name)
    if look is None:
        watch()
    return look


def look_at(image: bpy.types.Image) -> Look:
    """Look now."""
    pixels = pixels_in(image)
    checksum = zlib.adler32(pixels)
    known = _looks.get(image.name)
    if known is not None and known.checksum == checksum:
        return known
    found = found_in(image)
    labels = snapped(pixels, found)
    under = under_of(image)
    icon = 0 if under is None else show(image.name, tinted(pixels_in(under), labels, PREVIEW_PX))
    look = _looks[image.name] = Look(checksum, shares_of(labels), not np.array_equal(labels, found), icon)
    return look


def show(name: str, picture: np.ndarray) -> int:
    """Make a picture the preview of this name. picture: float32 (h, w, 4), row 0 at the top.   Returns the icon's number."""
    if not _previews:
        _previews.append(bpy.utils.previews.new())
    preview = _previews[0].get(name) or _previews[0].new(name)
    preview.image_size = picture.shape[1], picture.shape[0]
    preview.image_pixels_float.foreach_set(np.ascontiguousarray(picture[::-1]).ravel())
    return preview.icon_id


def watch() -> None:
    """Begin to look now and then; ends by itself."""
    if not bpy.app.background and not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0.0)


def tick() -> float | None:
    """Look at the scenes' masks, and at those that somebody may be painting on. Returns seconds until the next time."""
    shown = shown_masks()
    before = dict(_looks)
    for image in {*shown, *filter(None, (mask_of(window.scene) for window in bpy.context.window_manager.windows))}:
        if image.is_dirty or image.name not in _looks:
            look_at(image)
    if _looks != before:
        redraw()
    return LOOK_EVERY_S if shown else None


def shown_masks() -> list[bpy.types.Image]:
    """The masks in Image Editors."""
    spaces = (area.spaces.active for window in bpy.context.window_manager.windows for area in window.screen.areas
              if area.type == "IMAGE_EDITOR")
    return [space.image for space in spaces if is_mask(space.image)]


def forget() -> None:
    """What was seen is of another file."""
    _looks.clear()
    mask_overlay.forget()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


@persistent
def another_file(*_: object) -> None:
    """A file was loaded, or undo has brought back other images."""
    forget()
    show_again()
    watch()


@persistent
def keep_masks(*_: object) -> None:
    """The file is about to be saved."""
    pack_masks()


LISTENERS = (("undo_post", another_file), ("redo_post", another_file), ("save_pre", keep_masks))


def register() -> None:
    """Begin to hear of files, undo and saving, and to draw over masks."""
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).append(listener)
    mask_overlay.register()


def unregister() -> None:
    """Stop all that."""
    mask_overlay.unregister()
    forget()
    while _previews:
        bpy.utils.previews.remove(_previews.pop())
    for name, listener in LISTENERS:
        getattr(bpy.app.handlers, name).remove(listener)
