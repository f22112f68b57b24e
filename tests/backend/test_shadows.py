"""Shadow masks over the wire: the kernel's own answer, beside a running job, the newest request first."""

from __future__ import annotations

import base64
import math
import zlib

import numpy as np
import pytest

from backend.contract import messages
from backend.shadows import Shadows
from kernels.shadow import cast_shadow
from tests.backend.test_server import ask as generate


@pytest.fixture
def heights(tmp_path):
    """A rough terrain and its file, in a folder with a difficult name."""
    values = (np.random.default_rng(3).random((61, 83)) * 90).astype(np.float32)
    path = tmp_path / "Höhen ⛰.npy"
    np.save(path, values)
    return values, path


def bits_of(answer: messages.Message) -> np.ndarray:
    packed = np.frombuffer(zlib.decompress(base64.b64decode(answer["bits"])), np.uint8)
    return np.unpackbits(packed)[:answer["rows"] * answer["cols"]].reshape(answer["rows"], answer["cols"]).astype(bool)


@pytest.mark.parametrize(("azimuth", "elevation", "step"), [(-75.0, 38.0, 1), (200.0, 12.0, 1), (33.0, 5.0, 3)])
def test_the_mask_is_the_kernels(start_child, heights, azimuth, elevation, step):
    values, path = heights
    child = start_child()
    child.send(messages.shadow(7, str(path), 10.0, azimuth, elevation, step))
    answer = child.next("shadow", "error")
    wanted = cast_shadow(values, 10.0, math.radians(azimuth), math.radians(elevation))[::step, ::step]
    assert answer["ask"] == 7 and wanted.any() and not wanted.all()
    assert np.array_equal(bits_of(answer), wanted)


def test_new_heights_in_the_same_file_are_read(start_child, heights):
    values, path = heights
    child = start_child()
    child.send(messages.shadow(1, str(path), 10.0, 0.0, 20.0))
    first = child.next("shadow")
    np.save(path, values[::-1].copy())
    child.send(messages.shadow(2, str(path), 10.0, 0.0, 20.0))
    assert not np.array_equal(bits_of(first), bits_of(child.next("shadow")))


def test_it_does_not_wait_for_a_running_job(start_child, heights, picture, tmp_path):
    child = start_child("PATIENT")
    generate(child, picture, tmp_path / "out")
    child.until_stage("completed")
    child.send(messages.shadow(1, str(heights[1]), 10.0, 0.0, 20.0))
    assert child.next("shadow", "result", "error")["kind"] == "shadow"
    child.send(messages.cancel(1))
    assert child.next("cancelled", "result")["kind"] == "cancelled"


def test_of_those_that_wait_only_the_newest_is_answered(heights, monkeypatch):
    import threading

    answers, go, done = [], threading.Event(), threading.Event()

    def send(message):
        answers.append(message["ask"])
        if message["ask"] == 9:
            done.set()

    shadows = Shadows(send)
    real = shadows._heights
    monkeypatch.setattr(shadows, "_heights", lambda path: (go.wait(10), real(path))[1])
    for number in range(10):
        shadows.ask(messages.shadow(number, str(heights[1]), 10.0, float(number), 20.0))
        if number == 0:
            while shadows._next is not None:    # the first is taken
                pass
    go.set()
    assert done.wait(20)
    assert answers == [0, 9]


@pytest.mark.parametrize(("change", "text"), [
    ({"heights": "/nowhere/h.npy"}, "No such file"), ({"elevation_deg": -3.0}, "above the horizon"), ({"dx_m": 0.0}, "dx_m")])
def test_what_cannot_be_computed_is_said_in_one_sentence(start_child, heights, change, text):
    child = start_child()
    child.send(messages.shadow(5, str(heights[1]), 10.0, 0.0, 20.0) | change)
    answer = child.next("shadow", "error")
    assert answer["kind"] == "shadow" and answer["ask"] == 5 and text in answer["text"] and "bits" not in answer


@pytest.mark.parametrize("change", [{"ask": "x"}, {"heights": ""}, {"heights": 3}, {"dx_m": "1"}, {"elevation_deg": None},
                                    {"step": 0}, {"step": True}])
def test_a_request_that_is_none_is_answered_as_such(start_child, heights, change):
    child = start_child()
    child.send(messages.shadow(5, str(heights[1]), 10.0, 0.0, 20.0) | change)
    assert child.next("shadow", "error")["code"] == "bad_message"
