"""Sentences in panels: Blender's labels do not wrap by themselves."""

from __future__ import annotations

import textwrap

import bpy

from ..translations import translated

PIXELS_PER_LETTER = 7.0
"""Mean width at the usual interface scale; measured in the sidebar of Blender 3.4 at 72 dpi."""

ICON_PIXELS = 26.0


def lines_of(text: str, width_px: float, scale: float = 1.0) -> list[str]:
    """The text in lines that fit into a region of this width."""
    letters = max(16, int((width_px - 50 * scale) / (PIXELS_PER_LETTER * scale)))
    return textwrap.wrap(text, letters) or [""]


def draw_text(layout: bpy.types.UILayout, text: str, width_px: float, icon: str = "NONE") -> None:
    """Draw a sentence as one block of lines in the user's language, an icon before the first. width_px: of the region."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    scale = bpy.context.preferences.system.ui_scale or 1.0    # 0 without a window
    if icon != "NONE":
        width_px -= ICON_PIXELS * scale
    for number, line in enumerate(lines_of(translated(text), width_px, scale)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"),
                     translate=False)
