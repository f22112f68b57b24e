"""fastscapelib (C++): routing over a minimum spanning tree of basins (Cordonnier 2019), filling by priority-flood.

It routes but does not carve: the sweep that lowers cells along its receivers is ours, compiled by Numba.
"""

from __future__ import annotations

import fastscapelib
import numba
import numpy as np

from .problem import EPSILON_M, SPACING_M, Problem, Task

_grids: list[object] = []  # a FlowGraph does not keep its grid alive


def version() -> str:
    return f"fastscapelib {fastscapelib.__version__}"


def graph(heights: np.ndarray, *operators: object) -> fastscapelib.FlowGraph:
    grid = fastscapelib.RasterGrid(heights.shape, (SPACING_M, SPACING_M), fastscapelib.NodeStatus.FIXED_VALUE)
    _grids.append(grid)
    return fastscapelib.FlowGraph(grid, list(operators))


def carving_graph(heights: np.ndarray) -> fastscapelib.FlowGraph:
    method, route = fastscapelib.MSTMethod.KRUSKAL, fastscapelib.MSTRouteMethod.CARVE
    return graph(heights, fastscapelib.SingleFlowRouter(), fastscapelib.MSTSinkResolver(method, route))


@numba.njit
def lower_along(heights, order, receivers, drop):
    """Every cell's receiver at least `drop` below it; `order` lists receivers before what drains to them."""
    for k in range(order.size - 1, -1, -1):
        cell = order[k]
        target = receivers[cell, 0]
        if target != cell and heights[target] > heights[cell] - drop:
            heights[target] = heights[cell] - drop
    return heights


def breach(problem: Problem) -> Task:
    routes, heights = carving_graph(problem.heights), problem.heights.astype(np.float64)

    def run() -> object:
        routes.update_routes(heights)
        inner = routes.impl()
        lowered = lower_along(heights.ravel().copy(), inner.dfs_indices, inner.receivers, EPSILON_M)
        return lowered.reshape(heights.shape).astype(np.float32)

    return Task(run, "spanning tree (Kruskal), carve; the sweep is ours")


def fill(problem: Problem) -> Task:
    routes = graph(problem.heights, fastscapelib.PFloodSinkResolver(), fastscapelib.SingleFlowRouter())
    heights = problem.heights.astype(np.float64)
    return Task(lambda: routes.update_routes(heights), "priority-flood, float64, with directions")


def accumulate(problem: Problem) -> Task:
    routes, heights = carving_graph(problem.heights), problem.heights.astype(np.float64)

    def run() -> object:
        routes.update_routes(heights)
        return routes.accumulate(1.0)

    return Task(run, "spanning tree (Kruskal), carve")


TASKS = {"breach": breach, "fill": fill, "accumulate": accumulate}
