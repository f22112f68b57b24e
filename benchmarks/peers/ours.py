"""Our kernels, by the same rules as the others."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.cpu import threads
from kernels.workspace import Workspace

from .problem import CAMERA_ABOVE_M, EPSILON_M, SPACING_M, SUN_AZIMUTH_RAD, SUN_ELEVATION_RAD, Problem, Task

DEVICE = "cpu"


def version() -> str:
    return "ours" if DEVICE == "cpu" else "ours, CUDA"


def prepared(problem: Problem, call: Callable[[Any], object], note: str = "", array: Callable[[Any], object] | None = None) -> Task:
    """`call` takes the keywords that all faces share."""
    threads.set_thread_count(problem.threads)
    if DEVICE == "cpu":
        scratch = Workspace()
        words = {"device": "cpu", "workspace": scratch}
        return Task(lambda: call(words), note, array or (lambda result: result), workspace_bytes=lambda: scratch.nbytes)
    cuda = importlib.import_module("numba.cuda")
    kept = importlib.import_module("kernels.cuda.memory").DeviceWorkspace()
    begin, end = cuda.event(), cuda.event()
    words = {"device": "cuda", "workspace": kept}

    def run() -> object:
        begin.record()
        result = call(words)
        end.record()
        end.synchronize()
        return result

    def host(result: Any) -> object:
        result = array(result) if array else result
        return result.copy_to_host() if hasattr(result, "copy_to_host") else result

    return Task(run, note, host, lambda: begin.elapsed_time(end) / 1000.0, lambda: kept.nbytes)


def placed(array: np.ndarray) -> Any:
    """The array where the kernels run."""
    return array if DEVICE == "cpu" else importlib.import_module("numba.cuda").to_device(array)


def face(module: str, name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module(f"kernels.{module}"), name)


def breach(problem: Problem) -> Task:
    call, heights = face("breach", "breach"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, epsilon_m=EPSILON_M, **words))


def resolve(problem: Problem) -> Task:
    call, heights = face("depressions", "resolve_depressions"), placed(problem.heights)
    return prepared(
        problem,
        lambda words: call(heights, epsilon_m=EPSILON_M, **words),
        "breached, filled, water depth, MDD, receivers in one call",
        lambda result: result.breached,
    )


def fill(problem: Problem) -> Task:
    call, heights = face("fill", "fill"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, **words))


def accumulate(problem: Problem) -> Task:
    call, heights = face("flow", "flow_accumulation"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, SPACING_M, **words))


def view(problem: Problem) -> Task:
    call, heights = face("view_bound", "view_bound"), placed(problem.heights)
    row, col = problem.camera()
    camera = (SPACING_M * col, -SPACING_M * row, float(problem.heights[row, col]) + CAMERA_ABOVE_M)
    return prepared(
        problem,
        lambda words: call(heights, None, SPACING_M, (0.0, 0.0), camera, -math.pi, math.pi, **words),
        "two rays a border cell",
    )


def shadow(problem: Problem) -> Task:
    call, heights = face("shadow", "cast_shadow"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, SPACING_M, SUN_AZIMUTH_RAD, SUN_ELEVATION_RAD, **words))


def points(problem: Problem) -> Task:
    call = face("rasterize", "rasterize_points")
    x, y, z = problem.points()
    cloud = placed(np.stack([x - 0.5, 0.5 - y, z], 1))  # cell centers lie on whole numbers
    rows, cols = problem.heights.shape
    return prepared(
        problem, lambda words: call(cloud, rows, cols, 1.0, (0.0, 0.0), **words), "highest and count", lambda result: result[0]
    )


def triangles(problem: Problem) -> Task:
    call = face("rasterize", "rasterize_surface")
    x, y, z = problem.surface()
    pixels = placed(np.stack([x - 0.5, 0.5 - y, z], 2))
    valid = placed(np.ones((x.shape[0] - 1, x.shape[1] - 1), bool))
    rows, cols = problem.heights.shape
    return prepared(
        problem, lambda words: call(pixels, valid, rows, cols, 1.0, (0.0, 0.0), **words), "", lambda result: result[0]
    )


def slope(problem: Problem) -> Task:
    call, heights = face("derivatives", "slope"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, SPACING_M, method="horn", **words), "Horn")


def laplacian(problem: Problem) -> Task:
    call, heights = face("derivatives", "laplacian"), placed(problem.heights)
    return prepared(problem, lambda words: call(heights, SPACING_M, **words))


TASKS = {
    "breach": breach,
    "resolve": resolve,
    "fill": fill,
    "accumulate": accumulate,
    "view": view,
    "shadow": shadow,
    "triangles": triangles,
    "points": points,
    "slope": slope,
    "laplacian": laplacian,
}
