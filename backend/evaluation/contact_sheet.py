"""Many small pictures with captions on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

TILE_PX = (400, 267)
CAPTION_PX = 22


def contact_sheet(
    cases: Sequence[tuple[str, Sequence[Image.Image | np.ndarray]]], cases_per_line: int = 2, tile: tuple[int, int] = TILE_PX
) -> Image.Image:
    """Each case is a caption and pictures side by side (images, or uint8 arrays of gray or RGB), scaled into tiles."""
    width, height = tile
    across = max((len(pictures) for _, pictures in cases), default=1)
    lines = -(-len(cases) // cases_per_line)
    sheet = Image.new("RGB", (cases_per_line * (across * width + 12), max(1, lines) * (height + CAPTION_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (caption, pictures) in enumerate(cases):
        x = number % cases_per_line * (across * width + 12)
        y = number // cases_per_line * (height + CAPTION_PX)
        for k, picture in enumerate(pictures):
            sheet.paste(_fitted(picture, tile), (x + k * width, y))
        draw.text((x + 4, y + height + 4), caption, fill="black")
    return sheet


def _fitted(picture: Image.Image | np.ndarray, tile: tuple[int, int]) -> Image.Image:
    """Scaled into a tile with gray margins."""
    image = (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture.copy()).convert("RGB")
    frame = Image.new("RGB", tile, (120, 120, 120))
    image.thumbnail(tile, Image.Resampling.LANCZOS)
    frame.paste(image, ((tile[0] - image.width) // 2, (tile[1] - image.height) // 2))
    return frame
