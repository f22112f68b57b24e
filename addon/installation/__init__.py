"""Makes, checks, repairs and removes the backend's private environment. Standard library only and no bpy.

`worker` runs as a process of its own, so nothing here imports from outside of this package; `task` is Blender's side of it.
"""
