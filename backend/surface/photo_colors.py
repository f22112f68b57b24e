"""The photograph's colors: a picture of nothing but ground, the ground's palette in it, and how its tone changes over the land.

All averages are taken in linear light, over cells whose weight says that the photograph shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..picture import Picture
from .ground_classes import GroundClasses
from .photo_weight import PhotoWeight, sample

GRASS, ROCK, SCREE, SNOW = (0.098, 0.105, 0.050), (0.19, 0.175, 0.155), (0.27, 0.25, 0.22), (0.80, 0.83, 0.87)
"""Linear colors of sunlit ground, where the photograph shows too little of a class."""

LEAST_CELLS = 200
"""Fewer pixels or cells of a class say nothing about its color."""

LEAST_SHARE = 0.03
"""Share of the ground in the photograph from which on plants count."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)

BRIGHT, PALE = 0.42, 0.22
"""Snow is brighter than the first (linear) and less saturated than the second."""

SKYLIGHT = 0.6
"""Rock looks blue in a photograph because the sky lights it, and ours will light it again: so much of its color is dropped."""

TINT_CELLS = 64
"""Cells along the longer side of the tint's map."""

TINT_LIGHT = (0.5, 2.0)
"""Limits of the tint's brightness."""

TINT_REACH = (0.7, 1.5, 3.0)
"""Widths in cells of the tint's map over which the photograph's tone is carried on into unseen ground."""

TINT_SHARE = 0.8
"""How much of the tone, at most, is the photograph's; the rest stays that of the painted ground."""


@dataclass(frozen=True)
class Palette:
    """Linear colors (3,) of the classes, and the height above which snow lies, or None where the photograph shows none."""

    grass: np.ndarray
    rock: np.ndarray
    scree: np.ndarray
    snow: np.ndarray
    snow_line_m: float | None


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB-encoded 0..1 to linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def photo_on_cells(picture: Picture, place: PhotoWeight, width: int, height: int) -> np.ndarray:
    """float32 (rows, cols, 3): linear color of the photograph at every cell. width, height: of the camera's picture."""
    rows, cols = picture.rgb.shape[:2]
    return linear(sample(picture.rgb, place.column * cols / width, place.row * rows / height))


def palette(picture: Picture, ground: np.ndarray, colors: np.ndarray, place: PhotoWeight, classes: GroundClasses,
            heights: np.ndarray) -> Palette:
    """Medians of the photograph over its kinds of ground, told apart by color: one picture's slopes are too uncertain.

    Plants are green or olive, snow is bright and pale, rock is the rest.   ground: bool mask of the picture, any size.
    colors: linear color of the photograph at every cell. Where plants are less than LEAST_SHARE of the ground, what lies
    flat gives the color of the flat ground.
    """
    pixels = linear(picture.rgb[::2, ::2])
    height, width = pixels.shape[:2]
    shown = pixels[resized(ground, height, width)]
    snow, plants, stone = is_white(shown), is_green(shown), is_gray(shown)
    bare = ~snow & ~plants
    rock = _median(shown, bare & stone if (bare & stone).sum() >= LEAST_SHARE * len(shown) else bare, ROCK)
    rock = (1.0 - SKYLIGHT) * rock + SKYLIGHT * rock.mean()
    seen = place.weight * np.clip(place.facing / 0.2, 0, 1) > 0.5
    if plants.sum() >= LEAST_SHARE * len(shown):
        grass = _median(shown, plants & ~snow, GRASS)
    else:
        flat = seen & (classes.rock + classes.scree < 0.4) & ~is_white(colors)
        grass = _median(colors, flat, _toned(GRASS, ROCK, rock))
    gray = np.full(3, rock.mean(), np.float32)
    white = np.maximum(_median(shown, snow, SNOW), 0.6)
    holds = seen & (classes.snow_hold > 0.4)
    return Palette(grass, rock, np.minimum(1.2 * (0.6 * rock + 0.4 * gray), 0.7), white,
                   snow_line(is_white(colors), holds, heights))


