"""The terrain's two modifiers: fewer points in the viewport, and how much of the artist's own edits counts.

The mesh itself holds every point at its exact height, so that it can be sculpted and rendered as it is. Both modifiers are
plain node groups in the file: it looks and renders the same without the add-on.

- *Viewport Detail* shows every n-th row and column in the viewport, in Object Mode; renders never see it.
- *Edits* lays the heights between those made (attribute `height`) and those sculpted. At 1 it is switched off.
"""

from __future__ import annotations

import contextlib
import math

import bpy
from bpy.app.handlers import persistent

from ..compatibility import HAS_DETAIL_NODES, add_socket, modifier_input, set_modifier_input
from ..steps import Steps
from .field_nodes import FieldGraph
from .grid_mesh import EDITED, UV_NAME
from .projection import CAMERA_UV

DETAIL, EDITS = "Viewport Detail", "Edits"
"""Names of the modifiers."""

MODIFIER_GROUPS = DETAIL_GROUP, EDITS_GROUP = "Terrain Viewport Detail", "Terrain Edits"
"""Their node groups, shared by all terrains of a file."""

ROWS, COLUMNS, STEP = "Rows", "Columns", "Every"
"""Inputs of the detail's group. Every: 1 all points, 2 every second row and column, and so on; 0 is automatic."""

AMOUNT = "Amount"

MOST_SHOWN = 1 << 20
"""Automatic detail shows at most about so many points."""

POINT_LAYERS = ("height", "evidence", "visible", "inferred", "moved", EDITED, "slope", "flow", "photo", "facing", "rock",
                "scree", "snow_hold")
CORNER_LAYERS = (UV_NAME, CAMERA_UV)


def modifier_steps(terrain: bpy.types.Object, rows: int, cols: int) -> Steps[None]:
    """Give a new terrain its modifiers. Blender before 4.2 always shows all points.

    In steps: Blender looks at a whole node group after each new link, 0.14 s in all for the first terrain of a file.
    """
    group = edits_group()
    yield
    edits = terrain.modifiers.new(EDITS, "NODES")
    edits.node_group = group
    edits.show_expanded = False
    yield
    if HAS_DETAIL_NODES:
        group = yield from detail_steps()
        detail = terrain.modifiers.new(DETAIL, "NODES")
        detail.node_group = group
        detail.show_render = detail.show_expanded = False
        for name, value in ((ROWS, rows), (COLUMNS, cols), (STEP, 0)):
            set_modifier_input(detail, name, value)
    suit_mode(terrain)


def detail_of(terrain: bpy.types.Object) -> int | None:
    """0 automatic, else every how-manieth row and column the viewport shows; None where the modifier is gone."""
    modifier = our_modifier(terrain, DETAIL)
    return None if modifier is None else int(modifier_input(modifier, STEP))


def set_detail(terrain: bpy.types.Object, step: int) -> None:
    """Choose it; nothing happens where the modifier is gone."""
    modifier = our_modifier(terrain, DETAIL)
    if modifier is not None:
        set_modifier_input(modifier, STEP, step)
        suit_mode(terrain)


def shown_step(terrain: bpy.types.Object) -> int:
    """Every how-manieth row and column the viewport shows in Object Mode."""
    modifier = our_modifier(terrain, DETAIL)
    if modifier is None:
        return 1
    step = int(modifier_input(modifier, STEP))
    return step or automatic_step(int(modifier_input(modifier, ROWS)), int(modifier_input(modifier, COLUMNS)))


def automatic_step(rows: int, cols: int) -> int:
    """The least step with which about MOST_SHOWN points are left."""
    return max(1, math.ceil(math.sqrt(rows * cols / MOST_SHOWN)))


def edits_of(terrain: bpy.types.Object) -> float:
    """How much of the sculpted heights counts, 0 to 1."""
    modifier = our_modifier(terrain, EDITS)
    return 1.0 if modifier is None else float(modifier_input(modifier, AMOUNT))


def set_edits(terrain: bpy.types.Object, amount: float) -> None:
    """Choose it; nothing happens where the modifier is gone."""
    modifier = our_modifier(terrain, EDITS)
    if modifier is not None:
        set_modifier_input(modifier, AMOUNT, min(max(amount, 0.0), 1.0))
        suit_mode(terrain)


