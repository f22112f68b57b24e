"""Slope and flow of the finished ground as attributes, for scattering and painting, from a job's folder."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..compatibility import put
from ..steps import Ahead, Steps, ready

ANALYSIS = "analysis.npy"
LAYERS = ("slope", "flow")
"""The file in a job's folder, its layers and names of the attributes (backend/surface/analysis.py has the same)."""


def analysis_steps(mesh: bpy.types.Mesh, folder: Path, shape: tuple[int, int]) -> Steps[None]:
    """Put slope and flow of a job's folder onto its mesh; nothing where the folder has none that fit."""
    with Ahead() as soon:
        layers = yield from ready(soon(read_analysis, folder / ANALYSIS, shape))
        if layers is not None:
            yield from put_steps(mesh, layers)


def read_analysis(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """float32 (2, rows, cols); None where the file is missing, damaged or of another grid. Touches no bpy."""
    try:
        layers = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return layers if layers.dtype == np.float32 and layers.shape == (len(LAYERS), *shape) else None


def put_steps(mesh: bpy.types.Mesh, layers: np.ndarray) -> Steps[None]:
    """Write both, one at a time."""
    for name, layer in zip(LAYERS, layers, strict=True):
        put(mesh, name, "FLOAT", "POINT", "value", layer)
        yield
