"""richdem2 (its module is called richdem): priority-flood filling, complete breaching (Lindsay 2016), Horn's slope."""

from __future__ import annotations

from importlib.metadata import version as installed

import numpy as np
import richdem

from .problem import SPACING_M, Problem, Task


def version() -> str:
    return f"richdem2 {installed('richdem2')}"


def grid(heights: np.ndarray) -> object:
    result = richdem.rdarray(heights.copy(), no_data=-9999)
    result.geotransform = (0.0, SPACING_M, 0.0, 0.0, 0.0, -SPACING_M)
    result.projection = ""
    return result


def breach(problem: Problem) -> Task:
    raw = grid(problem.heights)
    return Task(lambda: richdem.BreachDepressions(raw, in_place=False, topology="D8"), "Lindsay 2016; no least drop, flats stay")


def resolve(problem: Problem) -> Task:
    raw = grid(problem.heights)

    def run() -> object:
        filled = richdem.FillDepressions(raw, epsilon=False, in_place=False, topology="D8")
        breached = richdem.BreachDepressions(raw, in_place=False, topology="D8")
        return breached, float((np.asarray(filled) - problem.heights).mean(dtype=np.float64))

    return Task(run, "fill, breach, and a mean by NumPy", array=first)


def first(result: object) -> object:
    assert isinstance(result, tuple)
    return result[0]


def fill(problem: Problem) -> Task:
    raw = grid(problem.heights)
    return Task(lambda: richdem.FillDepressions(raw, epsilon=False, in_place=False, topology="D8"), "priority-flood, Zhou 2016")


def accumulate(problem: Problem) -> Task:
    raw = grid(problem.heights)

    def run() -> object:
        filled = richdem.FillDepressions(raw, epsilon=True, in_place=False, topology="D8")
        return richdem.FlowAccumulation(filled, method="D8")

    return Task(run, "fill with a least drop, then D8")


def slope(problem: Problem) -> Task:
    raw = grid(problem.heights)
    return Task(lambda: richdem.TerrainAttribute(raw, attrib="slope_radians"), "Horn")


TASKS = {"breach": breach, "resolve": resolve, "fill": fill, "accumulate": accumulate, "slope": slope}
