"""The mesh is the height grid: exactly, with faces that look up and attributes that fit."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


@pytest.fixture
def parts(scene, part):
    return part("scene.grid_mesh"), part("scene.result_folder").HeightGrid


@pytest.fixture
def mesh(parts, rough_heights):
    grid_mesh, HeightGrid = parts
    evidence = (np.arange(rough_heights.size) % 3).astype(np.uint8).reshape(rough_heights.shape)
    return grid_mesh.terrain_mesh("Test", HeightGrid(rough_heights, 5.0, (-150.0, 900.0)), evidence)


def read(sequence, name: str, kind: type, width: int = 1) -> np.ndarray:
    values = np.empty(len(sequence) * width, kind)
    sequence.foreach_get(name, values)
    return values.reshape(-1, width) if width > 1 else values


def test_points_are_the_heights_exactly(mesh, rough_heights):
    points = read(mesh.vertices, "co", np.float32, 3).reshape(*rough_heights.shape, 3)
    assert np.array_equal(points[..., 2], rough_heights)
    assert points[0, 0, 0] == -150 and points[0, 0, 1] == 900          # far left
    assert points[-1, -1, 0] == -150 + 59 * 5 and points[-1, -1, 1] == 900 - 39 * 5


def test_blender_finds_nothing_to_repair(mesh):
    assert not mesh.validate(verbose=True)


def test_no_loose_or_doubled_parts(mesh, rough_heights):
    rows, cols = rough_heights.shape
    assert len(mesh.polygons) == (rows - 1) * (cols - 1)
    assert len(mesh.edges) == rows * (cols - 1) + (rows - 1) * cols
    edges = np.sort(read(mesh.edges, "vertices", np.int32, 2), axis=1)
    assert len(np.unique(edges, axis=0)) == len(edges)
    corners = read(mesh.loops, "vertex_index", np.int32)
    assert len(np.unique(corners)) == len(mesh.vertices)


def test_each_corner_knows_its_edge(mesh):
    corners = read(mesh.loops, "vertex_index", np.int32).reshape(-1, 4)
    edges = read(mesh.edges, "vertices", np.int32, 2)[read(mesh.loops, "edge_index", np.int32)].reshape(-1, 4, 2)
    wanted = np.stack((corners, np.roll(corners, -1, axis=1)), -1)
    assert np.array_equal(np.sort(edges, -1), np.sort(wanted, -1))


def test_faces_look_up_and_are_smooth(mesh):
    normals = read(mesh.polygons, "normal", np.float32, 3)
    assert (normals[:, 2] > 0).all()
    assert read(mesh.polygons, "use_smooth", bool).all()


def test_faces_are_those_that_uv_maps_are_made_for(mesh, parts, rough_heights):
    """Blender's grid primitive has the same corners in the same order as `grid_faces`."""
    corners = read(mesh.loops, "vertex_index", np.int32).reshape(-1, 4)
    assert np.array_equal(corners, parts[0].grid_faces(*rough_heights.shape))


def test_nothing_else_is_left(mesh):
    assert not mesh.materials and not bpy.data.node_groups and not bpy.data.objects
    assert len(bpy.data.scenes) == 1 and len(bpy.data.meshes) == 1


def test_attributes(mesh, rough_heights):
    values = {}
    kinds = {"height": np.float32, "evidence": np.int32, "visible": np.float32, "inferred": np.float32, "moved": np.float32,
             "edited": np.float32}
    for name, kind in kinds.items():
        layer = mesh.attributes[name]
        assert layer.domain == "POINT"
        values[name] = read(layer.data, "value", kind)
    assert np.array_equal(values["height"], rough_heights.ravel())
    assert np.array_equal(values["evidence"], np.arange(rough_heights.size) % 3)
    assert np.array_equal(values["visible"], values["evidence"] > 0)
    assert np.array_equal(values["moved"], values["evidence"] == 2) and not values["edited"].any()
    assert np.array_equal(values["inferred"] + values["visible"], np.ones(rough_heights.size))


def test_uv_covers_the_unit_square(mesh, rough_heights):
    uv = read(mesh.uv_layers["UVMap"].data, "uv", np.float32, 2)
    points = read(mesh.vertices, "co", np.float32, 3)[read(mesh.loops, "vertex_index", np.int32)]
    span = points.max(axis=0) - points.min(axis=0)
    assert np.allclose(uv, ((points - points.min(axis=0)) / span)[:, :2], atol=1e-5)


def test_draft_leaves_unknown_ground_out(parts, rough_heights):
    grid_mesh, HeightGrid = parts
    holed = rough_heights.copy()
    holed[:10] = np.nan
    holed[20, 30] = np.nan
    mesh = grid_mesh.draft_mesh("Draft", HeightGrid(holed, 5.0, (0.0, 0.0)))
    assert not mesh.validate()
    assert len(mesh.polygons) == 29 * 59 - 4
    assert len(np.unique(read(mesh.loops, "vertex_index", np.int32))) == len(mesh.vertices)
    assert np.isfinite(read(mesh.vertices, "co", np.float32, 3)).all()


def test_draft_of_nothing_is_empty(parts):
    grid_mesh, HeightGrid = parts
    mesh = grid_mesh.draft_mesh("Draft", HeightGrid(np.full((9, 9), np.nan, np.float32), 5.0, (0.0, 0.0)))
    assert len(mesh.vertices) == 0


def test_draft_moves_in_place(parts, rough_heights):
    grid_mesh, HeightGrid = parts
    mesh = grid_mesh.draft_mesh("Draft", HeightGrid(rough_heights, 5.0, (0.0, 0.0)))
    assert grid_mesh.move_draft(mesh, HeightGrid(rough_heights + 7, 5.0, (0.0, 0.0)))
    assert np.array_equal(read(mesh.vertices, "co", np.float32, 3)[:, 2], (rough_heights + 7).ravel())
    assert not grid_mesh.move_draft(mesh, HeightGrid(rough_heights[:-1], 5.0, (0.0, 0.0)))


def test_coarse_keeps_places(parts):
    _, HeightGrid = parts
    heights = np.arange(1000 * 700, dtype=np.float32).reshape(1000, 700)
    coarse = HeightGrid(heights, 4.0, (3.0, 5.0)).coarse(512)
    assert coarse.heights.shape == (500, 350) and coarse.dx_m == 8.0
    assert coarse.heights[10, 20] == heights[20, 40]
