"""What a scene remembers for the next region: its seed, and whether seen ground may change."""

import bpy

SEED, SEEN = "photo_to_terrain_region_seed", "photo_to_terrain_region_seen"


def register() -> None:
    """Give every scene the properties."""
    setattr(bpy.types.Scene, SEED, bpy.props.IntProperty(
        name="Seed", default=1, min=0, max=2**31 - 1,
        description="Another number invents other ground in the region; it grows by one after each run"))
    setattr(bpy.types.Scene, SEEN, bpy.props.BoolProperty(
        name="Change Seen Ground",
        description="Also make anew painted ground that the picture shows. Off: that stays as it is, bit for bit"))


def unregister() -> None:
    """Take them away again."""
    for name in (SEED, SEEN):
        delattr(bpy.types.Scene, name)
