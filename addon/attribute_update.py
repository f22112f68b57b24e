"""Brings a sculpted terrain's attributes up to date: where it was edited, and with the backend's help slope and flow."""

from __future__ import annotations

import itertools
import queue
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..backend.contract import messages
from .compatibility import move_points, points_of, put
from .process import BackendProcess
from .scene.grid_mesh import EDITED, grid_points
from .scene.ground_attributes import put_steps, read_analysis
from .scene.result_folder import HeightGrid
from .steps import Ahead, Steps, ready

EDITED_SHARE = 1e-4
"""A point that is farther from its place than this share of the spacing has been edited; less is rounding."""

PATIENCE_S = 120.0
"""Slope and flow of 4096 x 4096 points take some seconds; the backend's start and first compilation come on top."""

_asks = itertools.count(1)


class NoAnalysis(ValueError):
    """Why attributes are not brought up to date, in one sentence."""


def update_steps(mesh: bpy.types.Mesh, grid: HeightGrid, backend: BackendProcess | None, restore: bool) -> Steps[int]:
    """Bring `edited`, slope and flow up to date; first put the made heights back if `restore`. Returns how many points are edited.

    grid: as made.   backend: None where there is none; slope and flow then stay as they are. Raises NoAnalysis.
    """
    with Ahead() as soon:
        made = yield from ready(soon(grid_points, grid))
        if restore:
            move_points(mesh, made)
            yield
        points = made if restore else points_of(mesh)
        yield
        edited = yield from ready(soon(edited_points, points, made, grid.dx_m))
        put(mesh, EDITED, "FLOAT", "POINT", "value", edited)
        yield
        if backend is not None:
            heights = np.ascontiguousarray(points[:, 2]).reshape(grid.heights.shape)
            path = Path(bpy.app.tempdir) / "photo_to_terrain_analysis.npy"
            yield from put_steps(mesh, (yield from ready(soon(analyzed, backend, heights, grid.dx_m, path))))
        mesh.update()
    return int(np.count_nonzero(edited))


def edited_points(points: np.ndarray, made: np.ndarray, dx_m: float) -> np.ndarray:
    """float32 (n,): 1 where a point is not where it was made. points, made: float32 (n, 3). Touches no bpy."""
    return (np.abs(points - made) > EDITED_SHARE * dx_m).any(axis=1).astype(np.float32)


def analyzed(backend: BackendProcess, heights: np.ndarray, dx_m: float, path: Path) -> np.ndarray:
    """float32 (2, rows, cols) of LAYERS, asked of the backend and waited for. path: a file to hand the heights over in.

    Raises NoAnalysis. Touches no bpy.
    """
    ask = next(_asks)
    try:
        np.save(path, heights, allow_pickle=False)
        backend.send(messages.analyze(ask, str(path), dx_m))
        answer = awaited(backend, ask)
        layers = read_analysis(Path(answer["layers"]), heights.shape) if "layers" in answer else None
        if layers is None:
            raise NoAnalysis(str(answer.get("text", "Slope and flow did not arrive whole; try again.")))
        Path(answer["layers"]).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise NoAnalysis(f"The heights cannot be handed to the backend ({problem}).") from problem
    return layers


def awaited(backend: BackendProcess, ask: int) -> dict[str, Any]:
    """The answer to `ask`; those to earlier ones are dropped. Raises NoAnalysis."""
    end = time.monotonic() + PATIENCE_S
    while backend.is_alive() and time.monotonic() < end:
        try:
            answer = backend.analyses.get(timeout=0.1)
        except queue.Empty:
            continue
        if answer.get("ask") == ask:
            return answer
    raise NoAnalysis("The backend stopped before it had computed slope and flow; try again.")
