"""Maps and legends with NumPy and Pillow: relief shading, color ramps, panels, scale bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT = (255, 255, 255), (38, 38, 38), (120, 120, 120)
Ramp = Sequence[tuple[float, tuple[int, int, int]]]
WATER: Ramp = ((0.0, (198, 224, 240)), (0.35, (107, 174, 214)), (0.7, (33, 113, 181)), (1.0, (8, 48, 107)))
CUT: Ramp = ((0.0, (253, 208, 162)), (0.4, (253, 141, 60)), (1.0, (166, 54, 3)))
ROOM: Ramp = ((0.0, (255, 247, 188)), (0.35, (254, 196, 79)), (0.7, (236, 112, 20)), (1.0, (140, 45, 4)))
RIVERS: Ramp = ((0.0, (158, 202, 225)), (0.5, (49, 130, 189)), (1.0, (4, 42, 102)))
HORIZON: Ramp = ((0.0, (253, 231, 180)), (0.3, (222, 150, 120)), (0.65, (120, 70, 125)), (1.0, (30, 18, 70)))


def shade(heights: np.ndarray, spacing_m: float, azimuth_deg: float = 315.0, elevation_deg: float = 40.0) -> np.ndarray:
    """Lambert's shading with a second, weak light from above: float (rows, cols) in [0, 1]."""
    down, right = np.gradient(np.asarray(heights, np.float64), spacing_m)
    length = np.sqrt(1.0 + down**2 + right**2)
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    sun = np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)
    direct = (-right * sun[0] + down * sun[1] + sun[2]) / length
    return np.clip(0.12 + 0.68 * np.maximum(direct, 0.0) / sun[2] * 0.8 + 0.2 / length, 0.0, 1.0)


def gray(light: np.ndarray, darkest: int = 60, brightest: int = 250) -> np.ndarray:
    """float (rows, cols) in [0, 1] to float RGB (rows, cols, 3)."""
    return np.repeat((darkest + (brightest - darkest) * light)[..., None], 3, axis=2)


def colors(values: np.ndarray, ramp: Ramp) -> np.ndarray:
    """Values in [0, 1] to float RGB (..., 3), linear between the stops of the ramp."""
    places = [place for place, _ in ramp]
    return np.stack([np.interp(values, places, [color[k] for _, color in ramp]) for k in range(3)], axis=-1)


def over(picture: np.ndarray, paint: np.ndarray, opacity: np.ndarray | float) -> np.ndarray:
    """`paint` laid over `picture`, both RGB; opacity (rows, cols) or one number."""
    alpha = np.asarray(opacity, float)
    alpha = alpha[..., None] if alpha.ndim == 2 else alpha
    return picture * (1 - alpha) + paint * alpha


def tinted(paint: np.ndarray, light: np.ndarray, strength: float = 0.45) -> np.ndarray:
    """Color that keeps some of the relief below it."""
    return paint * (1 - strength + strength * 1.25 * light)[..., None].clip(0, 1)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def as_image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))


def sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), PAPER)
    return image, ImageDraw.Draw(image)


def titled(draw: ImageDraw.ImageDraw, at: tuple[int, int], title: str, below: str = "") -> None:
    draw.text(at, title, INK, font(19))
    draw.text((at[0], at[1] + 25), below, FAINT, font(14))


def scale_bar(image: Image.Image, at: tuple[int, int], length_m: float, spacing_m: float) -> None:
    """A bar of `length_m` with its lower left end at `at`, on a light plate."""
    draw = ImageDraw.Draw(image, "RGBA")
    x, y = at
    pixels = round(length_m / spacing_m)
    draw.rectangle((x - 8, y - 26, x + pixels + 8, y + 6), (255, 255, 255, 205))
    draw.line((x, y, x + pixels, y), INK, 3)
    for end in (x, x + pixels):
        draw.line((end, y - 5, end, y), INK, 2)
    draw.text((x + pixels / 2, y - 14), f"{length_m / 1000:g} km", INK, font(14), anchor="mm")


def legend(image: Image.Image, at: tuple[int, int], ramp: Ramp, labels: Sequence[str], title: str, width: int = 190) -> None:
    """A horizontal ramp with labels spread evenly below it and a title before it."""
    draw = ImageDraw.Draw(image)
    x, y = at
    draw.text((x, y + 6), title, INK, font(14), anchor="lm")
    x += round(draw.textlength(title, font(14))) + 12
    strip = colors(np.linspace(0, 1, width), ramp)
    image.paste(as_image(np.repeat(strip[None], 13, axis=0)), (x, y))
    for k, label in enumerate(labels):
        draw.text((x + width * k / max(1, len(labels) - 1), y + 17), label, INK, font(13), anchor="ma")


def save(image: Image.Image, path: Path, most_bytes: int = 150_000) -> None:
    """JPEG as good as fits into `most_bytes`."""
    for quality in range(92, 40, -3):
        data = io.BytesIO()
        image.save(data, "JPEG", quality=quality, optimize=True, subsampling=0 if quality > 80 else 2)
        if data.tell() <= most_bytes:
            break
    path.write_bytes(data.getvalue())
    print(f"{path}: {image.width} x {image.height}, {data.tell() / 1000:.0f} kB, quality {quality}")
