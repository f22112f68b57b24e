"""What the artist sees in Blender. Needs bpy, numpy and the standard library; never torch, numba or the network.

Importing this package imports nothing else: `registration` holds CLASSES, `register` and `unregister`, and
`write_blend` also runs without the add-on being installed.
"""
