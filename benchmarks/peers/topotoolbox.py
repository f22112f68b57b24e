"""topotoolbox (pytopotoolbox over libtopotoolbox, C): carving, filling by reconstruction, accumulation."""

from __future__ import annotations

from importlib.metadata import version as installed

import numpy as np
import topotoolbox

from .problem import EPSILON_M, SPACING_M, Problem, Task


def version() -> str:
    return f"topotoolbox {installed('topotoolbox')}"


def grid(heights: np.ndarray) -> topotoolbox.GridObject:
    result = topotoolbox.GridObject()
    result.z = heights
    result.cellsize = SPACING_M
    result.georef = result.bounds = result.transform = None
    return result


def carved(heights: np.ndarray) -> object:
    flow = topotoolbox.FlowObject(grid(heights), sink_resolution="carve")
    result = topotoolbox.imposemin(flow, heights.copy(), minimum_slope=EPSILON_M / SPACING_M)
    return result.z if hasattr(result, "z") else result


def breach(problem: Problem) -> Task:
    return Task(lambda: carved(problem.heights), "FlowObject (carve), then imposemin")


def resolve(problem: Problem) -> Task:
    def run() -> object:
        depth = grid(problem.heights).fillsinks().z - problem.heights
        return carved(problem.heights), float(depth.mean(dtype=np.float64))

    return Task(run, "fillsinks, carve, imposemin, and a mean by NumPy", array=first)


def first(result: object) -> object:
    assert isinstance(result, tuple)
    return result[0]


def fill(problem: Problem) -> Task:
    raw = grid(problem.heights)
    return Task(lambda: raw.fillsinks().z, "hybrid reconstruction")


def accumulate(problem: Problem) -> Task:
    def run() -> object:
        flow = topotoolbox.FlowObject(grid(problem.heights), sink_resolution="carve")
        return flow.flow_accumulation()

    return Task(run, "FlowObject (carve), flow_accumulation", array=lambda result: getattr(result, "z", result))


def slope(problem: Problem) -> Task:
    raw = grid(problem.heights)
    return Task(lambda: raw.gradient8(unit="radian").z, "steepest of 8 neighbors, not Horn")


TASKS = {"breach": breach, "resolve": resolve, "fill": fill, "accumulate": accumulate, "slope": slope}
