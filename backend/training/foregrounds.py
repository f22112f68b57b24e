"""Things that stand before the terrain: rocks, houses, walls, people, drawn as billboards at twice the size.

Every drawing function paints on a `Board`: colors and opacity. The caller decides what the class of the pixels is.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from .fractal_noise import fractal_noise


class Board:
    """Color and opacity of the foreground at twice the picture's size, with a light side."""

    def __init__(self, rng: np.random.Generator, width: int, height: int, brightness: float) -> None:
        self.rng = rng
        self.width, self.height = 2 * width, 2 * height
        self.color = Image.new("RGB", (self.width, self.height))
        self.alpha = Image.new("L", (self.width, self.height))
        self._ink, self._mask = ImageDraw.Draw(self.color), ImageDraw.Draw(self.alpha)
        self.brightness = brightness
        self.side = float(rng.choice([-1, 1]))
        self.leaf = float(rng.uniform(1.5, 6.0))  # size of leaf clusters in pixels of this board

    def tone(self, color: np.ndarray | list[float], factor: float = 1.0) -> tuple[int, int, int]:
        """Gamma-encoded color of a reflectance under this board's light."""
        value = np.clip(np.asarray(color) * self.brightness * factor, 0, 1) ** 0.4545 * 255
        return int(value[0]), int(value[1]), int(value[2])

    def polygon(self, corners: list[tuple[float, float]], color: tuple[int, int, int]) -> None:
        """Fill a polygon."""
        self._ink.polygon(corners, fill=color)
        self._mask.polygon(corners, fill=255)

    def line(self, ends: list[tuple[float, float]], color: tuple[int, int, int], thick: float) -> None:
        """Draw a line of a given width."""
        self._ink.line(ends, fill=color, width=max(1, round(thick)))
        self._mask.line(ends, fill=255, width=max(1, round(thick)))

    def blob(self, x: float, y: float, rx: float, ry: float, color: tuple[int, int, int]) -> None:
        """Fill an ellipse."""
        self._ink.ellipse((x - rx, y - ry, x + rx, y + ry), fill=color)
        self._mask.ellipse((x - rx, y - ry, x + rx, y + ry), fill=255)

    def layers(self) -> tuple[np.ndarray, np.ndarray]:
        """Linear RGB (h, w, 3) and opacity (h, w) at the picture's size, with texture."""
        size = (self.width // 2, self.height // 2)
        color = np.asarray(self.color.resize(size, Image.Resampling.BOX), np.float32) / 255
        alpha = np.asarray(self.alpha.resize(size, Image.Resampling.BOX), np.float32) / 255
        color = (color / np.maximum(alpha, 0.05)[..., None]).clip(0, 1) ** 2.2
        mottle = fractal_noise(self.rng, size[1], size[0], self.rng.uniform(0.3, 1.6))
        return color * np.clip(1 + self.rng.uniform(0.05, 0.35) * mottle, 0.2, 2)[..., None], alpha


def boulder(board: Board, x: float, base: float, size: float) -> None:
    """One rock, faceted; rare, since rock faces are terrain."""
    rng = board.rng
    angles = np.sort(rng.uniform(0, 2 * math.pi, 11))
    radii = size * rng.uniform(0.7, 1.1, 11)
    corners = [
        (x + r * math.cos(a), base - size * 0.5 + 0.65 * r * math.sin(a)) for a, r in zip(angles, radii, strict=True)
    ]
    stone = np.array([0.35, 0.33, 0.31]) * rng.uniform(0.5, 1.4)
    board.polygon(corners, board.tone(stone))
    board.polygon(
        [*corners[:5], (x + rng.normal(0, size / 4), base - size * 0.5)], board.tone(stone, rng.uniform(1.1, 1.5))
    )
    board.polygon(
        [*corners[6:], (x + rng.normal(0, size / 4), base - size * 0.4)], board.tone(stone, rng.uniform(0.4, 0.9))
    )


def house(board: Board, x: float, base: float, tall: float) -> None:
    """Houses, chalets, churches and towers: walls in two tones, gabled or hipped roof, windows."""
    rng = board.rng
    kind = rng.choice(["house", "church", "tower", "block"], p=[0.65, 0.12, 0.1, 0.13])
    wall = np.array(
        [
            [0.75, 0.72, 0.66],
            [0.32, 0.20, 0.12],
            [0.55, 0.50, 0.42],
            [0.80, 0.78, 0.76],
            [0.60, 0.35, 0.25],
            [0.45, 0.43, 0.40],
        ]
    )[rng.integers(6)] * rng.uniform(0.7, 1.1)
    roof = np.array(
        [[0.35, 0.12, 0.07], [0.18, 0.17, 0.17], [0.28, 0.22, 0.18], [0.45, 0.22, 0.12], [0.15, 0.18, 0.22]]
    )[rng.integers(5)] * rng.uniform(0.7, 1.2)
    front, long = tall * rng.uniform(0.5, 1.0), tall * rng.uniform(0.3, 1.6)
    eaves = tall * rng.uniform(0.45, 0.7) if kind != "block" else tall
    if kind == "tower":
        front, long, eaves = tall * 0.22, tall * 0.1, tall * 0.85
    sign = float(rng.choice([-1, 1]))
    lit = 1.15 if sign == board.side else 0.65
    x1, x2 = x + sign * front, x + sign * (front + long)
    board.polygon([(x, base), (x1, base), (x1, base - eaves), (x, base - eaves)], board.tone(wall))
    board.polygon([(x1, base), (x2, base), (x2, base - eaves), (x1, base - eaves)], board.tone(wall, lit))
    if kind != "block":
        mid = (x + x1) / 2
        board.polygon(
            [(x, base - eaves), (mid, base - tall), (x1, base - eaves)], board.tone(wall if kind != "tower" else roof)
        )
        board.polygon(
            [
                (x1 + sign, base - eaves + 1),
                (mid, base - tall - 1),
                (mid + sign * long, base - tall - 1),
                (x2 + sign, base - eaves + 1),
            ],
            board.tone(roof, rng.uniform(0.7, 1.4)),
        )
    if kind == "church":
        tx = x - sign * front * 0.2
        board.polygon(
            [
                (tx, base),
                (tx - sign * front * 0.35, base),
                (tx - sign * front * 0.35, base - tall * 1.2),
                (tx, base - tall * 1.2),
            ],
            board.tone(wall, 1.1),
        )
        board.polygon(
            [
                (tx, base - tall * 1.2),
                (tx - sign * front * 0.175, base - tall * rng.uniform(1.5, 2.2)),
                (tx - sign * front * 0.35, base - tall * 1.2),
            ],
            board.tone(roof),
        )
    size = max(1.2, tall * rng.uniform(0.05, 0.1))
    glass = board.tone(rng.choice([0.03, 0.25, 0.9]) * np.array([1, 1, 0.9]))
    for a, b in ((x, x1), (x1, x2)):
        n, floors = max(1, int(abs(b - a) / (size * 3))), max(1, int(eaves / (size * 3.5)))
        for i in range(min(n, 12)):
            for j in range(min(floors, 10)):
                cx, cy = a + (b - a) * (i + 0.5) / n, base - eaves * (j + 0.55) / floors
                board.polygon(
                    [
                        (cx - size / 2, cy - size * 0.7),
                        (cx + size / 2, cy - size * 0.7),
                        (cx + size / 2, cy + size * 0.7),
                        (cx - size / 2, cy + size * 0.7),
                    ],
                    glass,
                )


def fence_or_wall(board: Board) -> None:
    """A wall, fence, railing or roadside across the picture, or poles with wires."""
    rng = board.rng
    color = board.tone(np.array([0.4, 0.36, 0.3]) * rng.uniform(0.3, 1.8))
    left, right = board.height * rng.uniform(0.7, 1.0, 2)
    tall = board.height * rng.uniform(0.04, 0.15)
    if rng.random() < 0.35:
        board.polygon(
            [(0, left - tall), (board.width, right - tall), (board.width, board.height), (0, board.height)], color
        )
        for _ in range(60):
            x = rng.uniform(0, board.width)
            y = left + (right - left) * x / board.width - tall + rng.uniform(0, tall)
            board.blob(
                x,
                y,
                rng.uniform(2, 9),
                rng.uniform(1, 5),
                board.tone(np.array([0.4, 0.36, 0.3]), rng.uniform(0.3, 1.5)),
            )
        return
    count = int(rng.integers(3, 30))
    poles = rng.random() < 0.3
    tall = tall * (4 if poles else 1)
    count = 3 if poles else count
    for k in range(count + 1):
        x = board.width * (k + rng.uniform(-0.1, 0.1)) / count
        y = left + (right - left) * k / count
        board.line([(x, y + tall * 0.3), (x, y - tall)], color, max(1.5, tall * rng.uniform(0.03, 0.1)))
    for f in [0.95, 0.85] if poles else rng.uniform(0.2, 0.95, int(rng.integers(1, 4))):
        board.line([(0, left - tall * f), (board.width, right - tall * f)], color, 1 if poles else rng.uniform(1, 4))


def figure(board: Board, x: float, base: float, tall: float) -> None:
    """A standing person or a grazing animal."""
    rng = board.rng
    coat, legs = board.tone(rng.uniform(0.03, 0.7, 3)), board.tone(rng.uniform(0.02, 0.3, 3))
    if rng.random() < 0.7:
        wide = tall * 0.13
        board.line([(x - wide * 0.5, base), (x - wide * 0.3, base - tall * 0.5)], legs, wide * 0.8)
        board.line([(x + wide * 0.6, base), (x + wide * 0.3, base - tall * 0.5)], legs, wide * 0.8)
        board.polygon(
            [
                (x - wide, base - tall * 0.45),
                (x + wide, base - tall * 0.45),
                (x + wide * 0.9, base - tall * 0.82),
                (x - wide * 0.9, base - tall * 0.82),
            ],
            coat,
        )
        board.blob(
            x,
            base - tall * 0.91,
            tall * 0.07,
            tall * 0.09,
            board.tone(rng.uniform(0.05, 0.6) * np.array([1, 0.75, 0.6])),
        )
    else:
        board.blob(x, base - tall * 0.5, tall * 0.55, tall * 0.22, coat)
        board.blob(x + tall * 0.6, base - tall * 0.65, tall * 0.15, tall * 0.12, coat)
        for k in (-0.4, -0.3, 0.3, 0.4):
            board.line([(x + k * tall, base), (x + k * tall, base - tall * 0.4)], coat, tall * 0.08)
