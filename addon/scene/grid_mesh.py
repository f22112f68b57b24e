"""Heights as a mesh: a regular grid of quads, written attribute by attribute."""

from __future__ import annotations

import contextlib

import bpy
import numpy as np

from ..compatibility import HAS_MESH_TOPOLOGY_ATTRIBUTES, fill_steps, move_points, put, uv_steps
from ..steps import Ahead, Steps, ready, run
from .grid_primitive import grid_primitive
from .result_folder import HeightGrid

INFERRED, VISIBLE, MOVED = 0, 1, 2
"""Values of the attribute `evidence` (backend/terrain.py has the same): invented, seen, seen but moved."""

UV_NAME = "UVMap"

EDITED = "edited"
"""Attribute: 1 where the artist has moved a point since the terrain was made."""


def grid_points(grid: HeightGrid) -> np.ndarray:
    """float32 (rows * cols, 3): x, y, z of every cell center, row by row from the far left one; z is the height."""
    rows, cols = grid.heights.shape
    points = np.empty((rows, cols, 3), np.float32)
    points[..., 0] = grid.origin_m[0] + grid.dx_m * np.arange(cols)[None, :]
    points[..., 1] = grid.origin_m[1] - grid.dx_m * np.arange(rows)[:, None]
    points[..., 2] = grid.heights
    return points.reshape(-1, 3)


def grid_faces(rows: int, cols: int) -> np.ndarray:
    """int32 (faces, 4): point numbers, counter-clockwise from above, beginning far left, as in `grid_primitive`."""
    col = np.arange(cols - 1, dtype=np.int32)
    first_row = np.stack((col, cols + col, cols + col + 1, col + 1), -1)
    return _rows_of(first_row, np.full_like(first_row, cols), rows - 1).reshape(-1, 4)


