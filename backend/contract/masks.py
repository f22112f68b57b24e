"""The masks of a picture as both sides write and read them. Standard library only: the add-on imports this file too."""

from __future__ import annotations

SKY, TERRAIN, FOREGROUND, UNKNOWN = range(4)
"""Classes of a pixel, in arrays uint8 (H, W). Unknown: nobody says what it is; no stage makes anything of it."""

COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
"""sRGB of sky, terrain and foreground in a picture of masks. Whatever is close to none of them is unknown."""

NAMES = ("sky", "terrain", "foreground")
"""In reports."""