def our_modifier(terrain: bpy.types.Object, name: str) -> bpy.types.NodesModifier | None:
    """A modifier of ours, if it is still there with its node group."""
    modifier = terrain.modifiers.get(name)
    return modifier if modifier is not None and modifier.type == "NODES" and modifier.node_group is not None else None


def suit_mode(terrain: bpy.types.Object) -> None:
    """Switch the modifiers as the object's mode wants: sculpting and painting need the mesh itself, with all points."""
    is_plain = terrain.mode == "OBJECT"
    detail, edits = our_modifier(terrain, DETAIL), our_modifier(terrain, EDITS)
    if detail is not None:
        switch(detail, is_plain and shown_step(terrain) > 1, False)
    if edits is not None:
        counts = edits_of(terrain) < 1.0
        switch(edits, is_plain and counts, counts)


def switch(modifier: bpy.types.Modifier, viewport: bool, render: bool) -> None:
    """Show a modifier here or there; only a change is written, because each one is an update of the scene."""
    if modifier.show_viewport != viewport:
        modifier.show_viewport = viewport
    if modifier.show_render != render:
        modifier.show_render = render


@persistent
def notice_mode(scene: bpy.types.Scene, _: object = None) -> None:
    """The scene was updated: perhaps the artist has begun or ended to sculpt."""
    for view_layer in scene.view_layers:
        active = view_layer.objects.active
        if active is not None and active.type == "MESH" and (DETAIL in active.modifiers or EDITS in active.modifiers):
            suit_mode(active)


def register() -> None:
    """Begin to listen."""
    bpy.app.handlers.depsgraph_update_post.append(notice_mode)


def unregister() -> None:
    """Stop listening."""
    bpy.app.handlers.depsgraph_update_post.remove(notice_mode)


def edits_group() -> bpy.types.NodeTree:
    """The group of this file; made when there is none."""
    tree = bpy.data.node_groups.get(EDITS_GROUP)
    if tree is not None:
        return tree
    graph = FieldGraph(EDITS_GROUP)
    add_socket(graph.tree, AMOUNT, "NodeSocketFloat", 1.0, 0.0, 1.0)
    source = graph.node("NodeGroupInput")
    place = graph.node("ShaderNodeSeparateXYZ", {0: graph.node("GeometryNodeInputPosition").outputs[0]})
    amount = source.outputs[AMOUNT]
    made = graph.math("MULTIPLY", graph.layer("height", "FLOAT"), graph.math("SUBTRACT", 1.0, amount))
    z = graph.math("MULTIPLY_ADD", place.outputs["Z"], amount, made)    # exact at 0 and at 1
    to = graph.node("ShaderNodeCombineXYZ", {0: place.outputs["X"], 1: place.outputs["Y"], 2: z})
    moved = graph.node("GeometryNodeSetPosition", {"Geometry": source.outputs[0], "Position": to.outputs[0]})
    graph.end(moved.outputs[0])
    return graph.tree


def detail_steps() -> Steps[bpy.types.NodeTree]:
    """The group of this file; made when there is none. Ended early, nothing is left of it.

    A coarser grid takes the places and attributes of every n-th point, and of the last row and column. It is joined to one
    point of the terrain's own mesh, which brings the materials along. A mesh that is no such grid any more is shown as it is.
    """
    tree = bpy.data.node_groups.get(DETAIL_GROUP)
    if tree is not None:
        return tree
    graph = FieldGraph(f"{DETAIL_GROUP} in the making")
    try:
        yield from _build_detail(graph)
        graph.tree.name = DETAIL_GROUP
    except BaseException:
        with contextlib.suppress(ReferenceError):
            bpy.data.node_groups.remove(graph.tree)
        raise
    return graph.tree


