"""datashader: points and triangles to a grid, the highest a cell, compiled by Numba."""

from __future__ import annotations

from importlib.metadata import version as installed

import datashader as shader
import numpy as np
import pandas as pd

from .problem import Problem, Task


def version() -> str:
    return f"datashader {installed('datashader')}"


def canvas(problem: Problem) -> shader.Canvas:
    rows, cols = problem.heights.shape
    return shader.Canvas(cols, rows, x_range=(0, cols), y_range=(0, rows))


def as_array(result: object) -> object:
    return np.asarray(getattr(result, "values", result))


def points(problem: Problem) -> Task:
    x, y, z = problem.points()
    table = pd.DataFrame({"x": x, "y": y, "z": z})
    target = canvas(problem)
    return Task(lambda: target.points(table, "x", "y", shader.max("z")), "Canvas.points, max", as_array)


def triangles(problem: Problem) -> Task:
    x, y, z = problem.surface()
    corner = np.arange(x.size).reshape(x.shape)
    a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
    c, d = corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    corners = pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "z": z.ravel().astype(float)})
    faces = pd.DataFrame(faces, columns=["v0", "v1", "v2"])
    mesh = shader.utils.mesh(corners, faces)
    target = canvas(problem)
    run = lambda: target.trimesh(corners, faces, mesh=mesh, agg=shader.max("z"))  # noqa: E731
    return Task(run, "Canvas.trimesh, max; its mesh is made outside of the time", as_array)


TASKS = {"points": points, "triangles": triangles}