def grid_edges(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges int32 (e, 2), those along rows first, and int32 (faces, 4): the edge from each corner to the next."""
    col = np.arange(cols, dtype=np.int32)
    along_row = np.stack((col[:-1], col[1:]), -1)
    to_next_row = np.stack((col, cols + col), -1)
    count = rows * (cols - 1)    # of edges along rows
    edges = np.empty((count + (rows - 1) * cols, 2), np.int32)
    _rows_of(along_row, np.full_like(along_row, cols), rows, edges[:count])
    _rows_of(to_next_row, np.full_like(to_next_row, cols), rows - 1, edges[count:])
    col = col[:-1]
    sides = np.stack((count + col, cols - 1 + col, count + col + 1, col), -1)    # left, near, right, far
    growth = np.broadcast_to(np.array((cols, cols - 1, cols, cols - 1), np.int32), sides.shape)
    return edges, _rows_of(sides, growth, rows - 1).reshape(-1, 4)


def _rows_of(first: np.ndarray, growth: np.ndarray, rows: int, out: np.ndarray | None = None) -> np.ndarray:
    """int32 (rows, first.size): the numbers of the first row, those of the next one higher by `growth`, and so on."""
    numbers = (np.empty((rows, first.size), np.int32) if out is None else out).reshape(rows, first.size)
    np.multiply(np.arange(rows, dtype=np.int32)[:, None], growth.reshape(1, -1), out=numbers)
    numbers += first.reshape(1, -1)
    return numbers


def grid_uv(rows: int, cols: int) -> np.ndarray:
    """float32 (faces * 4, 2): u grows to the right, v away from the camera, 0 to 1 over the grid."""
    u = np.linspace(0, 1, cols, dtype=np.float32)
    v = np.linspace(1, 0, rows, dtype=np.float32)
    row = np.empty((cols - 1, 4, 2), np.float32)
    row[:, :2, 0] = u[:-1, None]
    row[:, 2:, 0] = u[1:, None]
    uv = np.empty((rows - 1, *row.shape), np.float32)
    for number, one in enumerate(uv):    # row by row in the processor's cache: four times as fast as all at once
        row[:, 1:3, 1], row[:, ::3, 1] = v[number + 1], v[number]
        one[:] = row
    return uv.reshape(-1, 2)


def known_part(grid: HeightGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points, faces, edges and face edges of the quads whose four heights are known, and of nothing else."""
    rows, cols = grid.heights.shape
    points, faces = grid_points(grid), grid_faces(rows, cols)
    edges, face_edges = grid_edges(rows, cols)
    if np.isfinite(grid.heights).all():
        return points, faces, edges, face_edges
    known = np.isfinite(grid.heights)
    kept = (known[1:, :-1] & known[1:, 1:] & known[:-1, 1:] & known[:-1, :-1]).ravel()
    faces, face_edges = faces[kept], face_edges[kept]
    used, new_number = _renumbered(faces, len(points))
    used_edges, new_edge = _renumbered(face_edges, len(edges))
    return points[used], new_number[faces], new_number[edges[used_edges]], new_edge[face_edges]


def _renumbered(numbers: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of 0 .. count - 1 occur, bool (count,), and int32 (count,): the new number of each that does."""
    used = np.zeros(count, bool)
    used[numbers] = True
    return used, np.cumsum(used, dtype=np.int32) - 1


def grid_steps(name: str, grid: HeightGrid) -> Steps[bpy.types.Mesh]:
    """Points and quads of the whole grid, smooth shaded. Ended early, no mesh is left."""
    rows, cols = grid.heights.shape
    with Ahead() as soon:
        points = soon(grid_points, grid)
        if HAS_MESH_TOPOLOGY_ATTRIBUTES:
            mesh = grid_primitive(name, rows, cols)
        else:
            mesh, parts = bpy.data.meshes.new(name), (soon(grid_faces, rows, cols), soon(grid_edges, rows, cols))
        try:
            yield
            if HAS_MESH_TOPOLOGY_ATTRIBUTES:
                move_points(mesh, (yield from ready(points)))
                yield
            else:
                yield from fill_steps(mesh, points, *parts)
        except BaseException:
            discard(mesh)
            raise
    return mesh


def terrain_steps(name: str, grid: HeightGrid, evidence: np.ndarray) -> Steps[bpy.types.Mesh]:
    """The final mesh with UV map and the attributes height, evidence, visible, inferred, moved and edited.

    Numbers are prepared in a thread of their own; each step hands some of them to Blender. Ended early, no mesh is left.
    """
    rows, cols = grid.heights.shape
    with Ahead() as soon:
        uv = soon(grid_uv, rows, cols)
        is_seen = soon(np.not_equal, evidence, INFERRED)
        layers = {
            "height": ("FLOAT", soon(np.ravel, grid.heights)),
            "evidence": ("INT", soon(evidence.astype, np.int32)),
            "visible": ("FLOAT", soon(lambda: is_seen.result().astype(np.float32))),
            "inferred": ("FLOAT", soon(lambda: (~is_seen.result()).astype(np.float32))),
            "moved": ("FLOAT", soon(lambda: (evidence == MOVED).astype(np.float32))),
            EDITED: ("FLOAT", soon(np.zeros, evidence.shape, np.float32)),
        }
        mesh = yield from grid_steps(name, grid)
        try:
            corners = yield from ready(uv)
            yield from uv_steps(mesh, UV_NAME, corners)
            for layer, (kind, values) in layers.items():
                put(mesh, layer, kind, "POINT", "value", (yield from ready(values)))
                yield
        except BaseException:
            discard(mesh)
            raise
    return mesh


def terrain_mesh(name: str, grid: HeightGrid, evidence: np.ndarray) -> bpy.types.Mesh:
    """The same at once."""
    return run(terrain_steps(name, grid, evidence))


def draft_steps(name: str, grid: HeightGrid) -> Steps[bpy.types.Mesh]:
    """A bare mesh of the part of the grid that is known so far. Ended early, no mesh is left."""
    with Ahead() as soon:
        points, faces, *edges = yield from ready(soon(known_part, grid))
        mesh = bpy.data.meshes.new(name)
        try:
            if len(faces):
                yield from fill_steps(mesh, *(soon(lambda part=part: part) for part in (points, faces, edges)))
        except BaseException:
            discard(mesh)
            raise
    return mesh


def draft_mesh(name: str, grid: HeightGrid) -> bpy.types.Mesh:
    """The same at once."""
    return run(draft_steps(name, grid))


def move_draft(mesh: bpy.types.Mesh, grid: HeightGrid) -> bool:
    """Put new heights into a draft of the same whole grid. Returns False, and does nothing, when it is another one."""
    if len(mesh.vertices) != grid.heights.size or not np.isfinite(grid.heights).all():
        return False
    move_points(mesh, grid_points(grid))
    return True


def discard(mesh: bpy.types.Mesh) -> None:
    """Remove a mesh that nothing uses, unless an undo already has."""
    with contextlib.suppress(ReferenceError):
        bpy.data.meshes.remove(mesh)
