"""The one module that knows how Blender's versions differ (3.4 to 5.x)."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import bpy
import numpy as np

from .steps import Steps, ready, run

VERSION = tuple(bpy.app.version)

HAS_MESH_TOPOLOGY_ATTRIBUTES = VERSION >= (4, 1, 0)
"""`.corner_vert`, `.corner_edge`, `.edge_verts` and `position` can be written as attributes."""


HAS_DETAIL_NODES = VERSION >= (4, 2, 0)
"""Node groups can make UV maps and keep several fields; tried from here on."""


ADAPTIVE_IS_REGULAR = VERSION >= (5, 0, 0)
"""Adaptive subdivision is a choice of the modifier, not an experiment of Cycles."""


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


def fill_steps(mesh: bpy.types.Mesh, points: Future[np.ndarray], faces: Future[np.ndarray],
               edges: Future[tuple[np.ndarray, np.ndarray]]) -> Steps[None]:
    """Give an empty mesh its points and quads, smooth shaded, a call or two of Blender at a time.

    Everything is told and nothing left to be found out, because Blender would do that in one long call.
    points: float32 (n, 3).   faces: int32 (f, 4), counter-clockwise from outside.   edges: int32 (e, 2), each once, and
    int32 (f, 4), the edge from each corner to the next.
    """
    places = yield from ready(points)
    mesh.vertices.add(len(places))
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        put(mesh, "position", "FLOAT_VECTOR", "POINT", "vector", places)
    else:
        mesh.vertices.foreach_set("co", np.ascontiguousarray(places).ravel())
    yield
    corners = yield from ready(faces)
    mesh.loops.add(corners.size)
    yield
    mesh.polygons.add(len(corners))
    starts = np.arange(0, corners.size, 4, dtype=np.int32)
    yield
    mesh.polygons.foreach_set("loop_start", starts)    # the longest one: Blender sets them one by one
    yield
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        put(mesh, ".corner_vert", "INT", "CORNER", "value", corners)
    else:
        mesh.polygons.foreach_set("loop_total", np.full(len(corners), 4, np.int32))
        yield
        mesh.loops.foreach_set("vertex_index", corners.ravel())
    yield
    ends, sides = yield from ready(edges)
    mesh.edges.add(len(ends))
    yield
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        put(mesh, ".edge_verts", "INT32_2D", "EDGE", "value", ends)
        put(mesh, ".corner_edge", "INT", "CORNER", "value", sides)
        yield
        mesh.shade_smooth()
    else:
        mesh.edges.foreach_set("vertices", ends.ravel())
        yield
        mesh.loops.foreach_set("edge_index", sides.ravel())
        yield
        mesh.polygons.foreach_set("use_smooth", np.ones(len(corners), bool))
    yield
    mesh.update()
    yield


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


def uv_steps(mesh: bpy.types.Mesh, name: str, uv: np.ndarray) -> Steps[None]:
    """Write a UV map: make it, then fill it. uv: float32 (corners, 2)."""
    if not mesh.uv_layers.get(name):
        mesh.uv_layers.new(name=name, do_init=False)
        yield
    if HAS_MESH_TOPOLOGY_ATTRIBUTES:
        mesh.attributes[name].data.foreach_set("vector", np.ascontiguousarray(uv).ravel())
    else:
        mesh.uv_layers[name].data.foreach_set("uv", np.ascontiguousarray(uv).ravel())
    yield


def put_uv(mesh: bpy.types.Mesh, name: str, uv: np.ndarray) -> None:
    """Write a UV map at once. uv: float32 (corners, 2)."""
    run(uv_steps(mesh, name, uv))


def node_tree_of(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The owner's empty node tree."""
    if VERSION < (5, 0, 0):    # later every material and world has nodes and the switch only warns
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree


def add_socket(tree: bpy.types.NodeTree, name: str, kind: str, value: float | None = None, low: float = 0.0, high: float = 0.0,
               is_output: bool = False) -> None:
    """Give a node group an input, or an output. kind: of the socket.   value, low, high: default and limits of a number."""
    if VERSION >= (4, 0, 0):
        socket = tree.interface.new_socket(name, in_out="OUTPUT" if is_output else "INPUT", socket_type=kind)
    else:
        socket = (tree.outputs if is_output else tree.inputs).new(kind, name)
    if value is not None:
        socket.default_value, socket.min_value, socket.max_value = value, low, high


def input_key(modifier: bpy.types.NodesModifier, name: str) -> str:
    """Under which name a modifier keeps the value of its group's input. Raises StopIteration when there is none of this name."""
    tree = modifier.node_group
    if VERSION >= (4, 0, 0):
        return next(i.identifier for i in tree.interface.items_tree
                    if i.item_type == "SOCKET" and i.in_out == "INPUT" and i.name == name)
    return next(i.identifier for i in tree.inputs if i.name == name)


def modifier_input(modifier: bpy.types.NodesModifier, name: str) -> float:
    """The number at an input of a modifier's node group."""
    return modifier[input_key(modifier, name)]


def set_modifier_input(modifier: bpy.types.NodesModifier, name: str, value: float) -> None:
    """Set it, and let the object be worked out anew."""
    modifier[input_key(modifier, name)] = value
    modifier.id_data.update_tag()


def set_displaced(material: bpy.types.Material, wanted: bool) -> None:
    """Whether a material's displacement moves the ground and shades it, or only shades it."""
    owner = material if VERSION >= (4, 1, 0) else material.cycles
    owner.displacement_method = "BOTH" if wanted else "BUMP"


def draw_progress(layout: bpy.types.UILayout, fraction: float) -> None:
    """A progress bar, 0 to 1."""
    if VERSION >= (4, 0, 0):
        layout.progress(factor=fraction, text=f"{100 * fraction:.0f} %")
        return
    row = layout.row()
    row.enabled = False
    row.prop(bpy.context.window_manager, "photo_to_terrain_percent", text="", slider=True)
