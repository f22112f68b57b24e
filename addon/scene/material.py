"""A plain, plausible ground: grass where it is low and flat, rock where steep, snow on the gentle parts of the summits.

The value node "Show evidence" tints instead what was seen and what was
invented, from the attribute `inferred`.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..compatibility import node_tree_of

GRASS, ROCK, SNOW = (0.098, 0.105, 0.050, 1.0), (0.19, 0.155, 0.125, 1.0), (0.82, 0.85, 0.88, 1.0)
SEEN, INVENTED = (0.72, 0.62, 0.45, 1.0), (0.20, 0.29, 0.46, 1.0)

ALPINE_M = (700.0, 1500.0)
"""Relief at which snow begins to be plausible, and at which it is certain."""

EVIDENCE_NODE = "Show evidence"


class _Graph:
    """Builds shader nodes from left to right, a formula at a time."""

    def __init__(self, tree: bpy.types.NodeTree):
        self.tree = tree
        self._place = 0

    def node(self, kind: str, **values: object) -> bpy.types.Node:
        node = self.tree.nodes.new(kind)
        for name, value in values.items():
            setattr(node, name, value)
        node.location = (190 * (self._place // 3), -230 * (self._place % 3))
        self._place += 1
        return node

    def feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        node = self.node("ShaderNodeMath", operation=operation)
        for socket, value in zip(node.inputs, values, strict=False):
            self.feed(socket, value)
        return node.outputs[0]

    def smooth_step(self, value: object, low: float, high: float) -> bpy.types.NodeSocket:
        node = self.node("ShaderNodeMapRange", interpolation_type="SMOOTHSTEP")
        for name, given in (("Value", value), ("From Min", low), ("From Max", high)):
            self.feed(node.inputs[name], given)
        return node.outputs[0]

    def mix(self, share: object, first: object, second: object) -> bpy.types.NodeSocket:
        node = self.node("ShaderNodeMix", data_type="RGBA")
        colors = [s for s in node.inputs if s.type == "RGBA"]
        self.feed(node.inputs[0], share)
        self.feed(colors[0], first)
        self.feed(colors[1], second)
        return next(s for s in node.outputs if s.type == "RGBA")


def ground_material(name: str, heights: np.ndarray) -> bpy.types.Material:
    """A material for a terrain with these heights (meters)."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = (0.62, 0.59, 0.54, 1.0)
    material.roughness = 1.0
    graph = _Graph(node_tree_of(material))
    low, high = (float(v) for v in np.percentile(heights, (2, 99.5)))
    relief = max(high - low, 1e-3)

    geometry = graph.node("ShaderNodeNewGeometry")
    normal = graph.node("ShaderNodeSeparateXYZ")
    place = graph.node("ShaderNodeSeparateXYZ")
    graph.feed(normal.inputs[0], geometry.outputs["Normal"])
    graph.feed(place.inputs[0], geometry.outputs["Position"])
    up = graph.math("MAXIMUM", normal.outputs["Z"], 0.02)
    slope = graph.math("SQRT", graph.math("MAXIMUM", graph.math("SUBTRACT", graph.math("POWER", up, -2.0), 1.0), 0.0))
    level = graph.math("DIVIDE", graph.math("SUBTRACT", place.outputs["Z"], low), relief)
    rock = graph.smooth_step(graph.math("MULTIPLY_ADD", level, 0.35, slope), 0.55, 1.0)
    share = float(np.clip((relief - ALPINE_M[0]) / (ALPINE_M[1] - ALPINE_M[0]), 0, 1))
    snow = graph.smooth_step(graph.math("MULTIPLY_ADD", slope, -0.15, level), 0.72, 0.88)
    ground = graph.mix(graph.math("MULTIPLY", snow, share * share * (3 - 2 * share)),
                       graph.mix(rock, GRASS, ROCK), SNOW)

    inferred = graph.node("ShaderNodeAttribute", attribute_name="inferred")
    evidence = graph.mix(inferred.outputs["Fac"], SEEN, INVENTED)
    switch = graph.node("ShaderNodeValue", name=EVIDENCE_NODE, label=EVIDENCE_NODE)
    switch.outputs[0].default_value = 0.0

    surface = graph.node("ShaderNodeBsdfPrincipled")
    output = graph.node("ShaderNodeOutputMaterial")
    graph.feed(surface.inputs["Base Color"], graph.mix(switch.outputs[0], ground, evidence))
    graph.feed(surface.inputs["Roughness"], 0.95)
    for gloss in ("Specular IOR Level", "Specular"):    # the name changed in 4.0
        if gloss in surface.inputs:
            surface.inputs[gloss].default_value = 0.05
    graph.feed(output.inputs["Surface"], surface.outputs[0])
    return material
