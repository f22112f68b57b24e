"""The terrain's material: photograph where it was seen, painted ground elsewhere, and four ways to look at it instead.

Everything that can be turned is a value node of the material itself, found by its name, so that a file keeps it and
renders the same without the add-on.
"""

from __future__ import annotations

import math

import bpy

from ..compatibility import node_tree_of
from .grid_mesh import EDITED, UV_NAME
from .ground_nodes import Ground, Tint, Tones, ground_nodes
from .projection import CAMERA_UV
from .shader_graph import ShaderGraph

PHOTO, GROUND, EVIDENCE, SHADOW, HEIGHT = range(5)
"""Values of the node "Look"."""

LOOK, FLAT, AMOUNT, GRAZING, SNOW_LINE = "Look", "Unlit", "Photo Amount", "Grazing Fade", "Snow Line"
"""Names of the value nodes. Unlit: 1 shows the plain color without light, for baking."""

PHOTO_IMAGE, TINT_IMAGE, SHADOW_IMAGE = "Photo", "Tint", "Shadow Mask"
"""Names of the image nodes."""

PACK_MARK = "photo_to_terrain_pack"
"""Custom property of images that we have computed: they go into the file when it is saved."""

GRAZING_DEG = 10.0
"""The photograph has half its weight where the ground is seen this flatly."""

SEEN, MOVED, INVENTED = (0.62, 0.47, 0.26, 1.0), (0.75, 0.16, 0.10, 1.0), (0.10, 0.19, 0.42, 1.0)
BY_HAND = (0.42, 0.12, 0.50, 1.0)
LIT, DARK = (0.80, 0.78, 0.74, 1.0), (0.035, 0.045, 0.08, 1.0)
HEIGHT_COLORS = ((0.0, (0.10, 0.22, 0.10)), (0.3, (0.35, 0.42, 0.16)), (0.55, (0.55, 0.38, 0.18)), (0.8, (0.42, 0.32, 0.28)),
                 (1.0, (0.9, 0.9, 0.92)))

SOLID_BRIGHTNESS = 0.6

CONTOURS = 16
"""About so many contour lines between the lowest and the highest ground."""


def terrain_material(name: str, tones: Tones, photo: bpy.types.Image | None, tint: bpy.types.Image | None, snow_line_m: float,
                     low_m: float, high_m: float, dx_m: float, cells: tuple[int, int]) -> bpy.types.Material:
    """A new material. photo, tint: None for a terrain without them.   cells: rows, cols of the grid."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = solid_color(tones)
    material.roughness = 1.0
    graph = ShaderGraph(node_tree_of(material))
    relief = max(high_m - low_m, 1e-3)
    look = graph.number(LOOK, PHOTO)
    snow_line = graph.number(SNOW_LINE, snow_line_m)
    is_look = [graph.math("COMPARE", look, float(k), 0.5) for k in range(5)]

    ground = ground_nodes(graph, tones, _tint(graph, tint), snow_line, dx_m, relief)
    weight = graph.times(_photo_weight(graph, ground.noise), is_look[PHOTO])
    color = graph.mix(weight, ground.color, graph.image(PHOTO_IMAGE, CAMERA_UV, photo))
    color = graph.mix(is_look[EVIDENCE], color, _evidence(graph))
    color = graph.mix(is_look[HEIGHT], color, _height(graph, low_m, relief))
    shadow = _cells_image(graph, cells)
    color = graph.mix(is_look[SHADOW], color, graph.mix(shadow, LIT, DARK))
    _surface(graph, color, _normal(graph, ground, weight, is_look), graph.number(FLAT, 0.0), is_look[SHADOW])
    return material


def solid_color(tones: Tones) -> tuple[float, float, float, float]:
    """The ground's mean hue for solid view, as light as Blender's own gray: true albedos look like coal there."""
    red, green, blue = (0.5 * (a + b) for a, b in zip(tones.grass[:3], tones.rock[:3], strict=True))
    gain = SOLID_BRIGHTNESS / max(red, green, blue, 1e-3)
    return red * gain, green * gain, blue * gain, 1.0


def value_of(material: bpy.types.Material, name: str) -> float:
    """What a value node says. Raises KeyError when somebody has removed it."""
    return material.node_tree.nodes[name].outputs[0].default_value


def set_value(material: bpy.types.Material, name: str, value: float) -> None:
    """Turn a value node. Raises KeyError."""
    material.node_tree.nodes[name].outputs[0].default_value = value


def is_ours(material: bpy.types.Material | None) -> bool:
    """Whether a material is one of these, with all its value nodes."""
    if material is None or material.node_tree is None:
        return False
    return all(name in material.node_tree.nodes for name in (LOOK, FLAT, AMOUNT, GRAZING, SNOW_LINE))


def drop_material(material: bpy.types.Material) -> None:
    """Delete a material that nobody uses, and the images that only it used."""
    if material.users:
        return
    nodes = material.node_tree.nodes if material.node_tree else []
    images = {node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage" and node.image}
    bpy.data.materials.remove(material)
    bpy.data.batch_remove([image for image in images if not image.users])


def pack_images() -> None:
    """Put what we have computed since the last time into the file that is about to be saved."""
    for image in bpy.data.images:
        if PACK_MARK in image and image.is_dirty:
            image.pack()


def _tint(graph: ShaderGraph, image: bpy.types.Image | None) -> Tint:
    """The photograph's tone over the terrain, stored as half its square root, and how much of it to take."""
    half = graph.image(TINT_IMAGE, UV_NAME, image)
    twice = graph.bright(half, 2.0)
    return Tint(graph.mix(1.0, twice, twice, "MULTIPLY"), graph.tree.nodes[TINT_IMAGE].outputs["Alpha"] if image else 0.0)


