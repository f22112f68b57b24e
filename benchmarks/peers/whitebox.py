"""whitebox-workflows 2 (Rust): least-cost breaching, filling, accumulation, slope, horizon angle. Its rasters stay in memory."""

from __future__ import annotations

import math
from importlib.metadata import version as installed
from typing import Any

import numpy as np
import whitebox_workflows

from . import geotiff
from .problem import EPSILON_M, SPACING_M, SUN_AZIMUTH_RAD, SUN_ELEVATION_RAD, Problem, Task


def version() -> str:
    return f"whitebox-workflows {installed('whitebox-workflows')}"


def raster(problem: Problem) -> tuple[Any, Any]:
    path = problem.path("heights.tif")
    geotiff.write(path, problem.heights, SPACING_M)
    environment = whitebox_workflows.WbEnvironment()
    return environment, environment.read_raster(path)


def as_array(result: Any) -> np.ndarray:
    return np.squeeze(result.to_numpy())


def breach(problem: Problem) -> Task:
    tools, dem = raster(problem)
    call = tools.hydrology.breach_depressions_least_cost
    return Task(
        lambda: call(dem=dem, max_dist=100, fill_deps=True, flat_increment=EPSILON_M),
        "least cost, at most 100 cells, fills the rest",
        as_array,
    )


def fill(problem: Problem) -> Task:
    tools, dem = raster(problem)
    return Task(lambda: tools.hydrology.fill_depressions(dem=dem), "fill_depressions", as_array)


def accumulate(problem: Problem) -> Task:
    tools, dem = raster(problem)
    breach, count = tools.hydrology.breach_depressions_least_cost, tools.hydrology.d8_flow_accum

    def run() -> object:
        drained = breach(dem=dem, max_dist=100, fill_deps=True, flat_increment=EPSILON_M)
        return count(input=drained, out_type="cells")

    return Task(run, "least-cost breach, then d8_flow_accum", as_array)


def shadow(problem: Problem) -> Task:
    tools, dem = raster(problem)
    call = tools.terrain.horizon_angle
    return Task(
        lambda: call(dem=dem, azimuth=math.degrees(SUN_AZIMUTH_RAD)),
        "horizon angle in one direction",
        lambda result: as_array(result) > math.degrees(SUN_ELEVATION_RAD),
    )


def slope(problem: Problem) -> Task:
    tools, dem = raster(problem)
    return Task(lambda: tools.terrain.slope(input=dem, units="radians"), "Zevenbergen-Thorne, not Horn", as_array)


TASKS = {"breach": breach, "fill": fill, "accumulate": accumulate, "shadow": shadow, "slope": slope}
