"""Random photo-like pictures of real terrain with exact labels: the training and evaluation data of the scene network.

One geometry (`viewpoints.random_view`) is shaded several times under other light, haze, sky, foreground and camera
processing. Plausibility of one picture matters less than variety of all; the labels come from geometry alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kernels.raycast import pixel_rays

from . import foregrounds as things
from . import trees
from .elevation_data import ElevationFile
from .ground_shading import add_haze, add_water, random_light, shade_ground
from .photographic import develop, engrave, paint, record
from .skies import level_of, low_clouds, random_sky
from .viewpoints import View, random_view

SKY, TERRAIN, FOREGROUND, IGNORE = 0, 1, 2, 255
SIZES = ((192, 288), (192, 288), (192, 288), (224, 256), (160, 320), (288, 192), (192, 256))


@dataclass(frozen=True)
class LabeledPicture:
    """picture uint8 (H, W, 3) sRGB; classes uint8 (H, W); log_depth float32 (H, W), NaN where not bare terrain;
    truth: pitch_rad, fov_x_rad, mean_slope_rad, log_relief (log of meters)."""

    picture: np.ndarray
    classes: np.ndarray
    log_depth: np.ndarray
    truth: tuple[float, float, float, float]


def _place(rng: np.random.Generator, view: View, low_m: float, high_m: float) -> tuple[float, float, float] | None:
    """A spot on the visible ground within a range of distances: column, row and pixels per meter, at twice the size."""
    fits = (view.depth > low_m) & (view.depth < high_m) & ~view.water
    rows, cols = np.nonzero(fits)
    if len(rows) == 0:
        return None
    k = int(rng.integers(len(rows)))
    focal = 0.5 * view.ranges.shape[1] / math.tan(view.fov_x_rad / 2)
    return 2.0 * cols[k], 2.0 * rows[k], 2.0 * focal / float(view.depth[rows[k], cols[k]])


def _distant_trees(rng: np.random.Generator, view: View, brightness: float) -> tuple[np.ndarray, np.ndarray]:
    """Color and opacity of many small trees on the slopes: they are part of the terrain."""
    height, width = view.ranges.shape
    board = things.Board(rng, width, height, brightness)
    color = trees.LEAVES[rng.integers(len(trees.LEAVES))] * rng.uniform(0.5, 1.2)
    draw = (
        trees.conifer
        if rng.random() < 0.7
        else (lambda b, x, y, t, c: b.blob(x, y - t / 2, t * 0.45, t * 0.5, b.tone(c, rng.uniform(0.6, 1.4))))
    )
    spots = []
    for _ in range(int(rng.integers(40, 260))):
        spot = _place(rng, view, 60, 2500)
        if spot and 4 < spot[2] * 15 < 0.11 * board.height:
            spots.append(spot)
    for x, y, scale in sorted(spots, key=lambda s: s[2]):
        draw(board, x, y, scale * rng.uniform(8, 22), color * rng.uniform(0.7, 1.3))
    return board.layers()


def _foreground(rng: np.random.Generator, view: View, brightness: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Color and opacity of what stands in front; None for about half of the pictures."""
    if rng.random() < 0.38:
        return None
    height, width = view.ranges.shape
    board = things.Board(rng, width, height, brightness)
    color = trees.LEAVES[rng.integers(len(trees.LEAVES))] * rng.uniform(0.6, 1.5, 3)
    if rng.random() < 0.25:
        board.brightness *= rng.uniform(0.02, 0.3)  # silhouettes
    tall_m = {"tree": (5, 26), "house": (5, 14), "figure": (1.3, 1.9), "boulder": (0.5, 3)}
    kinds = rng.choice(
        ["forest", "conifers", "broadleaves", "branches", "undergrowth", "houses", "fence", "figures", "boulders"],
        p=[0.20, 0.15, 0.13, 0.12, 0.13, 0.13, 0.05, 0.06, 0.03],
        size=int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])),
        replace=False,
    )
    for kind in kinds:
        if kind == "branches":
            trees.hanging_branches(board, color)
        elif kind == "forest":
            trees.forest(board, color)
        elif kind == "undergrowth":
            trees.undergrowth(board, color)
        elif kind == "fence":
            things.fence_or_wall(board)
        else:
            what = {
                "conifers": "tree",
                "broadleaves": "tree",
                "houses": "house",
                "figures": "figure",
                "boulders": "boulder",
            }[kind]
            low, high = tall_m[what]
            limit = 3 * high + 1.2 * board.width * high / 14  # farther away they are too small to be told apart
            spots = [
                s
                for _ in range(int(rng.integers(1, 9 if kind != "conifers" else 22)))
                if (s := _place(rng, view, 3 * high, limit))
            ]
            if not spots and what != "boulder":  # nothing near: stand below the frame
                spots = [
                    (
                        rng.uniform(0, board.width),
                        board.height * rng.uniform(0.9, 1.5),
                        board.height * rng.uniform(0.15, 0.9) / high,
                    )
                    for _ in range(int(rng.integers(1, 6)))
                ]
            for x, y, scale in sorted(spots, key=lambda s: s[2])[-14:]:
                tall = scale * rng.uniform(low, high)
                if kind == "conifers":
                    trees.conifer(board, x, y, tall, color * rng.uniform(0.7, 1.3))
                elif kind == "broadleaves":
                    trees.broadleaf(board, x, y, tall, color * rng.uniform(0.7, 1.3))
                elif kind == "houses":
                    things.house(board, x, y, tall)
                elif kind == "figures":
                    things.figure(board, x, y, tall)
                else:
                    things.boulder(board, x, y, tall)
    return board.layers()


