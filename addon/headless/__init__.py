"""Pictures in, terrains out, without a window: one picture or a folder of them, in one Blender process.

`command` and `run` touch bpy; the rest (which pictures, which folders, what is finished, what is said) does not.
"""
