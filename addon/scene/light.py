"""A sun and a plain sky."""

from __future__ import annotations

import math

import bpy
import mathutils

from ..compatibility import node_tree_of

SUN_AZIMUTH, SUN_ELEVATION = math.radians(-75.0), math.radians(38.0)
"""From the left and a little ahead, as in the backend's preview: side light shows relief best. 0 is along +y."""

SUN_STRENGTH = 4.0
SKY_COLOR = (0.36, 0.55, 0.80, 1.0)
SKY_STRENGTH = 0.9

SUN_NAME, SKY_NAME = "Terrain Sun", "Terrain Sky"

STARTUP_SKY = 0.0509
"""Gray of the world in Blender's startup file."""


def make_sun(distance_m: float) -> bpy.types.Object:
    """A sun lamp. Only its direction counts; it hangs `distance_m` from the origin, where one sees it."""
    data = bpy.data.lights.new(SUN_NAME, "SUN")
    data.energy = SUN_STRENGTH
    data.angle = math.radians(0.53)
    data.color = (1.0, 0.96, 0.9)
    sun = bpy.data.objects.new(SUN_NAME, data)
    turn_sun(sun, SUN_AZIMUTH, SUN_ELEVATION)
    flat = math.cos(SUN_ELEVATION)
    sun.location = [distance_m * v for v in (
        math.sin(SUN_AZIMUTH) * flat, math.cos(SUN_AZIMUTH) * flat, math.sin(SUN_ELEVATION))]
    return sun


def turn_sun(sun: bpy.types.Object, azimuth: float, elevation: float) -> None:
    """Let a lamp shine from this direction. Radians; azimuth clockwise from +y, elevation above the horizon."""
    euler = mathutils.Euler((math.pi / 2 - elevation, 0.0, math.pi - azimuth))
    if sun.rotation_mode == "QUATERNION":
        sun.rotation_quaternion = euler.to_quaternion()
    elif sun.rotation_mode == "AXIS_ANGLE":
        axis, angle = euler.to_quaternion().to_axis_angle()
        sun.rotation_axis_angle = (angle, *axis)
    else:
        sun.rotation_euler = euler.to_matrix().to_euler(sun.rotation_mode)


def sun_direction(sun: bpy.types.Object) -> tuple[float, float]:
    """Where a lamp shines from, however it was turned: azimuth, elevation in radians as in `turn_sun`."""
    axes = (sun.matrix_basis if sun.parent is None else sun.matrix_world).to_3x3()
    way = (axes @ mathutils.Vector((0.0, 0.0, 1.0))).normalized()
    return math.atan2(way[0], way[1]), math.asin(max(-1.0, min(1.0, way[2])))


def put_sky(scene: bpy.types.Scene) -> None:
    """Give the scene a sky unless the artist has made one."""
    if scene.world is not None and not is_startup_world(scene.world):
        return
    sky = bpy.data.worlds.get(SKY_NAME)
    if sky is None:
        sky = bpy.data.worlds.new(SKY_NAME)
        sky.color = SKY_COLOR[:3]
        tree = node_tree_of(sky)
        background = tree.nodes.new("ShaderNodeBackground")
        output = tree.nodes.new("ShaderNodeOutputWorld")
        output.location = (200, 0)
        background.inputs["Color"].default_value = SKY_COLOR
        background.inputs["Strength"].default_value = SKY_STRENGTH
        tree.links.new(background.outputs["Background"], output.inputs["Surface"])
    scene.world = sky


def is_startup_world(world: bpy.types.World) -> bool:
    """Whether nobody has touched the world since Blender started."""
    nodes = world.node_tree.nodes if world.node_tree else []
    if {n.bl_idname for n in nodes} - {"ShaderNodeBackground", "ShaderNodeOutputWorld"}:
        return False
    colors = [n.inputs["Color"].default_value[:3] for n in nodes if n.bl_idname == "ShaderNodeBackground"]
    return all(abs(v - STARTUP_SKY) < 1e-3 for v in (*(c for color in colors for c in color), *world.color))
