"""NumPy and SciPy as everyone would write it: what a kernel has to beat to be worth its lines."""

from __future__ import annotations

import numpy as np
import scipy
from scipy import ndimage

from .problem import SPACING_M, Problem, Task


def version() -> str:
    return f"SciPy {scipy.__version__}, NumPy {np.__version__}"


def laplacian(problem: Problem) -> Task:
    return Task(lambda: ndimage.laplace(problem.heights) / np.float32(SPACING_M**2), "ndimage.laplace")


def points(problem: Problem) -> Task:
    x, y, z = problem.points()

    def run() -> object:
        top = np.full(problem.heights.shape, -np.inf, np.float32)
        np.maximum.at(top, (y.astype(np.int32), x.astype(np.int32)), z)
        return top

    return Task(run, "NumPy's maximum.at")


TASKS = {"laplacian": laplacian, "points": points}
