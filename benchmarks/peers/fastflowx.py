"""fastflowx (CUDA, PyTorch): the release of FastFlow and GPU-Breach by their authors; 4 neighbors, square grids.

Its license allows research and evaluation, not commercial use: it is measured here and nothing of it is used.
"""

from __future__ import annotations

from importlib.metadata import version as installed

import fastflow
import torch

from .problem import EPSILON_M, Problem, Task

DEVICE = "cuda"


def version() -> str:
    return f"fastflowx {installed('fastflowx')} on {torch.cuda.get_device_name()}"


def timed(problem: Problem, name: str, note: str, **options: object) -> Task:
    heights = torch.from_numpy(problem.heights).cuda()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def run() -> object:
        begin.record()
        result = getattr(fastflow, name)(heights, seed=0, **options)
        end.record()
        torch.cuda.synchronize()
        return result

    return Task(run, note, lambda result: result.cpu().numpy(), lambda: begin.elapsed_time(end) / 1000.0)  # type: ignore[attr-defined]


def breach(problem: Problem) -> Task:
    return timed(problem, "breach_depressions", "D4, random receivers", eps=EPSILON_M)


def fill(problem: Problem) -> Task:
    return timed(problem, "fill_depressions", "D4")


def accumulate(problem: Problem) -> Task:
    return timed(problem, "drainage_area", "D4, routing included", dx=1.0)


TASKS = {"breach": breach, "fill": fill, "accumulate": accumulate}