def _photo_weight(graph: ShaderGraph, noise: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Share of the photograph: where it may lie, faded where the ground is seen flatly, in ragged borders."""
    angle = graph.math("RADIANS", graph.number(GRAZING, GRAZING_DEG))
    low, high = (graph.math("SINE", graph.times(angle, k)) for k in (0.5, 1.5))
    share = graph.times(graph.attribute("photo"), graph.smooth_step(graph.attribute("facing"), low, graph.plus(high, 1e-4)))
    ragged = graph.times(graph.linear(noise, 4.0, -2.0), share, graph.linear(share, -1.0, 1.0))
    sharp = graph.smooth_step(graph.plus(share, ragged), 0.0, 1.0)
    return graph.times(sharp, graph.number(AMOUNT, 1.0))


def _evidence(graph: ShaderGraph) -> bpy.types.NodeSocket:
    evidence = graph.attribute("evidence")
    known = graph.mix(graph.math("MINIMUM", evidence, 1.0), INVENTED, SEEN)
    moved = graph.node("ShaderNodeClamp")
    graph.feed(moved.inputs["Value"], graph.math("SUBTRACT", evidence, 1.0))
    return graph.mix(graph.attribute(EDITED), graph.mix(moved.outputs[0], known, MOVED), BY_HAND)


def _height(graph: ShaderGraph, low_m: float, relief_m: float) -> bpy.types.NodeSocket:
    """Colors of an atlas with contour lines, every fifth one stronger."""
    above = graph.math("SUBTRACT", graph.attribute("height"), low_m)
    ramp = graph.node("ShaderNodeValToRGB")
    graph.feed(ramp.inputs[0], graph.math("DIVIDE", above, relief_m))
    points = ramp.color_ramp.elements
    while len(points) < len(HEIGHT_COLORS):
        points.new(0.5)
    for point, (at, color) in zip(points, HEIGHT_COLORS, strict=True):
        point.position, point.color = at, (*color, 1.0)
    step = contour_step(relief_m)
    lines = [graph.math("LESS_THAN", graph.math("FRACT", graph.math("DIVIDE", graph.attribute("height"), step * n)), width / n)
             for n, width in ((1, 0.05), (5, 0.10))]
    return graph.mix(graph.math("MAXIMUM", graph.times(lines[0], 0.4), graph.times(lines[1], 0.75)), ramp.outputs[0],
                     (0.03, 0.025, 0.02, 1.0))


def contour_step(relief_m: float) -> float:
    """Meters between contour lines: 1, 2 or 5 times a power of ten."""
    wanted = relief_m / CONTOURS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= wanted)


def _cells_image(graph: ShaderGraph, cells: tuple[int, int]) -> bpy.types.NodeSocket:
    """The shadow mask, one pixel a cell. The UV map runs from the first to the last cell's center, pixels around centers."""
    color = graph.image(SHADOW_IMAGE, UV_NAME, None)
    texture = graph.tree.nodes[SHADOW_IMAGE]
    uv = texture.inputs["Vector"].links[0].from_socket
    mapping = graph.node("ShaderNodeMapping")
    graph.feed(mapping.inputs["Vector"], uv)
    rows, cols = cells
    mapping.inputs["Scale"].default_value = ((cols - 1) / cols, (rows - 1) / rows, 1.0)
    mapping.inputs["Location"].default_value = (0.5 / cols, 0.5 / rows, 0.0)
    graph.feed(texture.inputs["Vector"], mapping.outputs[0])
    return color


def _normal(graph: ShaderGraph, ground: Ground, weight: bpy.types.NodeSocket,
            is_look: list[bpy.types.NodeSocket]) -> bpy.types.NodeSocket:
    """Bumps of the painted ground; none below the photograph, which has its own light and shade."""
    bump = graph.node("ShaderNodeBump")
    bump.inputs["Distance"].default_value = 1.0
    painted = graph.plus(is_look[PHOTO], is_look[GROUND])
    graph.feed(bump.inputs["Strength"], graph.times(painted, graph.linear(weight, -1.0, 1.0), ground.bump_strength, 0.6))
    graph.feed(bump.inputs["Height"], ground.bump_m)
    return bump.outputs[0]


def _surface(graph: ShaderGraph, color: bpy.types.NodeSocket, normal: bpy.types.NodeSocket, flat: bpy.types.NodeSocket,
             is_shadow: bpy.types.NodeSocket) -> None:
    """Matt ground in the scene's light; unlit for baking, and where a mask shall not be mistaken for light."""
    surface = graph.node("ShaderNodeBsdfPrincipled")
    graph.feed(surface.inputs["Base Color"], color)
    graph.feed(surface.inputs["Normal"], normal)
    graph.feed(surface.inputs["Roughness"], 0.95)
    for gloss in ("Specular IOR Level", "Specular"):    # the name changed in 4.0
        if gloss in surface.inputs:
            surface.inputs[gloss].default_value = 0.05
    plain = graph.node("ShaderNodeEmission")
    graph.feed(plain.inputs["Color"], color)
    either = graph.node("ShaderNodeMixShader")
    graph.feed(either.inputs[0], graph.math("MAXIMUM", flat, is_shadow))
    graph.feed(either.inputs[1], surface.outputs[0])
    graph.feed(either.inputs[2], plain.outputs[0])
    output = graph.node("ShaderNodeOutputMaterial")
    graph.feed(output.inputs["Surface"], either.outputs[0])
