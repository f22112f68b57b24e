"""Finer ground in Cycles: adaptive subdivision down to pixels, and the painted ground's rocks as real forms.

A plain subdivision modifier (simple, so that every height stays where it is) at level 0, which only Cycles divides further, and
a displacement node in the material. Up to Blender 4.5 this is part of Cycles' experimental features, which are switched on.
Where the photograph lies nothing is displaced: what was matched stays.
"""

from __future__ import annotations

import bpy

from ..compatibility import ADAPTIVE_IS_REGULAR, set_displaced

NAME = "Render Detail"
"""Of the modifier and of the displacement node."""


def modifier_of(terrain: bpy.types.Object) -> bpy.types.SubsurfModifier | None:
    """The modifier, if it is there."""
    modifier = terrain.modifiers.get(NAME)
    return modifier if modifier is not None and modifier.type == "SUBSURF" else None


def has_cycles(terrain: bpy.types.Object) -> bool:
    """Whether Cycles, an add-on of Blender's own, is switched on."""
    return hasattr(terrain, "cycles")


def is_fine(terrain: bpy.types.Object) -> bool:
    """Whether Cycles divides this terrain."""
    modifier = modifier_of(terrain)
    if modifier is None or not has_cycles(terrain):
        return False
    return modifier.use_adaptive_subdivision if ADAPTIVE_IS_REGULAR else terrain.cycles.use_adaptive_subdivision


def set_fine(terrain: bpy.types.Object, wanted: bool) -> None:
    """Begin or end it."""
    if wanted == is_fine(terrain) or not has_cycles(terrain):
        return
    modifier = modifier_of(terrain)
    if not wanted:
        if not ADAPTIVE_IS_REGULAR:
            terrain.cycles.use_adaptive_subdivision = False
        terrain.modifiers.remove(modifier)
    else:
        if modifier is None:
            terrain.modifiers.new(NAME, "SUBSURF")
            modifier = modifier_of(terrain)
        modifier.subdivision_type = "SIMPLE"
        modifier.levels = modifier.render_levels = 0
        modifier.show_viewport = modifier.show_expanded = False
        if ADAPTIVE_IS_REGULAR:
            modifier.use_adaptive_subdivision = True
        else:
            terrain.cycles.use_adaptive_subdivision = True
            for scene in terrain.users_scene:
                scene.cycles.feature_set = "EXPERIMENTAL"
    for material in terrain.data.materials:
        if material is not None and material.node_tree is not None:
            raise_ground(material, wanted)


def pixels_of(terrain: bpy.types.Object) -> float:
    """Size of the pieces in pixels."""
    modifier = modifier_of(terrain)
    if modifier is None or not has_cycles(terrain):
        return 1.0
    return modifier.adaptive_pixel_size if ADAPTIVE_IS_REGULAR else terrain.cycles.dicing_rate


def set_pixels(terrain: bpy.types.Object, pixels: float) -> None:
    """Choose it; nothing happens where the modifier is gone."""
    modifier = modifier_of(terrain)
    if modifier is None or not has_cycles(terrain):
        return
    if ADAPTIVE_IS_REGULAR:
        modifier.adaptive_pixel_size = pixels
    else:
        terrain.cycles.dicing_rate = pixels


def raise_ground(material: bpy.types.Material, wanted: bool) -> None:
    """Let what the bump node only shades be real; or only shade it again. Materials without such a node are left alone."""
    tree = material.node_tree
    bump = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeBump"), None)
    output = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial" and node.is_active_output), None)
    if bump is None or output is None or not bump.inputs["Height"].is_linked:
        return
    if NAME in tree.nodes:
        tree.nodes.remove(tree.nodes[NAME])
    bump.mute = wanted
    set_displaced(material, wanted)
    if not wanted:
        return
    node = tree.nodes.new("ShaderNodeDisplacement")
    node.name = node.label = NAME
    tree.links.new(bump.inputs["Height"].links[0].from_socket, node.inputs["Height"])
    tree.links.new(bump.inputs["Strength"].links[0].from_socket, node.inputs["Scale"])
    node.inputs["Midlevel"].default_value = middle_of(bump)
    tree.links.new(node.outputs[0], output.inputs["Displacement"])
    node.location = (output.location.x - 200, output.location.y - 400)


def middle_of(bump: bpy.types.Node) -> float:
    """Mean of the bump's height in meters: half of what each noise, whose mean is 0.5, is multiplied with."""
    total, waiting = 0.0, [bump.inputs["Height"].links[0].from_node]
    while waiting:
        node = waiting.pop()
        if node.bl_idname == "ShaderNodeMath" and node.operation == "ADD":
            waiting += [socket.links[0].from_node for socket in node.inputs[:2] if socket.is_linked]
        elif node.bl_idname == "ShaderNodeMath" and node.operation == "MULTIPLY":
            total += 0.5 * next(socket.default_value for socket in node.inputs[:2] if not socket.is_linked)
    return total
