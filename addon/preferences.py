"""The add-on's page in Blender's preferences: what this machine can do, and the backend's set-up."""

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from . import environment
from .environment import PACKAGE, BackendMissing
from .installation.devices import LABELS, choices, platform_tag
from .panels import setup as page
from .panels.wrapped_text import draw_text
from .setup_state import backend_python
from .translations import tell

__all__ = ["PHOTO_TO_TERRAIN_Preferences", "backend_python"]

DEVICES = {
    "cpu": "No graphics card: PyTorch's build for the processor, the smallest",
    "cuda": "PyTorch's build for NVIDIA cards (CUDA)",
    "rocm": "PyTorch's build for AMD cards (ROCm); needs its address as Extra Package Index",
    "mps": "PyTorch for Apple silicon; the one build there is",
}


class PHOTO_TO_TERRAIN_Preferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences below the add-on."""

    bl_idname = PACKAGE

    device: EnumProperty(
        name="Computes on", description="Which build of PyTorch is set up",
        items=[("AUTO", "Automatic", "What the drivers on this machine are for"),
               *((name.upper(), LABELS[name], DEVICES[name]) for name in choices(platform_tag()))])
    extra_index: StringProperty(
        name="Extra Package Index",
        description="Web address of one more package index that pip asks, for example PyTorch's own for this device, or your "
                    "company's. Empty: only those that pip is configured for")
    python: StringProperty(
        name="Backend Python", subtype="FILE_PATH",
        description="Use this Python instead of the set-up: the program, or the environment's folder. Empty: what Set Up has made")
    show_packages: BoolProperty(name="Packages and Licenses", description="Everything that Set Up installs, by license")
    show_expert: BoolProperty(name="Another Python", description="Use an environment that you have made yourself")

    def draw(self, context: bpy.types.Context) -> None:
        """This machine, the set-up, and a place for a Python of one's own."""
        layout, width = self.layout, context.region.width
        page.draw_machine(layout, width)
        page.draw_set_up(layout, self, width)
        row = layout.row()
        row.alignment = "LEFT"
        row.prop(self, "show_expert", icon="DOWNARROW_HLT" if self.show_expert else "RIGHTARROW", emboss=False)
        if not (self.show_expert or self.python):
            return
        box = layout.box()
        box.prop(self, "python")
        try:
            found = environment.find_python(backend_python(context))
        except BackendMissing as problem:
            draw_text(box, str(problem), width, icon="ERROR")
        else:
            box.label(text=tell("Uses {python}", python=found), icon="CHECKMARK", translate=False)
