"""Cells that rays pass: against points laid densely along them, on both sides of every border."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.rays import exit_direction, ray


def passed(x, y, ux, uy, rows, cols):
    """Flat cells of a ray in order, as the docstring says to read it."""
    steps, base, along, across, width, start, position, slope = ray(x, y, ux, uy, rows, cols)
    cells = []
    for k in range(steps):
        here = max(position + k * slope, start) >> 32
        after = (position + (k + 1) * slope - 1) >> 32
        cells += [base + k * along + i * across for i in ([here, after] if after > here else [here]) if 0 <= i < width]
    return cells


def sampled(x, y, ux, uy, rows, cols, margin):
    """Flat cells that points along the ray lie in, at least `margin` cells inside of them."""
    away = np.linspace(0.0, math.hypot(rows, cols) + math.hypot(x, y) + 4.0, 40001) / math.hypot(ux, uy)
    col, row = x + away * ux, y + away * uy
    near_col, near_row = np.rint(col), np.rint(row)
    clear = np.maximum(abs(col - near_col), abs(row - near_row)) < 0.5 - margin
    inside = (near_col >= 0) & (near_col < cols) & (near_row >= 0) & (near_row < rows)
    return list(dict.fromkeys((near_row * cols + near_col)[clear & inside].astype(int)))


places = st.floats(-20, 30).map(lambda value: round(value, 3))


@settings(max_examples=25, deadline=None)
@given(places, places, st.floats(-math.pi, math.pi), st.integers(1, 13), st.integers(1, 13))
def test_passes_the_cells_that_points_on_it_lie_in(x, y, azimuth, rows, cols):
    ux, uy = math.sin(azimuth), -math.cos(azimuth)
    cells = passed(x, y, ux, uy, rows, cols)
    assert len(set(cells)) == len(cells) and all(0 <= cell < rows * cols for cell in cells)
    assert set(sampled(x, y, ux, uy, rows, cols, 1e-3)) <= set(cells)
    assert set(cells) <= set(sampled(x, y, ux, uy, rows, cols, -1e-3)) | set(touched(x, y, ux, uy, rows, cols))
    clear = sampled(x, y, ux, uy, rows, cols, 1e-3)
    assert [cell for cell in cells if cell in clear] == clear  # in order


def touched(x, y, ux, uy, rows, cols):
    """Cells that the ray comes within a thousandth of."""
    grown = []
    for row in range(rows):
        for col in range(cols):
            enter, leave = 0.0, math.inf
            for place, speed, center in ((x, ux, col), (y, uy, row)):
                low, high = center - 0.501 - place, center + 0.501 - place
                if abs(speed) < 1e-12:
                    enter = math.inf if low > 0 or high < 0 else enter
                else:
                    enter, leave = max(enter, min(low / speed, high / speed)), min(leave, max(low / speed, high / speed))
            if enter <= leave:
                grown.append(row * cols + col)
    return grown


def test_a_diagonal_touches_no_third_cell_and_flips_alike():
    assert passed(0.0, 0.0, 1.0, 1.0, 4, 4) == [0, 5, 10, 15]
    assert passed(3.0, 0.0, -1.0, 1.0, 4, 4) == [3, 6, 9, 12]
    assert passed(3.0, 3.0, -1.0, -1.0, 4, 4) == [15, 10, 5, 0]
    assert passed(-2.0, 1.0, 1.0, 0.0, 3, 4) == [4, 5, 6, 7]
    assert passed(1.0, 9.0, 0.0, -1.0, 3, 4) == [9, 5, 1]
    assert passed(1.0, 9.0, 0.0, 1.0, 3, 4) == [] and passed(1.0, 1.0, 0.0, 0.0, 3, 4) == []


def test_flipped_rays_pass_flipped_cells():
    rng = np.random.default_rng(3)
    for x, y, azimuth in zip(rng.uniform(-3, 9, 40), rng.uniform(-3, 9, 40), rng.uniform(-3, 3, 40), strict=True):
        ux, uy = math.sin(azimuth), math.cos(azimuth)
        grid = np.arange(42).reshape(7, 6)
        plain = passed(x, y, ux, uy, 7, 6)
        assert [grid[:, ::-1].reshape(-1)[cell] for cell in passed(5.0 - x, y, -ux, uy, 7, 6)] == plain
        assert [grid.T.reshape(-1)[cell] for cell in passed(y, x, uy, ux, 6, 7)] == plain


@pytest.mark.parametrize("camera", [(2.0, 3.0), (-4.0, 3.0), (2.5, 40.0), (-0.5, -0.5), (99.0, 1.0)])
def test_border_points_are_left_by_rays_and_two_a_cell(camera):
    rows, cols = 5, 7
    rays = [exit_direction(k, rows, cols, *camera) for k in range(4 * (rows + cols))]
    ends = [(camera[0] + ux, camera[1] + uy) for ux, uy in rays if (ux, uy) != (0.0, 0.0)]
    assert len(set(ends)) == len(ends)
    if 0 <= camera[0] < cols and 0 <= camera[1] < rows:
        assert len(ends) == 4 * (rows + cols)
    for (ux, uy), end in zip([one for one in rays if one != (0.0, 0.0)], ends, strict=True):
        cells = passed(*camera, ux, uy, rows, cols)
        last = round(min(max(end[0], 0), cols - 1)), round(min(max(end[1], 0), rows - 1))
        assert cells and cells[-1] == last[1] * cols + last[0]


def test_compiled_it_is_the_same():
    compiled = numba.njit(ray)
    rng = np.random.default_rng(0)
    for x, y, ux, uy in rng.uniform(-30, 60, (200, 4)):
        assert compiled(x, y, ux, uy, 31, 17) == ray(x, y, ux, uy, 31, 17)
    assert compiled(0.0, 0.0, 1.0, 0.0, 3, 3) == ray(0.0, 0.0, 1.0, 0.0, 3, 3)
    assert numba.njit(exit_direction)(3, 5, 6, 1.5, 2.5) == exit_direction(3, 5, 6, 1.5, 2.5)
