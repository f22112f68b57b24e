"""Blocks of columns turned into rows and back are plain transposes, whatever the width."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.turning import as_words, turn_flags_back, turn_floats


@pytest.mark.parametrize(("rows", "cols"), [(64, 64), (77, 64), (33, 20), (50, 33), (1, 8), (7, 1)])
@pytest.mark.parametrize("col", [0, 1, 8])
def test_blocks_are_transposed(rows: int, cols: int, col: int) -> None:
    rng = np.random.default_rng(rows)
    count = cols - col
    if count <= 0:
        pytest.skip("the block lies beyond the grid")
    grid = rng.random((rows, cols)).astype(np.float32)
    turned = np.zeros((64, (rows + 40) // 8 * 8), np.float32)
    turn_floats(grid, 0, col, rows, count, turned)
    np.testing.assert_array_equal(turned[:count, :rows].T, grid[:, col:])

    flags = rng.random(turned.shape) < 0.5
    low, high = (3, rows - 2) if rows > 20 else (0, rows)
    back, expected = np.zeros((rows, cols), bool), np.zeros((rows, cols), bool)
    turn_flags_back(flags, low, high, 0, col, count, back, as_words(back))
    expected[low:high, col:] = flags[:count, low:high].T
    np.testing.assert_array_equal(back, expected)


def test_rows_of_broken_words_are_not_words() -> None:
    assert as_words(np.zeros((4, 12), bool)).size == 0
    assert as_words(np.zeros((4, 16), bool)).shape == (4, 2)