def _build_detail(graph: FieldGraph) -> Steps[None]:
    for name in (ROWS, COLUMNS):
        add_socket(graph.tree, name, "NodeSocketInt", 2, 2, 1 << 14)
    add_socket(graph.tree, STEP, "NodeSocketInt", 0, 0, 64)
    source = graph.node("NodeGroupInput")
    mesh, rows, cols, chosen = (source.outputs[name] for name in ("Geometry", ROWS, COLUMNS, STEP))
    points = graph.math("MULTIPLY", rows, cols)
    automatic = graph.math("CEIL", graph.math("SQRT", graph.math("DIVIDE", points, float(MOST_SHOWN))))
    step = graph.math("ADD", chosen, graph.math("MULTIPLY", graph.math("LESS_THAN", chosen, 0.5), automatic))
    last_row, last_col = (graph.math("SUBTRACT", n, 1.0) for n in (rows, cols))
    rows_shown, cols_shown = (graph.math("ADD", graph.math("CEIL", graph.math("DIVIDE", last, step)), 1.0)
                              for last in (last_row, last_col))
    grid = graph.node("GeometryNodeMeshGrid", {"Vertices X": rows_shown, "Vertices Y": cols_shown})

    yield
    index = graph.node("GeometryNodeInputIndex").outputs[0]
    row = graph.math("FLOOR", graph.math("DIVIDE", graph.math("ADD", index, 0.5), cols_shown))
    col = graph.math("SUBTRACT", index, graph.math("MULTIPLY", row, cols_shown))
    row, col = (graph.math("MINIMUM", graph.math("MULTIPLY", at, step), last) for at, last in ((row, last_row), (col, last_col)))
    shown, row, col = graph.capture(grid.outputs["Mesh"], row, col)
    shown, point = graph.capture(shown, graph.math("MULTIPLY_ADD", row, cols, col), kind="INT")

    yield
    place = graph.sample(mesh, graph.node("GeometryNodeInputPosition").outputs[0], "FLOAT_VECTOR", point)
    shown = graph.node("GeometryNodeSetPosition", {"Geometry": shown, "Position": place}).outputs[0]
    for name in POINT_LAYERS:
        kind = "INT" if name == "evidence" else "FLOAT"
        shown = graph.store(shown, name, kind, "POINT", graph.sample(mesh, graph.layer(name, kind), kind, point))
        yield
    corner = first_corner(graph, row, col, last_row, last_col)
    for name in CORNER_LAYERS:
        value = graph.sample(mesh, graph.layer(name, "FLOAT_VECTOR"), "FLOAT_VECTOR", corner, "CORNER")
        shown = graph.store(shown, name, "FLOAT2", "CORNER", value)
        yield
    shown = graph.node("GeometryNodeSetShadeSmooth", {0: shown}).outputs[0]

    others = graph.node("GeometryNodeDeleteGeometry", {"Geometry": mesh, "Selection": graph.compare("GREATER_THAN", index, 0.5)})
    joined = graph.node("GeometryNodeJoinGeometry")
    for part in (shown, others.outputs[0]):
        graph.tree.links.new(part, joined.inputs[0])
    painted = graph.node("GeometryNodeSetMaterialIndex", {"Geometry": joined.outputs[0]}).outputs[0]

    count = graph.node("GeometryNodeAttributeDomainSize", {0: mesh}).outputs["Point Count"]
    is_grid = graph.compare("EQUAL", count, points)
    graph.end(graph.switch(graph.math("MULTIPLY", is_grid, graph.compare("GREATER_THAN", step, 1.5)), mesh, painted))


def first_corner(graph: FieldGraph, row: bpy.types.NodeSocket, col: bpy.types.NodeSocket, last_row: bpy.types.NodeSocket,
                 last_col: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """A corner of the terrain's mesh that lies at this row and column. Faces begin far left, then near left, and so on."""
    is_last_row, is_last_col = (graph.math("GREATER_THAN", at, graph.math("SUBTRACT", last, 0.5))
                                for at, last in ((row, last_row), (col, last_col)))
    face_row, face_col = (graph.math("SUBTRACT", at, is_last) for at, is_last in ((row, is_last_row), (col, is_last_col)))
    face = graph.math("MULTIPLY_ADD", face_row, last_col, face_col)
    both = graph.math("MULTIPLY", is_last_row, is_last_col)
    side = graph.math("MULTIPLY_ADD", is_last_col, 3.0, is_last_row)    # 1 near left, 3 far right, 2 for both
    return graph.math("MULTIPLY_ADD", face, 4.0, graph.math("MULTIPLY_ADD", both, -2.0, side))
