"""GDAL by its Python bindings, rasters in memory: viewshed in "lowest visible height" mode, slope."""

from __future__ import annotations

from typing import Any

import numpy as np
from osgeo import gdal, gdal_array

from .problem import CAMERA_ABOVE_M, SPACING_M, Problem, Task

gdal.UseExceptions()


def version() -> str:
    return f"GDAL {gdal.__version__} (bindings)"


def dataset(heights: np.ndarray) -> gdal.Dataset:
    result = gdal_array.OpenArray(np.ascontiguousarray(heights))
    result.SetGeoTransform((0.0, SPACING_M, 0.0, SPACING_M * heights.shape[0], 0.0, -SPACING_M))
    return result


def as_array(result: Any) -> np.ndarray:
    return result.ReadAsArray()


def view(problem: Problem) -> Task:
    source = dataset(problem.heights)
    row, col = problem.camera()
    x, y = SPACING_M * (col + 0.5), SPACING_M * (problem.heights.shape[0] - row - 0.5)

    def run() -> object:
        return gdal.ViewshedGenerate(
            srcBand=source.GetRasterBand(1),
            driverName="MEM",
            targetRasterName="",
            creationOptions=[],
            observerX=x,
            observerY=y,
            observerHeight=CAMERA_ABOVE_M,
            targetHeight=0.0,
            visibleVal=255,
            invisibleVal=0,
            outOfRangeVal=0,
            noDataVal=-1,
            dfCurvCoeff=0.0,
            mode=gdal.GVM_Edge,
            maxDistance=0.0,
            heightMode=gdal.GVOT_MIN_TARGET_HEIGHT_FROM_DEM,
        )

    return Task(run, "viewshed, lowest height that is seen (interpolates ring by ring)", as_array)


def slope(problem: Problem) -> Task:
    source = dataset(problem.heights)
    return Task(
        lambda: gdal.DEMProcessing("", source, "slope", format="MEM", alg="Horn"),
        "gdaldem slope, Horn, degrees",
        lambda result: np.radians(as_array(result)),
    )


TASKS = {"view": view, "slope": slope}
