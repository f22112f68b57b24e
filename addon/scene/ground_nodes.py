"""Ground that nobody has photographed: rock with strata, scree, grass and snow, in the photograph's colors.

The broad strokes are the mesh's attributes `rock`, `scree` and `snow_hold`; noise at several scales roughens their borders
and varies the colors about their means, so that the average stays that of the photograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy

from .shader_graph import ShaderGraph

Color = tuple[float, float, float, float]


@dataclass(frozen=True)
class Tones:
    """Linear colors (RGBA) of the classes."""

    grass: Color = (0.098, 0.105, 0.050, 1.0)
    rock: Color = (0.19, 0.175, 0.155, 1.0)
    scree: Color = (0.27, 0.25, 0.22, 1.0)
    snow: Color = (0.80, 0.83, 0.87, 1.0)


@dataclass(frozen=True)
class Tint:
    """The photograph's tone near where it ends: color per luminance of the painted ground, and how much of it to take."""

    tone: bpy.types.NodeSocket
    share: bpy.types.NodeSocket | float


@dataclass(frozen=True)
class Ground:
    """What the nodes give: the color; lumps in meters for bump mapping and how strong they are; noise about 0.5 for edges.

    Renderers work out what a bump's height depends on three times, so it depends on little.
    """

    color: bpy.types.NodeSocket
    bump_m: bpy.types.NodeSocket
    bump_strength: bpy.types.NodeSocket
    noise: bpy.types.NodeSocket


def ground_nodes(graph: ShaderGraph, tones: Tones, tint: Tint, snow_line: bpy.types.NodeSocket, dx_m: float,
                 relief_m: float) -> Ground:
    """Add the nodes. tint: of all but snow.   snow_line: meters.   dx_m: the grid's spacing."""
    place = graph.node("ShaderNodeTexCoord").outputs["Object"]
    height = graph.node("ShaderNodeSeparateXYZ")
    graph.feed(height.inputs[0], place)
    broad = graph.noise(place, 90.0 * dx_m, 2.0)
    middle = graph.noise(place, 14.0 * dx_m, 4.0)
    fine = graph.noise(place, 2.5 * dx_m, 3.0)
    layers = graph.noise(place, 5.0 * dx_m, 2.0, (14.0, 14.0, 1.0), (math.radians(9), math.radians(-6), 0.0))
    streaks = graph.noise(place, 5.0 * dx_m, 2.0, (1.0, 1.0, 7.0))

    rough = graph.plus(graph.linear(middle, 0.75, -0.375), graph.linear(fine, 0.45, -0.225))
    rock = graph.smooth_step(graph.plus(graph.attribute("rock"), rough), 0.32, 0.68)
    scree = graph.smooth_step(graph.plus(graph.attribute("scree"), rough), 0.22, 0.62)

    grass_tone = graph.plus(graph.linear(broad, 0.8, -0.4), graph.linear(middle, 0.9, -0.45), graph.linear(fine, 1.0, 0.5))
    dry = times(tones.grass, (1.16, 1.03, 0.95))
    grass = graph.bright(graph.mix(graph.smooth_step(graph.plus(middle, graph.linear(broad, 0.8, -0.4)), 0.42, 0.66),
                                   tones.grass, dry), graph.math("MAXIMUM", grass_tone, 0.3))
    rock_tone = graph.plus(graph.linear(layers, 1.5, -0.75), graph.linear(streaks, 1.1, -0.55), graph.linear(fine, 1.1, -0.55),
                           graph.linear(middle, 0.7, 0.65))
    warm = times(tones.rock, (1.07, 1.0, 0.92))
    stone = graph.bright(graph.mix(graph.smooth_step(broad, 0.45, 0.62), tones.rock, warm),
                         graph.math("MAXIMUM", rock_tone, 0.3))
    scree_tone = graph.plus(graph.linear(fine, 1.3, 0.05), graph.linear(middle, 0.6, 0.0))
    stones = graph.bright(tones.scree, graph.math("MAXIMUM", scree_tone, 0.3))
    bare = graph.mix(rock, graph.mix(scree, grass, stones), stone)
    luminance = graph.node("ShaderNodeRGBToBW")
    graph.feed(luminance.inputs[0], bare)
    toned = graph.mix(tint.share, bare, graph.bright(tint.tone, luminance.outputs[0]))

    hold = graph.attribute("snow_hold")
    above = graph.math("SUBTRACT", height.outputs["Z"], snow_line)
    drifts = graph.plus(graph.linear(broad, 0.30, -0.15), graph.linear(middle, 0.24, -0.12), graph.linear(hold, 0.30, -0.18))
    lies = graph.smooth_step(graph.math("MULTIPLY_ADD", drifts, relief_m, above), -0.015 * relief_m, 0.025 * relief_m)
    clings = graph.smooth_step(graph.plus(hold, rough), 0.20, 0.45)
    color = graph.mix(graph.times(lies, clings), toned, graph.bright(tones.snow, graph.linear(fine, 0.16, 0.92)))

    stony = graph.math("MAXIMUM", rock, graph.times(scree, 0.5))
    lumps = graph.plus(graph.times(middle, 2.0 * dx_m), graph.times(fine, 0.7 * dx_m), graph.times(layers, 0.8 * dx_m))
    return Ground(color, lumps, graph.times(graph.linear(stony, 0.85, 0.15), graph.linear(lies, -0.8, 1.0)), middle)


def times(color: Color, factors: tuple[float, float, float]) -> Color:
    """A color with its red, green and blue multiplied."""
    return color[0] * factors[0], color[1] * factors[1], color[2] * factors[2], 1.0
