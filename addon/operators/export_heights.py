"""Heights into a file for other programs: from the array, never through a render or color management."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..file_names import safe_name
from ..formats import float_exr, float_tiff, png
from ..scene import result_collections as places
from ..scene.height_array import height_array, in_scene_size, is_moved
from ..scene.result_folder import DamagedResult, HeightGrid
from ..scene.viewport import redraw
from ..translations import tell

POLL_S = 0.2


@dataclass(frozen=True)
class Format:
    """A kind of file. write: takes path and grid, raises OSError."""

    label: str
    description: str
    suffix: str
    write: Callable[[Path, HeightGrid], Any]


FORMATS = {
    "PNG": Format("16-bit PNG", "Gray from the lowest to the highest point, 65536 steps; a .json beside it says what a "
                  "step means in meters", ".png", png.write_heights),
    "EXR": Format("OpenEXR", "Meters as 32-bit numbers, exact", ".exr", float_exr.write_heights),
    "TIFF": Format("GeoTIFF", "Meters as 32-bit numbers, exact, with spacing and place for GIS programs", ".tif",
                   float_tiff.write_heights),
}


@dataclass
class Writing:
    """A file on its way, for the panel. problem: one sentence, or empty."""

    path: Path
    is_over: bool = False
    problem: str = ""
    warning: str = ""
    thread: threading.Thread | None = None


_last: Writing | None = None


class PHOTO_TO_TERRAIN_OT_export_heights(bpy.types.Operator):
    """Write the heights of the shown terrain, as they were made, into a file"""

    bl_idname = "photo_to_terrain.export_heights"
    bl_label = "Export Heights"
    bl_options = {"REGISTER"}

    file_format: bpy.props.EnumProperty(
        name="Format", description="Kind of the file", options={"SKIP_SAVE"},
        items=[(name, f.label, f.description) for name, f in FORMATS.items()])
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.png;*.exr;*.tif", options={"HIDDEN", "SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, context, properties):
        return tell("Write the heights, as they were made, into a file. {kind}",
                    kind=tell(FORMATS[properties.file_format].description))

    @classmethod
    def poll(cls, context):
        if last() and not last().is_over:
            cls.poll_message_set("A file is being written")
            return False
        return context.scene is not None and places.shown_result(context.scene) is not None

    def invoke(self, context, event):
        self.filepath = str(suggested_path(places.shown_result(context.scene), FORMATS[self.file_format].suffix))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context):
        """Keep the suffix right while the artist types. Returns whether something was changed."""
        path = with_suffix(self.filepath, FORMATS[self.file_format].suffix)
        is_changed, self.filepath = path != self.filepath, path
        return is_changed

    def execute(self, context):
        chosen = FORMATS[self.file_format]
        path = Path(bpy.path.abspath(with_suffix(self.filepath, chosen.suffix)))
        collection = places.shown_result(context.scene)
        try:
            if not path.stem:
                raise DamagedResult("Name the file first.")
            if chosen is FORMATS["PNG"]:
                refuse_strange_sidecar(path)
            grid = height_array(collection)
            sized = in_scene_size(collection, grid)
        except DamagedResult as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        writing = begin(path, sized, chosen.write)
        if is_moved(collection, grid):
            writing.warning = tell("The mesh was moved since it was made; the file holds the heights as they were made.")
            self.report({"WARNING"}, writing.warning)
        if not bpy.app.background:
            bpy.app.timers.register(tell_when_over, first_interval=POLL_S)
            return {"FINISHED"}
        writing.thread.join()
        if writing.problem:
            self.report({"ERROR"}, writing.problem)
            return {"CANCELLED"}
        self.report({"INFO"}, tell("Written: {path}", path=path))
        return {"FINISHED"}


def last() -> Writing | None:
    """The newest file, on its way or written."""
    return _last


def begin(path: Path, grid: HeightGrid, write: Callable[[Path, HeightGrid], Any]) -> Writing:
    """Write in a thread, which Blender waits for when it is closed."""
    global _last
    writing = _last = Writing(path)

    def work() -> None:
        try:
            write(path, grid)
        except (OSError, MemoryError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            writing.problem = f"{path} cannot be written ({reason}). Choose another place."
        finally:
            writing.is_over = True

    writing.thread = threading.Thread(target=work, name="photo-to-terrain-export")
    writing.thread.start()
    return writing


def tell_when_over() -> float | None:
    """A timer: draws the panel anew once the file is there. Returns seconds until the next look."""
    if _last and not _last.is_over:
        return POLL_S
    redraw()
    return None


def forget() -> None:
    """Wait for the file on its way; the add-on is being switched off."""
    global _last
    if _last:
        _last.thread.join()
    if bpy.app.timers.is_registered(tell_when_over):
        bpy.app.timers.unregister(tell_when_over)
    _last = None


def suggested_path(collection: bpy.types.Collection, suffix: str) -> Path:
    """A name made from the terrain's, beside the saved file or else the picture, else in the home folder."""
    picture = places.report_of(collection).get("picture", {}).get("path", "")
    folders = [Path(bpy.data.filepath).parent] if bpy.data.filepath else []
    folders += [Path(picture).parent] if picture else []
    folder = next((f for f in folders if f.is_dir()), Path.home())
    return folder / f"{safe_name(f'{collection.name} heights')}{suffix}"


def with_suffix(path: str, suffix: str) -> str:
    """`path` with this suffix; another one of ours is replaced, anything else stays part of the name."""
    for other in FORMATS.values():
        if path.lower().endswith(other.suffix):
            path = path[: -len(other.suffix)]
            break
    return path + suffix


def refuse_strange_sidecar(path: Path) -> None:
    """Raise DamagedResult when the .json that belongs to a PNG would overwrite something that is not ours."""
    beside = path.with_suffix(".json")
    if not beside.exists():
        return
    try:
        is_ours = "formula" in json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise DamagedResult(f"{beside} is there and is no description of a height image. Choose another name.")
