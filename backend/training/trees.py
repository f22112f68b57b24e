"""Trees, branches and undergrowth, drawn on a `Board` by fractal branching and jagged tiers."""

from __future__ import annotations

import math

import numpy as np

from .foregrounds import Board
from .fractal_noise import fractal_noise

LEAVES = np.array(
    [
        [0.10, 0.22, 0.05],
        [0.06, 0.13, 0.04],
        [0.18, 0.28, 0.07],
        [0.35, 0.25, 0.06],
        [0.45, 0.18, 0.05],
        [0.04, 0.07, 0.04],
        [0.22, 0.30, 0.12],
    ]
)


def conifer(board: Board, x: float, base: float, tall: float, color: np.ndarray) -> None:
    """A spruce or fir: jagged tiers around a trunk, lit from one side."""
    rng = board.rng
    wide = tall * rng.uniform(0.11, 0.26)
    bare = tall * rng.uniform(0.02, 0.2)
    tiers = int(np.clip(tall / 5, 4, 26))
    board.line([(x, base), (x, base - tall)], board.tone([0.10, 0.07, 0.05]), max(1, tall * 0.02))
    heights = np.linspace(0, 1, tiers + 1)
    gap = rng.uniform(0, 0.3)
    for sign in (-1, 1):
        shade = 1.25 if sign == board.side else 0.7
        corners = [(x, base - tall)]
        for k in range(tiers, 0, -1):
            f = 1 - heights[k - 1]  # 1 at the bottom
            reach = wide * f ** rng.uniform(0.8, 1.2) * rng.uniform(0.65, 1.15)
            y = base - bare - (tall - bare) * heights[k - 1]
            corners.append((x + sign * reach, y + reach * rng.uniform(0.0, 0.5)))
            corners.append((x + sign * reach * rng.uniform(0.25 + gap, 0.7), y - (tall / tiers) * rng.uniform(0, 0.4)))
        corners.append((x, base - bare))
        board.polygon(corners, board.tone(color, shade * rng.uniform(0.85, 1.15)))


def _branch(
    board: Board,
    x: float,
    y: float,
    angle: float,
    length: float,
    thick: float,
    depth: int,
    bark: tuple,
    leaves: np.ndarray | None,
) -> None:
    rng = board.rng
    ex, ey = x + math.cos(angle) * length, y - math.sin(angle) * length
    board.line([(x, y), (ex, ey)], bark, thick)
    if depth == 0 or length < 3:
        if leaves is not None:
            reach = length * rng.uniform(0.7, 1.4) + 1.5
            size = float(np.clip(board.leaf * rng.uniform(0.6, 1.5), 1.0, 9.0))
            count = int(np.clip(1.3 * (reach / size) ** 2 * rng.uniform(0.3, 1.0), 3, 26))
            places = rng.normal(0, reach * 0.55, (count, 2))
            shades = rng.uniform(0.5, 1.5, count) - 0.25 * places[:, 1] / reach
            for (dx, dy), shade in zip(places, shades, strict=True):
                board.blob(
                    ex + dx,
                    ey + dy,
                    size * rng.uniform(0.6, 1.3),
                    size * rng.uniform(0.4, 1.0),
                    board.tone(leaves, shade),
                )
        return
    for _ in range(int(rng.integers(2, 4))):
        _branch(
            board,
            ex,
            ey,
            angle + rng.normal(0, 0.55),
            length * rng.uniform(0.6, 0.85),
            thick * 0.62,
            depth - 1,
            bark,
            leaves,
        )


def broadleaf(board: Board, x: float, base: float, tall: float, color: np.ndarray) -> None:
    """A branching tree with leaves, or bare in winter."""
    rng = board.rng
    bare = rng.random() < 0.2
    bark = board.tone(np.array([0.16, 0.13, 0.10]) * rng.uniform(0.4, 1.5))
    _branch(
        board,
        x,
        base,
        math.pi / 2 + rng.normal(0, 0.1),
        tall * rng.uniform(0.25, 0.4),
        max(1.5, tall * 0.04),
        4 if tall > 50 else 3,
        bark,
        None if bare else color,
    )


