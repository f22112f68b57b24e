"""The view bound drawn as in P2P figure 6: a map, a profile along one line of sight, and the bound as a surface."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from kernels.raycast import render_range, world_points
from kernels.view_bound import view_bound

from . import drawing

HALF_WINDOW_RAD = math.radians(33.0)
ABOVE_GROUND_M = 150.0
MOST_ROOM_M = 200.0
SEEN, HIDDEN, SECTION = np.array([240.0, 240.0, 236.0]), np.array([158.0, 152.0, 146.0]), np.array([222.0, 219.0, 212.0])


@dataclass(frozen=True)
class View:
    """One camera over a terrain: what it sees, and the bound of what it does not see. Row 0 lies at y = 0, y grows upward."""

    heights: np.ndarray
    spacing_m: float
    camera: tuple[int, int, float]  # row, column, height in meters
    window: np.ndarray  # within the picture's azimuths
    visible: np.ndarray
    bound: np.ndarray

    @property
    def hidden(self) -> np.ndarray:
        return self.window & ~self.visible & np.isfinite(self.bound)


def look(heights: np.ndarray, spacing_m: float, row: int, col: int) -> View:
    """A camera over cell (row, col) that looks away from the viewer (up on the map)."""
    z = float(heights[row, col]) + ABOVE_GROUND_M
    place = (spacing_m * col, -spacing_m * row, z)
    frame = (spacing_m, (0.0, 0.0), place, -HALF_WINDOW_RAD, HALF_WINDOW_RAD)
    window = np.isfinite(complete := view_bound(heights, None, *frame))
    visible = window & (heights >= complete)
    bound = view_bound(np.where(visible, heights, np.float32(np.nan)), visible, *frame)
    return View(heights, spacing_m, (row, col, z), window, visible, bound)


def draw_view_bound(heights: np.ndarray, spacing_m: float, path: Path, margin: int = 14, gap: int = 16) -> None:
    side = heights.shape[0]
    row, col = standpoint(heights)
    view = look(heights, spacing_m, row, col)
    top, bottom, low = 62, 56, 232
    image, draw = drawing.sheet(2 * margin + 2 * side + gap, top + side + bottom)
    left, right, middle = margin, margin + side + gap, top + low + 44
    image.paste(map_of(view), (left, top))
    image.paste(profile_of(view, side, low), (right, top))
    image.paste(surface_of(view, side, top + side - middle), (right, middle))
    room = (view.bound - heights)[view.hidden]
    share = 100 * view.hidden.sum() / view.window.sum()
    words = f"{share:.0f} % of the ground in view is hidden; it may rise {np.median(room):.0f} m (median)"
    drawing.titled(draw, (left, 8), "Hidden from the camera, and how far it may rise unseen", words)
    words = "orange: between true ground and bound, under rays that skim the crests"
    drawing.titled(draw, (right, 8), "Along the dashed line", words)
    drawing.titled(draw, (right, top + low + 8), "The bound as a surface")
    words = "light: seen; dark: raised to the lowest ray over it"
    draw.text((right + side, top + low + 16), words, drawing.FAINT, drawing.font(14), anchor="ra")
    labels = "0", f"{MOST_ROOM_M / 4:.0f}", f"{MOST_ROOM_M:.0f} m"
    drawing.legend(image, (left, top + side + 12), drawing.ROOM, labels, "bound above the ground")
    drawing.scale_bar(image, (left + 16, top + side - 14), 2000, spacing_m)
    drawing.save(image, path)


def standpoint(heights: np.ndarray) -> tuple[int, int]:
    """The highest cell near the middle of the lower border."""
    rows, cols = heights.shape
    part = heights[rows - 70 : rows - 10, cols // 2 - 90 : cols // 2 + 90]
    row, col = divmod(int(np.argmax(part)), part.shape[1])
    return rows - 70 + row, cols // 2 - 90 + col


def map_of(view: View) -> Image.Image:
    light = drawing.shade(view.heights, view.spacing_m)
    picture = drawing.gray(light, 70, 255)
    room = np.clip((view.bound - view.heights) / MOST_ROOM_M, 0, 1)
    paint = drawing.colors(np.sqrt(np.where(view.hidden, room, 0.0)), drawing.ROOM)
    picture = drawing.over(picture, drawing.tinted(paint, light, 0.35), view.hidden * 0.92)
    picture = drawing.over(picture, np.full_like(picture, 255.0), ~view.window * 0.72)
    image = drawing.as_image(picture)
    draw = ImageDraw.Draw(image)
    row, col, _ = view.camera
    for sign in (-1, 1):
        draw.line((col, row, col + sign * row * math.tan(HALF_WINDOW_RAD), 0), drawing.INK, 1)
    for start in range(row - 6, 0, -10):
        draw.line((col, start, col, start - 5), drawing.INK, 2)
    draw.ellipse((col - 6, row - 6, col + 6, row + 6), (200, 30, 30), (255, 255, 255), 2)
    return image


def profile_of(view: View, width: int, height: int, fine: int = 3) -> Image.Image:
    """Ground and bound up the camera's column, drawn `fine` times as large and scaled down."""
    row, col, z = view.camera
    ground, bound = view.heights[:row, col][::-1], view.bound[:row, col][::-1]
    seen = view.visible[:row, col][::-1]
    away = (np.arange(row) + 1) * view.spacing_m
    left, right, up, down = 46, 8, 10, 30
    lowest = math.floor(ground.min() / 100) * 100
    highest = max(np.where(np.isfinite(bound), bound, ground).max(), z) + 40.0

    def at(distance: float, meters: float) -> tuple[float, float]:
        x = left + (width - left - right) * distance / away[-1]
        return fine * x, fine * (height - down - (height - down - up) * (meters - lowest) / (highest - lowest))

    image = Image.new("RGB", (width * fine, height * fine), drawing.PAPER)
    draw = ImageDraw.Draw(image)
    for k in range(row - 1):
        here, there = at(away[k], 0)[0], at(away[k + 1], 0)[0]
        base, surface = at(0, lowest)[1], at(0, float(ground[k]))[1]
        draw.rectangle((here, surface, there, base), (222, 219, 212))
        if k > 2 and not seen[k] and np.isfinite(bound[k]):
            draw.rectangle((here, at(0, float(bound[k]))[1], there, surface), (253, 205, 140))
    crests = [k for k in range(row - 1) if seen[k] and not seen[k + 1]]
    for k in crests:  # the ray that skims this crest, on to where it meets ground again
        tangent = (ground[k] - z) / away[k]
        end = next((m for m in range(k + 1, row) if seen[m]), row - 1)
        draw.line((*at(0, z), *at(away[end], z + tangent * away[end])), (196, 150, 120), fine)
    outline = [at(away[k], float(ground[k])) for k in range(row)]
    draw.line(outline, (140, 136, 130), fine)
    for k in range(row - 1):
        if seen[k] and seen[k + 1]:
            draw.line((*outline[k], *outline[k + 1]), drawing.INK, 3 * fine)
        elif not seen[k] and np.isfinite(bound[k]) and np.isfinite(bound[k + 1]) and k % 8 < 5:
            draw.line((*at(away[k], float(bound[k])), *at(away[k + 1], float(bound[k + 1]))), (200, 80, 10), 3 * fine)
    x, y = at(0, z)
    draw.ellipse((x - 6 * fine, y - 6 * fine, x + 6 * fine, y + 6 * fine), (200, 30, 30))
    draw.line((*at(0, lowest), *at(away[-1], lowest)), drawing.FAINT, fine)
    for km in range(0, int(away[-1] // 1000) + 1, 2):
        spot = at(km * 1000.0, lowest)
        draw.text((spot[0], spot[1] + 6 * fine), f"{km} km" if km else "0", drawing.INK, drawing.font(13 * fine), anchor="ma")
    for meters in range(lowest, int(highest), 100 if highest - lowest < 700 else 200):
        spot = at(0, meters)
        draw.text((spot[0] - 6 * fine, spot[1]), f"{meters}", drawing.INK, drawing.font(13 * fine), anchor="rm")
        draw.line((*spot, *at(away[-1], meters)), (235, 235, 235) if meters > lowest else drawing.FAINT, 1)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def surface_of(view: View, width: int, height: int, fine: int = 2) -> Image.Image:
    """Z_max seen from above and beside the camera: light where the camera sees, dark where the bound stands in."""
    rows, cols = view.heights.shape
    surface = np.where(view.hidden, view.bound, view.heights).astype(np.float32)
    surface[~view.window] = np.nan
    reach = rows * view.spacing_m
    behind = view.spacing_m * view.camera[1] + 0.10 * reach
    place = (behind, -1.52 * reach, float(view.heights.max()) + 0.72 * reach)
    pitch, fov, yaw = math.radians(-36.5), math.radians(40.0), math.radians(-9.0)
    ranges = render_range(surface, view.spacing_m, (0.0, 0.0), place, pitch, fov, width * fine, height * fine, yaw_rad=yaw)
    points = world_points(ranges, place, pitch, fov, yaw_rad=yaw)
    hit = np.isfinite(ranges)
    col = np.clip(np.rint(np.where(hit, points[..., 0], 0) / view.spacing_m), 0, cols - 1).astype(int)
    row = np.clip(np.rint(np.where(hit, -points[..., 1], 0) / view.spacing_m), 0, rows - 1).astype(int)
    filled = np.where(view.hidden, view.bound, view.heights)
    light = drawing.shade(ndimage.gaussian_filter(filled, 0.6), view.spacing_m)[row, col]
    paint = np.where(view.hidden[row, col][..., None], HIDDEN, SEEN) * (0.35 + 0.75 * light)[..., None]
    cut_open = points[..., 2] < filled[row, col] - view.spacing_m  # the side of the block, below its surface
    paint[cut_open] = SECTION
    picture = np.where(hit[..., None], paint, 255.0)
    return drawing.as_image(picture).resize((width, height), Image.Resampling.LANCZOS)
