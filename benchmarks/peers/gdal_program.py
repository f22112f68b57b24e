"""GDAL's program gdal_viewshed: the whole process with its files, as people call it."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np

from . import geotiff
from .problem import CAMERA_ABOVE_M, SPACING_M, Problem, Task

PROGRAM = shutil.which("gdal_viewshed")
if PROGRAM is None:
    raise ImportError("gdal_viewshed is not on the PATH (package gdal-bin)")


def version() -> str:
    return subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, check=False).stdout.split(",")[0]


def view(problem: Problem) -> Task:
    source, target = problem.path("heights.tif"), problem.path("bound.img")
    geotiff.write(source, problem.heights, SPACING_M)
    row, col = problem.camera()
    x, y = SPACING_M * (col + 0.5), SPACING_M * (problem.heights.shape[0] - row - 0.5)
    options = {"-om": "DEM", "-cc": 0, "-oz": CAMERA_ABOVE_M, "-tz": 0, "-ox": x, "-oy": y, "-of": "ENVI"}
    words = [str(PROGRAM), "-q", *(str(word) for pair in options.items() for word in pair), source, target]

    def run() -> object:
        subprocess.run(words, check=True, capture_output=True)
        return target

    def array(result: object) -> object:
        return np.fromfile(str(result), "<f8").reshape(problem.heights.shape)

    return Task(run, "gdal_viewshed -om DEM, process and files", array, files=True)


TASKS = {"view": view}
