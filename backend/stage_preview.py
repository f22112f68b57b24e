"""What the add-on gets to see of a running job: the heights of a stage, on the disk, and a message that says where and what."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np

from . import backdrop, outputs, report
from .contract.settings import TerrainSettings
from .contract.stages import StageInfo
from .formats.heightmap import write_npy
from .runner import Done
from .scene import VisibleTerrain
from .terrain import EVIDENCE_INFERRED, EVIDENCE_VISIBLE, Grid, Terrain

_preview_number = itertools.count(1)


def write_preview(folder: Path, stage: StageInfo, done: Done, settings: TerrainSettings) -> dict[str, Any]:
    """Leave a stage's heights as .npy in the job's folder and say where and what they are (the wire's `preview`).

    Only `visible` holds NaN, where nothing is known yet. Every other one is a whole terrain: it comes with its evidence as far
    as that is known and with a report, so that the artist can be content with it. Raises OutputNotWritable.
    """
    result, visible = done[stage.name], done["visible"]
    heights: np.ndarray = result if isinstance(result, np.ndarray) else result.heights
    factor = len(heights) // visible.grid.rows    # polishing and regions may work on a finer grid
    grid: Grid = visible.grid.refined(factor)
    heights = heights.astype(np.float32, copy=False)
    path = folder / outputs.CACHE_FOLDER / f"preview-{stage.name}-{os.getpid()}-{next(_preview_number)}.npy"
    camera = report.camera_values(visible.camera, grid, heights)
    values: dict[str, Any] = {"stage": stage.name, "heights": str(path), **report.grid_values(grid), "camera": camera}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)    # somebody may have tidied up
        write_npy(path, heights)
        values["backdrop"] = str(backdrop.provide(folder / outputs.CACHE_FOLDER, done["picture"]))
        if np.isfinite(heights).all():
            evidence = result.layers["evidence"] if isinstance(result, Terrain) else evidence_of(visible, factor)
            beside = path.with_name(f"{path.stem}-evidence.npy")
            write_npy(beside, evidence.astype(np.uint8, copy=False))
            values |= {"evidence": str(beside),
                       "report": report.unfinished(done["picture"], done["camera"], grid, heights, settings, stage.name)}
    except OSError as problem:
        raise outputs.not_writable(folder, problem) from problem
    return report.without_nan(values)


def evidence_of(visible: VisibleTerrain, factor: int = 1) -> np.ndarray:
    """uint8 (rows, cols), on a grid `factor` times finer: seen or invented, while nothing seen has been moved yet."""
    evidence = np.where(visible.mask & ~visible.silhouette, EVIDENCE_VISIBLE, EVIDENCE_INFERRED).astype(np.uint8)
    return np.repeat(np.repeat(evidence, factor, 0), factor, 1)
