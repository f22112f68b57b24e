"""Building geometry nodes in a few words."""

from __future__ import annotations

from typing import Any

import bpy

from ..compatibility import add_socket


class FieldGraph:
    """A new node group from geometry to geometry. Values are sockets or numbers."""

    def __init__(self, name: str):
        self.tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
        add_socket(self.tree, "Geometry", "NodeSocketGeometry")
        add_socket(self.tree, "Geometry", "NodeSocketGeometry", is_output=True)

    def node(self, kind: str, inputs: dict[int | str, Any] | None = None, **settings: Any) -> bpy.types.Node:
        """Add a node; settings first, because they decide which sockets it has."""
        node = self.tree.nodes.new(kind)
        for setting, value in settings.items():
            setattr(node, setting, value)
        for name, value in (inputs or {}).items():
            self.feed(self.enabled(node.inputs, name), value)
        return node

    def enabled(self, sockets: Any, name: int | str) -> bpy.types.NodeSocket:
        """The n-th, or the named, of the sockets in use: some nodes have one for each type of value."""
        usable = [socket for socket in sockets if socket.enabled]
        return usable[name] if isinstance(name, int) else next(socket for socket in usable if socket.name == name)

    def feed(self, socket: bpy.types.NodeSocket, value: Any) -> None:
        """Link a socket or set a number."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Any) -> bpy.types.NodeSocket:
        """A math node."""
        return self.node("ShaderNodeMath", dict(enumerate(values)), operation=operation).outputs[0]

    def compare(self, operation: str, first: Any, second: Any) -> bpy.types.NodeSocket:
        """Whether two numbers are so."""
        return self.node("FunctionNodeCompare", {0: first, 1: second}, data_type="FLOAT", operation=operation).outputs[0]

    def layer(self, name: str, kind: str) -> bpy.types.NodeSocket:
        """A named attribute."""
        node = self.node("GeometryNodeInputNamedAttribute", {"Name": name}, data_type=kind)
        return self.enabled(node.outputs, "Attribute")

    def capture(self, mesh: bpy.types.NodeSocket, *values: Any, kind: str = "FLOAT") -> list[bpy.types.NodeSocket]:
        """Work values out once for all points of a mesh. The mesh, then the values as they are from here on."""
        kept = []
        for value in values:
            node = self.node("GeometryNodeCaptureAttribute", domain="POINT")
            node.capture_items.new(kind, "Value")
            self.feed(node.inputs[0], mesh)
            self.feed(node.inputs[1], value)
            mesh = node.outputs[0]
            kept.append(node.outputs[1])
        return [mesh, *kept]

    def sample(self, mesh: bpy.types.NodeSocket, value: bpy.types.NodeSocket, kind: str, index: Any,
               domain: str = "POINT") -> bpy.types.NodeSocket:
        """A mesh's value at the point, or corner, of this number."""
        node = self.node("GeometryNodeSampleIndex", {"Geometry": mesh, "Value": value, "Index": index}, data_type=kind,
                         domain=domain)
        return self.enabled(node.outputs, "Value")

    def store(self, mesh: bpy.types.NodeSocket, name: str, kind: str, domain: str, value: Any) -> bpy.types.NodeSocket:
        """Write a named attribute."""
        return self.node("GeometryNodeStoreNamedAttribute", {"Geometry": mesh, "Name": name, "Value": value}, data_type=kind,
                         domain=domain).outputs[0]

    def switch(self, which: Any, otherwise: Any, then: Any) -> bpy.types.NodeSocket:
        """One of two geometries; the other one is not computed."""
        inputs: dict[int | str, Any] = {"Switch": which, "False": otherwise, "True": then}
        return self.node("GeometryNodeSwitch", inputs, input_type="GEOMETRY").outputs[0]

    def end(self, mesh: bpy.types.NodeSocket) -> None:
        """What comes out."""
        self.tree.links.new(mesh, self.node("NodeGroupOutput").inputs[0])
        for number, node in enumerate(self.tree.nodes):    # in columns, so that an artist can read it
            node.location = (200.0 * (number // 6), -170.0 * (number % 6))