def hanging_branches(board: Board, color: np.ndarray) -> None:
    """Branches that reach in from the top corner or a side."""
    rng = board.rng
    side = rng.choice([0, 1])
    for _ in range(int(rng.integers(1, 4))):
        x = (0 if side == 0 else board.width) if rng.random() < 0.6 else rng.uniform(0, board.width)
        y = rng.uniform(0, board.height * 0.35)
        if 0 < x < board.width:
            y = 0
        angle = (0 if side == 0 else math.pi) + rng.normal(0, 0.5) if y else -math.pi / 2 + rng.normal(0, 0.6)
        length = board.width * rng.uniform(0.08, 0.2)
        bark = board.tone([0.1, 0.08, 0.06])
        _branch(
            board,
            x,
            y,
            angle,
            length,
            rng.uniform(1, 5),
            int(rng.integers(2, 5)),
            bark,
            None if rng.random() < 0.15 else color,
        )


def forest(board: Board, color: np.ndarray) -> None:
    """A belt of trees that rises from below the frame, on one side or all along it, often dark."""
    rng = board.rng
    if rng.random() < 0.4:
        board.brightness *= rng.uniform(0.05, 0.5)
    left, right = np.sort(rng.uniform(-0.4, 1.4, 2)) if rng.random() < 0.6 else (-0.1, 1.1)
    tall = board.height * rng.uniform(0.08, 0.55)
    slant, bend = rng.normal(0, 0.25), rng.uniform(0, 0.12)
    base = rng.uniform(0.85, 1.25)
    leafy = rng.random() < 0.25
    count = int(np.clip((right - left) * board.width / tall * rng.uniform(1.5, 6), 4, 70))
    wave = fractal_noise(rng, 2, 256, 2.2)[0]
    spots = []
    for x in rng.uniform(left, right, count):
        y = base + slant * (x - 0.5) + bend * wave[int(x * 200) % 256] + rng.uniform(-0.06, 0.06)
        spots.append((y, x))
    for y, x in sorted(spots):
        size = tall * rng.uniform(0.55, 1.2)
        shade = color * rng.uniform(0.6, 1.3)
        if leafy and rng.random() < 0.7:
            broadleaf(board, x * board.width, y * board.height, size, shade)
        else:
            conifer(board, x * board.width, y * board.height, size, shade)


def undergrowth(board: Board, color: np.ndarray) -> None:
    """Bushes, grass and flowers along the lower edge."""
    rng = board.rng
    top = board.height * (1 - rng.uniform(0.04, 0.25))
    outline = top + board.height * 0.05 * fractal_noise(rng, 2, board.width, rng.uniform(1, 2.6))[0]
    if rng.random() < 0.5:
        start, end = sorted(rng.uniform(-0.3, 1.3, 2) * board.width)
        x = np.arange(board.width)
        outside = np.maximum(np.maximum(start - x, x - end), 0)
        outline = outline + outside * rng.uniform(0.3, 1.5)
    step = int(rng.integers(2, 8))
    corners = [(float(k), float(outline[k])) for k in range(0, board.width, step)]
    board.polygon([(0, board.height + 2), *corners, (board.width, board.height + 2)], board.tone(color))
    for _ in range(int(rng.integers(40, 220))):
        k = int(rng.integers(board.width))
        y = outline[k] + abs(rng.normal(0, 0.08)) * board.height
        shade = board.tone(color, rng.uniform(0.4, 2.0))
        if rng.random() < 0.6:
            board.line([(k, y), (k + rng.normal(0, 5), y - rng.uniform(3, 22))], shade, rng.uniform(1, 2.5))
        else:
            board.blob(k, y, rng.uniform(1, 9), rng.uniform(1, 6), shade)
