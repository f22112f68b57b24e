"""insolation: cast shadows after Corripio 2003, compiled by Numba."""

from __future__ import annotations

import math
from importlib.metadata import version as installed

import numpy as np
from insolation import insolf

from .problem import SPACING_M, SUN_AZIMUTH_RAD, SUN_ELEVATION_RAD, Problem, Task


def version() -> str:
    return f"insolation {installed('insolation')}"


def shadow(problem: Problem) -> Task:
    heights = problem.heights.astype(np.float64)
    zenith = 90.0 - math.degrees(SUN_ELEVATION_RAD)
    sun = np.asarray(insolf.normalvector(zenith, math.degrees(SUN_AZIMUTH_RAD)), float)
    return Task(lambda: insolf.doshade(heights, SPACING_M, sun), "doshade, float64", lambda result: np.asarray(result) < 0.5)


TASKS = {"shadow": shadow}
