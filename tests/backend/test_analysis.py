"""Slope and flow: known ground, the file of a finished job, and the answer over the wire."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.contract import messages
from backend.surface.analysis import LAYERS, analyze


def test_a_plane_has_its_slope_and_drains_straight_down():
    rows, cols = 30, 20
    heights = np.repeat((0.5 * 10.0 * np.arange(rows, 0, -1, dtype=np.float32))[:, None], cols, 1)    # falls toward the last row
    slope, flow = analyze(heights, 10.0)
    assert np.allclose(slope, math.degrees(math.atan(0.5)), atol=1e-3)
    inner = flow[1:-1, 1:-1]
    assert np.allclose(inner, 100.0 * np.arange(1, rows - 1)[:, None])    # a row more of 100 square meters each


def test_all_water_leaves_over_the_border():
    heights = np.random.default_rng(1).normal(0, 50, (64, 48)).astype(np.float32)
    slope, flow = analyze(heights, 4.0)
    assert slope.dtype == flow.dtype == np.float32 and np.isfinite(slope).all() and ((slope >= 0) & (slope < 90)).all()
    border = np.ones(heights.shape, bool)
    border[1:-1, 1:-1] = False
    assert flow.min() == 16.0 and flow[border].sum() == 16.0 * heights.size


def test_two_rows_have_no_slope():
    assert not analyze(np.zeros((2, 5), np.float32), 1.0)[0].any()


def test_asked_over_the_wire(start_child, tmp_path):
    heights = np.random.default_rng(1).normal(0, 50, (33, 47)).astype(np.float32)
    path = tmp_path / "Höhen ⛰.npy"
    np.save(path, heights)
    child = start_child()
    child.send(messages.analyze(4, str(path), 5.0))
    answer = child.next("analysis", "error")
    assert answer["ask"] == 4
    layers = np.load(answer["layers"])
    assert layers.shape == (len(LAYERS), 33, 47) and np.array_equal(layers, analyze(heights, 5.0))
    assert {p.name for p in tmp_path.glob("*npy*")} == {path.name, f"{path.stem}-analysis.npy"}


@pytest.mark.parametrize("change", [{"ask": "x"}, {"heights": ""}, {"heights": 3}, {"dx_m": "1"}, {"dx_m": 0}, {"dx_m": True}])
def test_a_request_that_is_none_is_answered_as_such(start_child, tmp_path, change):
    child = start_child()
    child.send(messages.analyze(5, str(tmp_path / "h.npy"), 10.0) | change)
    assert child.next("analysis", "error")["code"] == "bad_message"


@pytest.mark.parametrize("values", [
    None, np.zeros((4, 4), np.complex64), np.full((9, 9), np.nan, np.float32), np.zeros(7, np.float32)])
def test_what_cannot_be_computed_is_said_in_one_sentence(start_child, tmp_path, values):
    path = tmp_path / "h.npy"
    if values is not None:
        np.save(path, values)
    child = start_child()
    child.send(messages.analyze(6, str(path), 10.0))
    answer = child.next("analysis", "error")
    assert answer["kind"] == "analysis" and answer["ask"] == 6 and "cannot be computed" in answer["text"]
    assert "layers" not in answer and "\n" not in answer["text"]
