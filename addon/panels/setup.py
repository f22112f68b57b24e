"""Draws the set-up: on the preferences' page, and one line in the sidebar while it is missing."""

import os
import re

import bpy

from .. import compatibility, environment, setup_state
from ..installation import devices, offline, preflight, task
from ..translations import later, tell
from .wrapped_text import draw_text

COLUMNS = re.compile(r"\s{2,}")
"""Between the two columns of `backend doctor`; a panel's letters are not all of one width."""

TASKS = {"install": later("Set up"), "verify": later("Check"), "repair": later("Repair"), "remove": later("Remove")}

STATES = {
    "absent": later("The backend is not set up yet."),
    "unfinished": later("A set-up was interrupted; Set Up continues with what has been downloaded."),
    "outdated": later("The add-on was updated and needs newer packages. Press Set Up."),
    "moved": later("Blender's Python has moved. Press Repair; hardly anything is downloaded."),
}

FOUND_BY = {"cpu": later("Takes {device}: no NVIDIA or AMD driver was found."),
            "cuda": later("Takes {device}: an NVIDIA driver was found."),
            "rocm": later("Takes {device}: an AMD compute driver was found."),
            "mps": later("Takes {device}: this is an Apple silicon Mac.")}


def draw_machine(layout, width):
    """What this machine can do."""
    box = layout.box()
    row = box.row()
    row.label(text="This Machine", icon="DESKTOP")
    row.operator("photo_to_terrain.look_at_machine", text="", icon="FILE_REFRESH")
    looked = setup_state.look_at_machine()
    if looked is None or (looked.machine is None and not looked.problem):
        box.label(text="Measuring")
    elif looked.problem:
        draw_text(box, looked.problem, width, icon="ERROR")
    else:
        for line in preflight.sentences(looked.machine, setup_state.outlooks(looked.machine), tell):
            draw_text(box, line, width)


def draw_set_up(layout, preferences, width):
    """The set-up's state and its buttons."""
    box = layout.box()
    box.label(text="Backend", icon="PREFERENCES")
    running = task.current()
    if running:
        draw_running(box, running)
        return
    try:
        place, state = setup_state.place(), setup_state.state()
    except OSError as problem:
        draw_text(box, tell("The add-on's own folder cannot be used ({problem}).", problem=problem), width, icon="ERROR")
        return
    draw_outcome(box, task.last(), width)
    if state == "ready":
        stamp = place.read_stamp()
        named = devices.LABELS.get(stamp.get("device", ""), "")
        draw_text(box, tell("Ready on {device}: {megabytes} MB in {folder}", device=named, megabytes=stamp.get("mb", 0),
                            folder=place.environment), width, icon="CHECKMARK")
    else:
        draw_text(box, STATES[state], width, icon="INFO")
        draw_offer(box, preferences, width)
    row = box.row()
    row.scale_y = 1.4
    if state == "ready":
        row.operator("photo_to_terrain.check_set_up", icon="VIEWZOOM")
    elif state == "moved":
        row.operator("photo_to_terrain.repair_set_up", icon="TOOL_SETTINGS")
    else:
        row.operator("photo_to_terrain.set_up", icon="IMPORT", text="Continue" if state == "unfinished" else "Set Up")
        row.operator("photo_to_terrain.install_bundle", icon="FILE_FOLDER")
    if state in ("ready", "outdated"):
        row.operator("photo_to_terrain.repair_set_up", icon="TOOL_SETTINGS")
    if state != "absent":
        row.operator("photo_to_terrain.remove_set_up", icon="TRASH")


def draw_offer(box, preferences, width):
    """What Set Up would bring, before it is pressed."""
    included = offline.included(environment.ROOT)
    try:
        device = setup_state.chosen_device(preferences.device)
        bill = setup_state.bill_for(device)
    except (OSError, ValueError, KeyError, offline.BadBundle) as problem:
        draw_text(box, tell("The add-on's own files are incomplete ({problem}). Install it again.", problem=problem),
                  width, icon="ERROR")
        return
    column = box.column()
    column.use_property_split = True
    if not included:
        column.prop(preferences, "device")
        if preferences.device == "AUTO":
            draw_text(box, tell(FOUND_BY[device], device=devices.LABELS[device]), width)
        column.prop(preferences, "extra_index")
        if devices.needs_extra_index(device, devices.platform_tag()) and not (
                preferences.extra_index.strip() or os.environ.get("PIP_EXTRA_INDEX_URL")):
            draw_text(box, tell("PyTorch's build for {device} is not in pip's usual index. If pip is not configured for it, "
                                "enter the address that PyTorch's installation page names.",
                                device=devices.LABELS[device]), width, icon="INFO")
        if not setup_state.is_online():
            draw_text(box, "Blender may not use the network: allow it under System > Network, or install from a file.", width,
                      icon="ERROR")
    how = tell("nothing to download, it came with the add-on") if included else tell("{megabytes:.0f} MB to download",
                                                                                     megabytes=bill.download_mb)
    draw_text(box, tell("{count} packages, {download}, {gigabytes:.1f} GB on the disk, all in the add-on's own folder.",
                        count=len(bill.packages), download=how, gigabytes=bill.installed_mb / 1000), width)
    if not bill.is_measured:
        draw_text(box, "These sizes were measured on another platform.", width)
    row = box.row()
    row.alignment = "LEFT"
    row.prop(preferences, "show_packages", icon="DOWNARROW_HLT" if preferences.show_packages else "RIGHTARROW", emboss=False)
    if preferences.show_packages:
        for license_name, names in bill.by_license().items():
            draw_text(box, f"{license_name}: {', '.join(names)}", width)


def draw_running(layout, running):
    """Step, bar, megabytes, cancel."""
    compatibility.draw_progress(layout, running.fraction)
    column = layout.column(align=True)
    column.label(text=running.label)
    column.label(text=running.text)
    row = layout.row()
    row.label(text=tell("{seconds:.0f} s so far", seconds=running.seconds))
    row.operator("photo_to_terrain.cancel_set_up", icon="X")


def draw_outcome(layout, ended, width):
    """How the last task has ended."""
    if ended is None:
        return
    name = tell(TASKS[ended.request.task])
    if ended.was_cancelled:
        draw_text(layout, tell("{task}: cancelled. Finished downloads are kept.", task=name), width, icon="CANCEL")
    elif ended.error:
        draw_text(layout, ended.error, width, icon="ERROR")
    else:
        draw_text(layout, tell("{task}: something is broken; press Repair.", task=name) if ended.broken else
                  tell("{task}: done in {seconds:.0f} s.", task=name, seconds=ended.seconds), width,
                  icon="ERROR" if ended.broken else "CHECKMARK")
        for note in ended.notes:
            draw_text(layout, ": ".join(COLUMNS.split(note, maxsplit=1)), width)


def draw_hint(layout, width):
    """In the sidebar: that the set-up is missing, or how far it is. Returns whether something was drawn."""
    running = task.current()
    if running and running.request.task != "verify":
        layout.label(text=tell("{task}: {percent:.0f} %", task=tell(TASKS[running.request.task]),
                               percent=100 * running.fraction), icon="SORTTIME", translate=False)
        return True
    try:
        environment.find_python(setup_state.backend_python(bpy.context))
    except environment.BackendMissing as problem:
        draw_text(layout, str(problem), width, icon="INFO")
        layout.operator("photo_to_terrain.open_preferences")
    else:
        return False
    return True
