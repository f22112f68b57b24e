"""Builds shader nodes a formula at a time, from left to right."""

from __future__ import annotations

import bpy

ROWS = 6
"""Nodes below each other before the next column begins."""


class ShaderGraph:
    """Adds nodes to a tree. A value is a number, a color or an output of another node."""

    def __init__(self, tree: bpy.types.NodeTree):
        self.tree = tree
        self._place = 0

    def node(self, kind: str, **values: object) -> bpy.types.Node:
        """A new node with these of its properties set."""
        node = self.tree.nodes.new(kind)
        for name, value in values.items():
            setattr(node, name, value)
        node.location = (190 * (self._place // ROWS), -230 * (self._place % ROWS))
        self._place += 1
        return node

    def feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        """Link an output to an input, or set the input's own value."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def number(self, name: str, value: float) -> bpy.types.NodeSocket:
        """A value that people turn: a node found by its name."""
        node = self.node("ShaderNodeValue", name=name, label=name)
        node.outputs[0].default_value = value
        return node.outputs[0]

    def attribute(self, name: str) -> bpy.types.NodeSocket:
        """A mesh attribute as a number; 0 where the mesh has none of this name."""
        return self.node("ShaderNodeAttribute", attribute_name=name).outputs["Fac"]

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        """A formula of numbers."""
        node = self.node("ShaderNodeMath", operation=operation)
        for socket, value in zip(node.inputs, values, strict=False):
            self.feed(socket, value)
        return node.outputs[0]

    def plus(self, *values: object) -> bpy.types.NodeSocket:
        """The sum."""
        total = values[0]
        for value in values[1:]:
            total = self.math("ADD", total, value)
        return total

    def times(self, *values: object) -> bpy.types.NodeSocket:
        """The product."""
        total = values[0]
        for value in values[1:]:
            total = self.math("MULTIPLY", total, value)
        return total

    def linear(self, value: object, factor: float, offset: float) -> bpy.types.NodeSocket:
        """value * factor + offset."""
        return self.math("MULTIPLY_ADD", value, factor, offset)

    def smooth_step(self, value: object, low: object, high: object) -> bpy.types.NodeSocket:
        """0 up to `low`, 1 from `high` on."""
        node = self.node("ShaderNodeMapRange", interpolation_type="SMOOTHSTEP")
        for name, given in (("Value", value), ("From Min", low), ("From Max", high)):
            self.feed(node.inputs[name], given)
        return node.outputs[0]

    def mix(self, share: object, first: object, second: object, blend: str = "MIX") -> bpy.types.NodeSocket:
        """Colors: the first where `share` is 0, the second (or the first blended with it) where it is 1."""
        node = self.node("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        colors = [s for s in node.inputs if s.type == "RGBA"]
        self.feed(node.inputs[0], share)
        self.feed(colors[0], first)
        self.feed(colors[1], second)
        return next(s for s in node.outputs if s.type == "RGBA")

    def bright(self, color: object, factor: object) -> bpy.types.NodeSocket:
        """A color times a number."""
        node = self.node("ShaderNodeVectorMath", operation="SCALE")
        self.feed(node.inputs[0], color[:3] if isinstance(color, tuple) else color)
        self.feed(node.inputs["Scale"], factor)
        return node.outputs[0]

    def noise(self, place: object, size_m: float, detail: float, stretch: tuple[float, float, float] = (1, 1, 1),
              turn: tuple[float, float, float] = (0, 0, 0)) -> bpy.types.NodeSocket:
        """Fractal noise about 0.5. size_m: of its largest lumps.   stretch: their shape.   turn: radians, XYZ."""
        mapping = self.node("ShaderNodeMapping", vector_type="TEXTURE")
        self.feed(mapping.inputs["Vector"], place)
        mapping.inputs["Rotation"].default_value = turn
        mapping.inputs["Scale"].default_value = [size_m * s for s in stretch]
        texture = self.node("ShaderNodeTexNoise")
        self.feed(texture.inputs["Vector"], mapping.outputs[0])
        texture.inputs["Scale"].default_value = 1.0
        texture.inputs["Detail"].default_value = detail
        return texture.outputs[0]

    def image(self, name: str, uv: str, image: bpy.types.Image | None, smooth: bool = True) -> bpy.types.NodeSocket:
        """An image laid on by a UV map; black without one. The node is found by its name."""
        place = self.node("ShaderNodeUVMap", uv_map=uv)
        node = self.node("ShaderNodeTexImage", name=name, label=name, image=image, extension="EXTEND",
                         interpolation="Linear" if smooth else "Closest")
        self.feed(node.inputs["Vector"], place.outputs[0])
        return node.outputs["Color"]
