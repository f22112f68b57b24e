"""Stages that go wrong for real, or make a mess, for tests of what happens then (`--stages tests.backend.breaking_stages:NAME`)."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from backend.context import Context
from backend.contract.settings import TerrainSettings
from backend.runner import Done
from tests.backend import fake_stages
from tests.backend.fake_stages import with_stage


def _hungry(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """Waits for a file `eat` in the job's folder, then takes 300 MB."""
    ctx.progress(0.5, "hungry")
    folder = Path(os.environ["BREAKING_STAGES_FOLDER"])
    while not (folder / "eat").exists():
        ctx.check()
        time.sleep(0.02)
    meal = np.ones(300 << 20, np.uint8)
    return done["start"] * np.float32(meal[0])


def _messy(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """A gigabyte in small pieces, the last of which stays: the heap cannot shrink from its end."""
    pieces = [bytes(1000) for _ in range(1_000_000)]
    _kept.append(pieces[-1])
    time.sleep(0.1)    # so that the peak is seen
    return done["start"]


_kept: list[bytes] = []


def _last_words(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """As a C++ library ends a process that gets no memory."""
    sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGABRT)
    return done["start"]


def _unsendable(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """Ends its thread in a way that no error has a name for."""
    raise SystemExit("a library calls exit")


HUNGRY = with_stage("completed", _hungry)
MESSY = with_stage("completed", _messy)
LAST_WORDS = with_stage("completed", _last_words)
UNSENDABLE = with_stage("completed", _unsendable)
STAGES = fake_stages.STAGES