def is_white(colors: np.ndarray) -> np.ndarray:
    """Snow among linear colors (..., 3): bright and pale."""
    top = colors.max(-1)
    return (colors @ LUMINANCE > BRIGHT) & (top - colors.min(-1) < PALE * top)


def is_green(colors: np.ndarray) -> np.ndarray:
    """Plants: much less blue than red or green, and not as red as soil."""
    red, green, blue = np.moveaxis(colors, -1, 0)
    return (blue < 0.65 * np.maximum(red, green)) & (green > 0.75 * red)


def is_gray(colors: np.ndarray) -> np.ndarray:
    """Bare stone: hardly any color; soil and paths are redder."""
    top = colors.max(-1)
    return (top - colors.min(-1) < 0.4 * top) & (colors[..., 0] < 1.4 * colors[..., 2])


def is_blue(srgb: np.ndarray) -> np.ndarray:
    """Sky that the mask took for land, in encoded colors (..., 3): far bluer than any haze makes a mountain."""
    return (srgb[..., 2] > 1.43 * srgb[..., 0]) & (srgb[..., 2] > 0.48)


def snow_line(is_bright: np.ndarray, holds: np.ndarray, heights: np.ndarray) -> float | None:
    """Height above which most of the gentle ground in the photograph is white; None where there is no such height."""
    if holds.sum() < LEAST_CELLS:
        return None
    at, white = heights[holds], is_bright[holds]
    order = np.argsort(at)[::-1]
    share = np.cumsum(white[order]) / np.arange(1, len(order) + 1)
    enough = np.nonzero(share[LEAST_CELLS // 4:] >= 0.5)[0]
    return float(at[order][enough[-1] + LEAST_CELLS // 4]) if len(enough) else None


def tint_map(colors: np.ndarray, place: PhotoWeight, classes: GroundClasses, tones: Palette) -> np.ndarray:
    """float32 (h, w, 4): the photograph's tone, so that painted ground meets it where it ends.

    The first three times the painted ground's luminance give the photograph's mean color there; the fourth, 0..1, says how
    much of that to take. It falls off into unseen ground.
    """
    share = classes.rock[..., None], classes.scree[..., None]
    plain = (tones.rock * share[0] + tones.scree * share[1] + tones.grass * (1.0 - share[0] - share[1])) @ LUMINANCE
    weight = place.weight * np.clip(place.facing / 0.25, 0, 1)
    weight = weight * (colors.max(-1) < 0.55)    # snow says nothing about the tone of the ground
    shape = [max(4, round(TINT_CELLS * n / max(weight.shape))) for n in weight.shape]
    total, given = _coarse(weight, shape), _coarse(weight * plain, shape)
    wanted = np.stack([_coarse(weight * colors[..., k], shape) for k in range(3)], -1)
    tone, left = np.zeros_like(wanted), np.ones(shape, np.float32)
    for reach in TINT_REACH:
        near, light = (ndimage.gaussian_filter(layer, reach, mode="nearest") for layer in (total, given))
        target = np.stack([ndimage.gaussian_filter(wanted[..., k], reach, mode="nearest") for k in range(3)], -1)
        bright = (target @ LUMINANCE) / np.maximum(light, 1e-9)
        hue = target / np.maximum(target @ LUMINANCE, 1e-9)[..., None]
        trust = left * np.clip(near / 0.12, 0, 1)
        tone += trust[..., None] * hue * np.clip(bright, *TINT_LIGHT)[..., None]
        left = left - trust
    found = np.maximum(1.0 - left, 1e-6)[..., None]
    return np.concatenate((tone / found, TINT_SHARE * (1.0 - left)[..., None]), -1).astype(np.float32)


def encoded_tint(tint: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 4): of the tone half the square root, so that 4 becomes 255 (the shader squares it again); the share."""
    tone = 0.5 * np.sqrt(tint[..., :3])
    return (np.clip(np.concatenate((tone, tint[..., 3:]), -1), 0, 1) * 255 + 0.5).astype(np.uint8)


def ground_mask(rgb: np.ndarray, terrain: np.ndarray) -> np.ndarray:
    """bool like `terrain`, a mask of any size: its pixels that are not as blue as sky, which masks leave at ridges."""
    height, width = terrain.shape
    columns = (np.arange(width) * rgb.shape[1] // width)[None, :]
    rows = (np.arange(height) * rgb.shape[0] // height)[:, None]
    return terrain & ~is_blue(rgb[rows, columns])


def resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask at another size, nearest pixels."""
    return mask[(np.arange(height) * mask.shape[0] // height)[:, None], (np.arange(width) * mask.shape[1] // width)[None, :]]


def only_ground(rgb: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3): the picture with everything that is not ground replaced by colors grown from the ground.

    ground: bool mask of any size. A pixel at the mask's edge is a mixture and is replaced too.
    """
    height, width = rgb.shape[:2]
    kept = resized(ground, height, width) & ~is_blue(rgb)
    kept = ndimage.binary_erosion(kept, iterations=max(1, width // 800), border_value=1)
    grown = grow(rgb, kept.astype(np.float32))
    soft = ndimage.gaussian_filter(kept.astype(np.float32), 0.7)[..., None] * kept[..., None]
    return rgb * soft + grown * (1.0 - soft)


def grow(rgb: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fill where weight is 0 from where it is 1, by a pyramid of weighted means (pull-push)."""
    height, width = weight.shape
    if min(height, width) <= 2 or weight.min() > 0:
        mean = (rgb * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.where(weight[..., None] > 0, rgb, mean).astype(np.float32)
    even = (height + 1) // 2 * 2, (width + 1) // 2 * 2
    padding = (0, even[0] - height), (0, even[1] - width)
    w = np.pad(weight, padding, mode="edge")
    c = np.pad(rgb, (*padding, (0, 0)), mode="edge") * w[..., None]
    small_w = w.reshape(even[0] // 2, 2, even[1] // 2, 2).sum((1, 3))
    small_c = c.reshape(even[0] // 2, 2, even[1] // 2, 2, 3).sum((1, 3)) / np.maximum(small_w, 1e-6)[..., None]
    coarse = grow(small_c.astype(np.float32), np.minimum(small_w, 1.0))
    wide = coarse.repeat(2, 0).repeat(2, 1)[:height, :width]
    wide = ndimage.uniform_filter(wide, (3, 3, 1))
    return (rgb * weight[..., None] + wide * (1.0 - weight[..., None])).astype(np.float32)


def _median(colors: np.ndarray, where: np.ndarray, fallback: object) -> np.ndarray:
    if where.sum() < LEAST_CELLS:
        return np.asarray(fallback, np.float32)
    return np.clip(np.median(colors[where], axis=0), 0.015, 0.85).astype(np.float32)


def _toned(color: tuple[float, ...], like: tuple[float, ...], measured: np.ndarray) -> np.ndarray:
    """A color as bright, against its usual neighbor, as that neighbor came out in the photograph."""
    gain = float(np.clip(measured.mean() / np.mean(like), 0.5, 1.6))
    return np.asarray(color, np.float32) * np.float32(gain)


def _coarse(layer: np.ndarray, shape: list[int]) -> np.ndarray:
    """Means over blocks, (h, w)."""
    rows = np.linspace(0, layer.shape[0], shape[0] + 1).astype(int)
    cols = np.linspace(0, layer.shape[1], shape[1] + 1).astype(int)
    sums = np.add.reduceat(np.add.reduceat(layer, rows[:-1], 0), cols[:-1], 1)
    return (sums / (np.diff(rows)[:, None] * np.diff(cols)[None, :])).astype(np.float32)
