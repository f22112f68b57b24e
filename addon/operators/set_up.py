"""The buttons of the preferences: set up, cancel, check, repair, remove, install from a file."""

from pathlib import Path

import bpy

from .. import environment, jobs, setup_state
from ..installation import offline, preflight, task
from ..installation.base_python import NoPython, find_base_python
from ..installation.worker import Request
from ..translations import tell

OFFLINE = ("Blender may not use the network (Preferences > System > Network > Allow Online Access). Allow it, or install an "
           "offline bundle with Install from File.")


def begin(operator, what, bundle=None):
    """Start a task; what stands in the way becomes the operator's error. Returns what `execute` returns."""
    preferences = bpy.context.preferences.addons[environment.PACKAGE].preferences
    if what != "remove":
        jobs.stop_all()    # a running backend would hold the files
    try:
        place = setup_state.place()
        bundle = bundle or offline.included(environment.ROOT)
        device = place.read_stamp().get("device") if what in ("verify", "repair") else None
        device = device or setup_state.chosen_device(preferences.device)
        if bundle:
            device = offline.read_card(bundle)["device"]
        bill = setup_state.bill_for(device)
        if what in ("install", "repair"):
            if not bundle and not setup_state.is_online():
                return refuse(operator, OFFLINE)
            reason = refusal(bill) if what == "install" else ""
            if reason:
                return refuse(operator, reason)
        task.start(Request(what, environment.ROOT, place.data, find_base_python(), device, bundle, preferences.extra_index,
                           bill.download_mb, bill.installed_mb))
    except (NoPython, offline.BadBundle, RuntimeError) as problem:
        return refuse(operator, str(problem))
    except OSError as problem:
        return refuse(operator, f"The set-up cannot be started ({problem}).")
    setup_state.watch()
    return {"FINISHED"}


def refusal(bill):
    """Why this machine does not suffice, as far as it has been measured."""
    looked = setup_state.look_at_machine()
    machine = looked.machine if looked else None
    if machine is None:
        return ""
    return preflight.refusal(machine, setup_state.outlooks(machine), bill.download_mb + bill.installed_mb)


def refuse(operator, sentence):
    """One sentence at the pointer and in Blender's log."""
    operator.report({"ERROR"}, sentence)
    return {"CANCELLED"}


class Button:
    """Not while another one works."""

    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return task.current() is None


class PHOTO_TO_TERRAIN_OT_set_up(Button, bpy.types.Operator):
    """Download the packages listed here into the add-on's own folder. Blender stays usable; nothing else on this machine changes"""

    bl_idname = "photo_to_terrain.set_up"
    bl_label = "Set Up"

    def execute(self, context):
        return begin(self, "install")


class PHOTO_TO_TERRAIN_OT_install_bundle(Button, bpy.types.Operator):
    """Set up from an offline bundle (photo_to_terrain-VERSION-offline-PLATFORM.zip), without the network"""

    bl_idname = "photo_to_terrain.install_bundle"
    bl_label = "Install from File"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.zip", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        return begin(self, "install", Path(bpy.path.abspath(self.filepath)))


class PHOTO_TO_TERRAIN_OT_cancel_set_up(bpy.types.Operator):
    """Stop at once. Finished downloads are kept for the next time"""

    bl_idname = "photo_to_terrain.cancel_set_up"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return task.current() is not None

    def execute(self, context):
        task.current().cancel()
        setup_state.watch()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_check_set_up(Button, bpy.types.Operator):
    """Look at every installed file, load every package, and say what this machine can do. Changes nothing"""

    bl_idname = "photo_to_terrain.check_set_up"
    bl_label = "Check"

    def execute(self, context):
        return begin(self, "verify")


class PHOTO_TO_TERRAIN_OT_repair_set_up(Button, bpy.types.Operator):
    """Put back what is missing or damaged; only that is downloaded"""

    bl_idname = "photo_to_terrain.repair_set_up"
    bl_label = "Repair"

    def execute(self, context):
        return begin(self, "repair")


class PHOTO_TO_TERRAIN_OT_remove_set_up(Button, bpy.types.Operator):
    """Delete the backend's environment and its downloads. Your terrains stay"""

    bl_idname = "photo_to_terrain.remove_set_up"
    bl_label = "Remove"

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self, width=360)

    def draw(self, context):
        megabytes = setup_state.place().read_stamp().get("mb")
        self.layout.label(text=tell("Remove the backend? This frees {megabytes} MB.", megabytes=megabytes) if megabytes else
                          "Remove the backend? This frees what an interrupted set-up has left.", icon="TRASH")
        self.layout.label(text="Your terrains stay.", icon="BLANK1")

    def execute(self, context):
        jobs.stop_all()
        return begin(self, "remove")


class PHOTO_TO_TERRAIN_OT_look_at_machine(Button, bpy.types.Operator):
    """Measure cores, memory, disk and graphics card again; takes about a second"""

    bl_idname = "photo_to_terrain.look_at_machine"
    bl_label = "Measure Again"

    def execute(self, context):
        setup_state.look_at_machine(again=True)
        return {"FINISHED"}


CLASSES = (
    PHOTO_TO_TERRAIN_OT_set_up,
    PHOTO_TO_TERRAIN_OT_install_bundle,
    PHOTO_TO_TERRAIN_OT_cancel_set_up,
    PHOTO_TO_TERRAIN_OT_check_set_up,
    PHOTO_TO_TERRAIN_OT_repair_set_up,
    PHOTO_TO_TERRAIN_OT_remove_set_up,
    PHOTO_TO_TERRAIN_OT_look_at_machine,
)