def shade(rng: np.random.Generator, view: View) -> LabeledPicture:
    """One picture of a view, with its labels."""
    height, width = view.ranges.shape
    light = random_light(rng)
    brightness = float(np.mean(light.sun * math.sin(light.elevation_rad) + light.ambient))
    rays = pixel_rays(view.pitch_rad, view.fov_x_rad, width, height)
    elevation = np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1]))
    sky, horizon = random_sky(rng, np.arctan2(rays[..., 0], rays[..., 1]), elevation, brightness)
    image = shade_ground(rng, view, light)
    terrain = ~view.sky
    classes = np.where(terrain, TERRAIN, SKY).astype(np.uint8)
    known = terrain.copy()
    if rng.random() < 0.3:
        color, alpha = _distant_trees(rng, view, brightness)
        image = image * (1 - alpha[..., None]) + color * alpha[..., None]
        over = (alpha > 0.5) & ~terrain
        sky_alpha = np.where(terrain, 0, alpha)[..., None]
        sky = sky * (1 - sky_alpha) + color * sky_alpha
        classes[over] = TERRAIN
    image = add_haze(rng, view, image, horizon)
    image = np.where(terrain[..., None], image, sky)
    image = add_water(rng, view, image, sky)
    fog = low_clouds(rng, view.depth, (height, width))
    if fog is not None:
        image = image * (1 - fog[..., None]) + (horizon * 0.9 + 0.1 * level_of(horizon)) * fog[..., None]
        classes[(fog > 0.8) & terrain] = IGNORE
        known &= fog < 0.8
    front = _foreground(rng, view, brightness * rng.uniform(0.5, 1.3))
    if front is not None:
        color, alpha = front
        image = image * (1 - alpha[..., None]) + color * alpha[..., None]
        classes[alpha > 0.5] = FOREGROUND
        known &= alpha < 0.2
    picture = develop(rng, np.nan_to_num(image))
    medium = rng.random()
    if medium < 0.07:
        picture = paint(rng, picture)
    elif medium < 0.12:
        picture = engrave(rng, picture)
    log_depth = np.where(known, np.log(np.clip(np.where(known, view.depth, 1), 0.3, 2e5)), np.nan).astype(np.float32)
    out, slope = record(rng, picture), view.mean_slope_rad
    if rng.random() < 0.5:
        out, classes, log_depth = out[:, ::-1], classes[:, ::-1], log_depth[:, ::-1]
    return LabeledPicture(
        np.ascontiguousarray(out),
        np.ascontiguousarray(classes),
        np.ascontiguousarray(log_depth),
        (view.pitch_rad, view.fov_x_rad, slope, math.log(view.relief_m)),
    )


def random_pictures(
    rng: np.random.Generator,
    files: list[ElevationFile],
    cache: dict,
    shadings: int = 3,
    size: tuple[int, int] | None = None,
) -> list[LabeledPicture]:
    """Several pictures of one random view."""
    height, width = size or SIZES[int(rng.integers(len(SIZES)))]
    while True:
        view = random_view(rng, files, width, height, cache)
        if np.isfinite(view.ranges).mean() > 0.05:
            return [shade(rng, view) for _ in range(shadings)]
