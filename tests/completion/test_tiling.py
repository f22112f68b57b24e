"""Tiles cover every cell once, at any place, on any grid."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.completion.tiling import extend, for_each_tile, layout


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 700), st.integers(5, 700), st.integers(0, 10**6))
def test_layout_covers_each_cell_once(rows: int, cols: int, seed: int) -> None:
    cut = layout((rows, cols), 32, np.random.default_rng(seed), tile=128)
    top, bottom, left, right = cut.padding
    count = np.zeros((top + rows + bottom, left + cols + right), int)
    for r, c in cut.tiles():
        count[r, c] += 1
        assert (r.stop - r.start) % 32 == 0
        assert (c.stop - c.start) % 32 == 0
        assert r.stop - r.start <= 192
    assert (count == 1).all()
    assert max(cut.padding) < 32
    assert len(list(cut.tiles())) == len(cut)


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(0, 10**6))
def test_identity_comes_back_unchanged(rows: int, cols: int, seed: int) -> None:
    grid = torch.arange(rows * cols, dtype=torch.float32).view(rows, cols)
    cut = layout(grid.shape, 32, np.random.default_rng(seed), tile=64)
    assert torch.equal(for_each_tile((grid,), cut, lambda tile: tile), grid)


def test_tiles_move() -> None:
    rng = np.random.default_rng(0)
    places = {(cut.padding, cut.rows, cut.cols) for cut in (layout((512, 512), 32, rng) for _ in range(8))}
    assert len(places) == 8


def test_narrow_rests_join_their_neighbors() -> None:
    for seed in range(50):
        cut = layout((1024, 1024), 32, np.random.default_rng(seed), tile=256)
        assert min(np.diff(cut.rows)) >= 128


def test_extended_ground_keeps_its_slope() -> None:
    plane = np.add.outer(3.0 * np.arange(20), -np.arange(30)).astype(np.float32)
    wide = extend(plane, 8)
    np.testing.assert_allclose(np.gradient(wide, axis=0), 3.0)
    np.testing.assert_allclose(np.gradient(wide, axis=1), -1.0)
