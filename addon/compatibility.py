"""The one module that knows how Blender's versions differ (3.4 to 5.x)."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

VERSION = tuple(bpy.app.version)

HAS_MESH_TOPOLOGY_ATTRIBUTES = VERSION >= (4, 1, 0)
"""`.corner_vert`, `.corner_edge`, `.edge_verts` and `position` can be written as attributes."""


PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if VERSION >= (4, 5, 0) else set()
"""For path properties: "//" at the beginning means the folder of the .blend file. Earlier Blenders need not be told."""


def user_folder(package: str) -> Path:
    """A folder for this add-on's own files that survives its updates; made when it is not there. Raises OSError.

    package: the whole name of the package in which Blender finds the add-on.
    """
    if package.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(package, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path="photo_to_terrain", create=True))


def put(mesh: bpy.types.Mesh, name: str, kind: str, domain: str, field: str, values: np.ndarray) -> None:
    """Write one attribute. `values` is flattened; it must already be of the attribute's type to be quick."""
    layer = mesh.attributes.get(name) or mesh.attributes.new(name, kind, domain)
    layer.data.foreach_set(field, np.ascontiguousarray(values).ravel())


def fill_mesh(mesh: bpy.types.Mesh, points: np.ndarray, faces: np.ndarray, edges: np.ndarray,
              face_edges: np.ndarray) -> None:
    """Give an empty mesh its points and quads, smooth shaded.

    points: float32 (n, 3).   faces: int32 (f, 4), counter-clockwise from outside.   edges: int32 (e, 2), each once.
    face_edges: int32 (f, 4), the edge from each corner to the next.
    """
    mesh.vertices.add(len(points))
    mesh.loops.add(faces.size)
    mesh.polygons.add(len(faces))
    starts = np.arange(0, faces.size, 4, dtype=np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        mesh.edges.add(len(edges))
        put(mesh, "position", "FLOAT_VECTOR", "POINT", "vector", points)
        put(mesh, ".corner_vert", "INT", "CORNER", "value", faces)
        put(mesh, ".corner_edge", "INT", "CORNER", "value", face_edges)
        put(mesh, ".edge_verts", "INT32_2D", "EDGE", "value", edges)
        mesh.shade_smooth()
        mesh.update()
        return
    mesh.polygons.foreach_set("loop_total", np.full(len(faces), 4, np.int32))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(points).ravel())
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces).ravel())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update(calc_edges=True)


def move_points(mesh: bpy.types.Mesh, points: np.ndarray) -> None:
    """Give the points of a mesh new places. points: float32 (n, 3) for all of them."""
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        put(mesh, "position", "FLOAT_VECTOR", "POINT", "vector", points)
    else:
        mesh.vertices.foreach_set("co", np.ascontiguousarray(points).ravel())
    mesh.update()


def points_of(mesh: bpy.types.Mesh) -> np.ndarray:
    """float32 (n, 3): the places of a mesh's points."""
    points = np.empty(3 * len(mesh.vertices), np.float32)
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        mesh.attributes["position"].data.foreach_get("vector", points)
    else:
        mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def put_uv(mesh: bpy.types.Mesh, name: str, uv: np.ndarray) -> None:
    """Write a UV map. uv: float32 (corners, 2)."""
    if not mesh.uv_layers.get(name):
        mesh.uv_layers.new(name=name, do_init=False)
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        mesh.attributes[name].data.foreach_set("vector", np.ascontiguousarray(uv).ravel())
    else:
        mesh.uv_layers[name].data.foreach_set("uv", np.ascontiguousarray(uv).ravel())


def node_tree_of(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The owner's empty node tree."""
    if VERSION < (5, 0, 0):    # later every material and world has nodes and the switch only warns
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree


def draw_progress(layout: bpy.types.UILayout, fraction: float) -> None:
    """A progress bar, 0 to 1."""
    if VERSION >= (4, 0, 0):
        layout.progress(factor=fraction, text=f"{100 * fraction:.0f} %")
        return
    row = layout.row()
    row.enabled = False
    row.prop(bpy.context.window_manager, "photo_to_terrain_percent", text="", slider=True)
