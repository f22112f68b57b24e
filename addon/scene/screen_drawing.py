"""Colored lines and triangles over a view, in pixels of its region."""

from __future__ import annotations

import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader


def draw_lines(points: np.ndarray, colors: np.ndarray, width_px: float) -> None:
    """Segments. points: (2 M, 2), both ends of each.   colors: (2 M, 4), 0 to 1."""
    shader = gpu.shader.from_builtin("POLYLINE_SMOOTH_COLOR")
    shader.bind()
    shader.uniform_float("viewportSize", tuple(gpu.state.viewport_get())[2:])
    shader.uniform_float("lineWidth", width_px)
    _draw(shader, "LINES", points, colors)


def draw_triangles(points: np.ndarray, colors: np.ndarray) -> None:
    """Triangles. points: (3 M, 2).   colors: (3 M, 4), 0 to 1."""
    _draw(gpu.shader.from_builtin("SMOOTH_COLOR"), "TRIS", points, colors)


def _draw(shader: gpu.types.GPUShader, kind: str, points: np.ndarray, colors: np.ndarray) -> None:
    if not len(points):
        return
    flat = np.zeros((len(points), 3), np.float32)
    flat[:, :2] = points
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, kind, {"pos": flat, "color": np.ascontiguousarray(colors, np.float32)}).draw(shader)
    gpu.state.blend_set("NONE")
