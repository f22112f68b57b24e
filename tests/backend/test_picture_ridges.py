"""The picture's own skyline and inner ridges: where they lie, and that noise is none."""

from __future__ import annotations

import numpy as np

from backend.camera import Camera
from backend.picture_ridges import MOST_COLUMNS, distance_edges, long_edges, picture_ridges
from backend.scene import PosedScene, Segmentation
from backend.terrain import Grid


def scene(width: int, height: int = 60) -> tuple[Segmentation, PosedScene]:
    """Sky above row 10, ground 1000 m away down to row 30, then 200 m; a tree in the leftmost tenth."""
    rows = np.arange(height)[:, None] + np.zeros((1, width), int)
    sky, tree = rows < 10, np.zeros((height, width), bool)
    tree[:, :width // 10] = True
    sky = sky & ~tree
    land = ~sky & ~tree
    points = np.zeros((height, width, 3), np.float32)
    points[..., 1] = np.where(rows < 30, 1000.0, 200.0)
    points[~land] = np.nan
    posed = PosedScene(Camera(width, height, 1.0, 0.0), points, land, Grid(8, 8, 8.0, (0.0, 0.0)))
    return Segmentation(land, sky, tree, "made"), posed


def test_lines_lie_on_the_borders_of_pixels():
    told = picture_ridges(*scene(100))
    assert told["skyline"] == [None] * 10 + [10] * 90
    assert set(told["ridge_rows"]) == {30} and sorted(told["ridge_columns"]) == list(range(10, 100))


def test_wide_pictures_tell_fewer_columns():
    told = picture_ridges(*scene(1600))
    assert len(told["columns"]) <= MOST_COLUMNS and told["columns"][:3] == [0, 2, 4]
    assert set(told["ridge_columns"]) <= set(told["columns"])


def test_short_edges_are_noise():
    edges = np.zeros((20, 50), bool)
    edges[5, 10:30] = edges[np.arange(8, 12), np.arange(30, 34)] = edges[15, 40] = True
    kept = long_edges(edges, 5)
    assert kept[5, 10:30].all() and kept.sum() == 20
    assert not long_edges(np.zeros((4, 4), bool), 2).any()


def test_flat_ground_recedes_quickly_but_has_no_edge():
    rows = np.arange(1, 300, dtype=np.float64)[:, None] + np.zeros((1, 40))    # below the horizon, in pixels
    plain = -np.log(rows)
    assert not distance_edges(plain[12:], np.ones_like(plain[12:], bool), 3).any()
    crest = plain - 1.5 * (rows > 150)    # a near hill before it
    edges = distance_edges(crest[12:], np.ones_like(crest[12:], bool), 3)
    assert set(np.nonzero(edges)[0]) == {150 - 12} and edges.sum() == 40
