"""Tests inside Blender: the staged zip is installed into an empty user folder and used from there."""
