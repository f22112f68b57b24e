"""Pictures of docs/kernels.md, drawn by the kernels themselves on a seeded terrain.

    python -m benchmarks.kernel_pictures --out docs/images
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from kernels.breach import breach
from kernels.fill import water_depth
from kernels.flow import flow_accumulation
from kernels.horizon import horizon_angle
from kernels.shadow import cast_shadow

from . import drawing
from .valleys import eroded
from .view_picture import draw_view_bound

SIDE, SPACING_M = 560, 20.0
MARGIN, TOP, BOTTOM, GAP = 14, 62, 56, 16


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/kernels.md.")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    heights = eroded(SIDE)
    draw_breach(heights, arguments.out / "kernels-breach.jpg")
    draw_accumulation(heights, arguments.out / "kernels-accumulation.jpg")
    draw_shadow(heights, arguments.out / "kernels-shadow.jpg")
    draw_view_bound(heights, SPACING_M, arguments.out / "kernels-view-bound.jpg")
    return 0


def panels(count: int, side: int = SIDE) -> tuple[Image.Image, ImageDraw.ImageDraw, list[tuple[int, int]]]:
    """A white sheet for `count` square panels: image, drawing, and the upper left corners of the panels."""
    width = 2 * MARGIN + count * side + (count - 1) * GAP
    image, draw = drawing.sheet(width, TOP + side + BOTTOM)
    return image, draw, [(MARGIN + k * (side + GAP), TOP) for k in range(count)]


def draw_breach(heights: np.ndarray, path: Path) -> None:
    """Water depth before, and what breaching cut so that no water stands any more."""
    carved = breach(heights)
    before, after = water_depth(heights), water_depth(carved)
    cut = heights - carved
    light = drawing.shade(heights, SPACING_M)
    most_water, most_cut = 30.0, 30.0
    left = drawing.gray(light)
    paint = drawing.colors(np.sqrt(np.clip(before / most_water, 0, 1)), drawing.WATER)
    left = drawing.over(left, drawing.tinted(paint, light, 0.2), (before > 0.02) * 0.95)
    carved_light = drawing.shade(carved, SPACING_M)
    right = drawing.gray(carved_light)
    right = drawing.over(right, drawing.colors(np.sqrt(np.clip(after / most_water, 0, 1)), drawing.WATER), (after > 0) * 1.0)
    wide = ndimage.grey_dilation(cut, footprint=np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))  # one cell is too thin to see
    paint = drawing.colors(np.sqrt(np.clip(wide / most_cut, 0, 1)), drawing.CUT)
    right = drawing.over(right, paint, (wide > 0.02) * 0.95)
    image, draw, (first, second) = panels(2)
    image.paste(drawing.as_image(left), first)
    image.paste(drawing.as_image(right), second)
    pools = ndimage.label(before > 0, np.ones((3, 3)))[1]
    drawing.titled(
        draw, (first[0], 8), "Before: standing water",
        f"{pools:,} depressions; mean depth over the whole map (MDD) {before.mean():.2f} m, deepest {before.max():.0f} m",
    )  # fmt: skip
    drawing.titled(
        draw, (second[0], 8), "After breaching: none, and where it cut",
        f"MDD {after.mean():.2f} m; {100 * (cut > 0).mean():.1f} % of cells lowered, by {cut[cut > 0].mean():.1f} m on average",
    )  # fmt: skip
    base = TOP + SIDE + 12
    drawing.legend(image, (first[0], base), drawing.WATER, ("0", "7.5", "30 m"), "water depth")
    drawing.legend(image, (second[0], base), drawing.CUT, ("0", "7.5", "30 m"), "cut")
    drawing.scale_bar(image, (first[0] + 16, TOP + SIDE - 14), 2000, SPACING_M)
    drawing.save(image, path)


def draw_accumulation(heights: np.ndarray, path: Path) -> None:
    """Steepest descent alone ends in every pit; routed through depressions, rivers reach the border."""
    light = drawing.shade(heights, SPACING_M)
    routed = flow_accumulation(heights)
    pits = local_minima(heights)
    alone = flow_accumulation(heights, outlets=pits)
    image, draw, corners = panels(2)
    for area, corner in ((alone, corners[0]), (routed, corners[1])):
        km2 = area * (SPACING_M / 1000.0) ** 2
        strength = np.clip(np.log10(km2 / 0.02) / np.log10(20 / 0.02), 0, 1)
        wide = np.where(km2 > 1.0, 1, 0)
        thick = np.maximum(strength, ndimage.grey_dilation(strength * wide, footprint=np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])))
        rivers = drawing.colors(thick, drawing.RIVERS)
        picture = drawing.over(drawing.gray(light, 110, 255), rivers, (thick > 0) * (0.35 + 0.65 * thick))
        image.paste(drawing.as_image(picture), corner)
    drawing.titled(draw, (corners[0][0], 8), "Steepest descent alone",
                   f"{int(pits[1:-1, 1:-1].sum()):,} pits swallow what drains into them")  # fmt: skip
    drawing.titled(draw, (corners[1][0], 8), "Routed through depressions", "every cell's water reaches the border")
    base = TOP + SIDE + 12
    drawing.legend(image, (corners[0][0], base), drawing.RIVERS, ("0.02", "0.2", "2", "20"), "drained area, sq km")
    drawing.scale_bar(image, (corners[0][0] + 16, TOP + SIDE - 14), 2000, SPACING_M)
    drawing.save(image, path)


def local_minima(heights: np.ndarray) -> np.ndarray:
    """Cells with no lower neighbor, and the border: what water without routing ends in."""
    lowest = ndimage.minimum_filter(heights, footprint=np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]), mode="nearest")
    pits = heights <= lowest
    pits[0] = pits[-1] = True
    pits[:, 0] = pits[:, -1] = True
    return pits


def draw_shadow(heights: np.ndarray, path: Path) -> None:
    """The shadow of a low sun, and the horizon that casts it."""
    azimuth, elevation = 300.0, 14.0
    shadow = cast_shadow(heights, SPACING_M, math.radians(azimuth), math.radians(elevation))
    horizon = np.degrees(horizon_angle(heights, SPACING_M, math.radians(azimuth)))
    light = drawing.shade(heights, SPACING_M, azimuth, elevation + 16)
    left = drawing.over(drawing.gray(light, 90, 255) * np.array([1.0, 0.97, 0.9]), np.array([38.0, 44.0, 82.0]), shadow * 0.62)
    paint = drawing.colors(np.clip(horizon / 30.0, 0, 1), drawing.HORIZON)
    right = drawing.tinted(paint, drawing.shade(heights, SPACING_M), 0.4)
    parts = ndimage.label(shadow)[0]
    large = shadow & (np.bincount(parts.ravel()) > 60)[parts]  # outlines of specks would hide the map
    edge = large ^ ndimage.binary_erosion(large)
    right = drawing.over(right, np.array([255.0, 255.0, 255.0]), edge * 0.85)
    image, draw, (first, second) = panels(2)
    image.paste(drawing.as_image(left), first)
    image.paste(drawing.as_image(right), second)
    title = f"Cast shadow, sun at azimuth {azimuth:.0f}\N{DEGREE SIGN}, {elevation:.0f}\N{DEGREE SIGN} high"
    drawing.titled(draw, (first[0], 8), title, f"{100 * shadow.mean():.0f} % of the ground in shadow")
    words = f"white: where it is {elevation:.0f}\N{DEGREE SIGN}, the edge of the larger shadows on the left"
    drawing.titled(draw, (second[0], 8), "Horizon angle toward the sun", words)
    base = TOP + SIDE + 12
    drawing.legend(image, (second[0], base), drawing.HORIZON, ("0", "10", "20", "30\N{DEGREE SIGN}"), "horizon angle")
    drawing.scale_bar(image, (first[0] + 16, TOP + SIDE - 14), 2000, SPACING_M)
    drawing.save(image, path)


if __name__ == "__main__":
    raise SystemExit(main())
