"""Heights as a mesh: a regular grid of quads, written attribute by attribute."""

from __future__ import annotations

import bpy
import numpy as np

from ..compatibility import fill_mesh, move_points, put, put_uv
from .result_folder import HeightGrid

INFERRED, VISIBLE, MOVED = 0, 1, 2
"""Values of the attribute `evidence` (backend/terrain.py has the same): invented, seen, seen but moved."""

UV_NAME = "UVMap"


def grid_points(grid: HeightGrid) -> np.ndarray:
    """float32 (rows * cols, 3): x, y, z of every cell center, row by row from the far left one; z is the height."""
    rows, cols = grid.heights.shape
    points = np.empty((rows, cols, 3), np.float32)
    points[..., 0] = grid.origin_m[0] + grid.dx_m * np.arange(cols)[None, :]
    points[..., 1] = grid.origin_m[1] - grid.dx_m * np.arange(rows)[:, None]
    points[..., 2] = grid.heights
    return points.reshape(-1, 3)


def grid_faces(rows: int, cols: int) -> np.ndarray:
    """int32 (faces, 4): point numbers, counter-clockwise from above, beginning near left."""
    number = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)
    corners = (number[1:, :-1], number[1:, 1:], number[:-1, 1:], number[:-1, :-1])
    return np.stack(corners, -1).reshape(-1, 4)


def grid_edges(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges int32 (e, 2), those along rows first, and int32 (faces, 4): the edge from each corner to the next."""
    number = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)
    along_rows = np.stack((number[:, :-1], number[:, 1:]), -1).reshape(-1, 2)
    along_cols = np.stack((number[:-1], number[1:]), -1).reshape(-1, 2)
    row_edge = np.arange(len(along_rows), dtype=np.int32).reshape(rows, cols - 1)
    col_edge = len(along_rows) + np.arange(len(along_cols), dtype=np.int32).reshape(rows - 1, cols)
    sides = (row_edge[1:], col_edge[:, 1:], row_edge[:-1], col_edge[:, :-1])    # near, right, far, left
    return np.concatenate((along_rows, along_cols)), np.stack(sides, -1).reshape(-1, 4)


def grid_uv(rows: int, cols: int) -> np.ndarray:
    """float32 (faces * 4, 2): u grows to the right, v away from the camera, 0 to 1 over the grid."""
    u = np.linspace(0, 1, cols, dtype=np.float32)
    v = np.linspace(1, 0, rows, dtype=np.float32)
    uv = np.empty((rows - 1, cols - 1, 4, 2), np.float32)
    uv[..., 0, 0] = uv[..., 3, 0] = u[None, :-1]
    uv[..., 1, 0] = uv[..., 2, 0] = u[None, 1:]
    uv[..., 0, 1] = uv[..., 1, 1] = v[1:, None]
    uv[..., 2, 1] = uv[..., 3, 1] = v[:-1, None]
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


def terrain_mesh(name: str, grid: HeightGrid, evidence: np.ndarray) -> bpy.types.Mesh:
    """The final mesh with UV map and the attributes height, evidence, visible and inferred."""
    rows, cols = grid.heights.shape
    mesh = bpy.data.meshes.new(name)
    fill_mesh(mesh, grid_points(grid), grid_faces(rows, cols), *grid_edges(rows, cols))
    put_uv(mesh, UV_NAME, grid_uv(rows, cols))
    put(mesh, "height", "FLOAT", "POINT", "value", grid.heights)
    put(mesh, "evidence", "INT", "POINT", "value", evidence.astype(np.int32))
    put(mesh, "visible", "FLOAT", "POINT", "value", (evidence != INFERRED).astype(np.float32))
    put(mesh, "inferred", "FLOAT", "POINT", "value", (evidence == INFERRED).astype(np.float32))
    return mesh


def draft_mesh(name: str, grid: HeightGrid) -> bpy.types.Mesh:
    """A bare mesh of the part of the grid that is known so far."""
    mesh = bpy.data.meshes.new(name)
    parts = known_part(grid)
    if len(parts[1]):
        fill_mesh(mesh, *parts)
    return mesh


def move_draft(mesh: bpy.types.Mesh, grid: HeightGrid) -> bool:
    """Put new heights into a draft of the same whole grid. Returns False, and does nothing, when it is another one."""
    if len(mesh.vertices) != grid.heights.size or not np.isfinite(grid.heights).all():
        return False
    move_points(mesh, grid_points(grid))
    return True
