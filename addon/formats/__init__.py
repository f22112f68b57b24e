"""Height files written with nothing but numpy and the standard library, from the height array, bit for bit.

Blender's own image saving would take the heights through four channels and, for some formats, through color management.
No bpy here.
"""
