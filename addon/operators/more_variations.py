"""More of the shown terrain's picture: further seeds one after the other, and runs that are done again from a stage on."""

import dataclasses
from pathlib import Path
from typing import Any

import bpy

from ...backend.contract.errors import TerrainError
from ...backend.contract.settings import TerrainSettings
from ...backend.contract.stages import stage_index
from .. import jobs, properties
from ..redo_stages import REDO
from ..scene import result_collections as places
from ..scene import variations
from ..scene.mask_image import settings_with_mask
from ..scene.result_folder import content_hash
from ..translations import tell
from .generate import TerrainRun
from .launching import MissingPicture, chosen_picture, folder_for, launch

MOST = 16
"""Variations in one go."""


class FurtherRun(TerrainRun):
    """A run with picture and settings of the terrain that is shown."""

    bl_options = {"UNDO"}    # no REGISTER: the panel of the last operation would run the backend at every change

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("A terrain is in the making")
            return False
        shown = places.shown_result(context.scene)
        return shown is not None and "sha256" in (places.report_of(shown).get("picture") or {})


class PHOTO_TO_TERRAIN_OT_more_variations(FurtherRun, bpy.types.Operator):
    """Invent further hidden sides for this picture, one after the other, each a terrain of its own. Esc keeps the finished ones"""

    bl_idname = "photo_to_terrain.more_variations"
    bl_label = "More Variations"

    count: bpy.props.IntProperty(name="Count", description="How many further terrains are made", default=3, min=1, max=MOST)

    def begin(self, context):
        self.first = places.report_of(places.shown_result(context.scene))
        self.seeds = variations.free_seeds(context.scene, self.first, self.count)
        return self.next_job(context)

    def follow(self, context):
        if self.placed == len(self.seeds) or self.job.result is None:    # None: content with a draft, so no more of them
            return None
        bpy.ops.ed.undo_push(message=f"Variation, seed {self.seeds[self.placed - 1]}")
        return self.next_job(context)

    def next_job(self, context):
        """The next seed. Raises TerrainError, OSError."""
        picture = picture_of(context.scene, self.first)
        settings = dataclasses.replace(settings_of(self.first), seed=self.seeds[self.placed], detail_seed=0)
        folder = folder_for(context, picture)
        title = tell("{number} of {count}, seed {seed}", number=self.placed + 1, count=self.count, seed=settings.seed)
        return launch(context, picture, folder, with_mask(context.scene, settings, picture, folder), title)


class PHOTO_TO_TERRAIN_OT_redo(FurtherRun, bpy.types.Operator):
    """Make the shown terrain again from a stage on, with the panel's settings for this stage and the later ones"""

    bl_idname = "photo_to_terrain.redo"
    bl_label = "Redo From"

    stage: bpy.props.EnumProperty(name="Stage", description="The first stage that is done again",
                                  items=[(s.name, s.label, s.description) for s in REDO], default="start")

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        if places.report_of(places.shown_result(context.scene)).get("regions"):
            cls.poll_message_set("A painted region of this terrain was made anew; redo the terrain it came from")
            return False
        return True

    @classmethod
    def description(cls, context, values):
        return tell(next(s.description for s in REDO if s.name == values.stage))

    def begin(self, context):
        scene, shown = context.scene, places.shown_result(context.scene)
        report = places.report_of(shown)
        picture = picture_of(scene, report)
        folder = folder_for(context, picture)
        chosen = properties.read(scene.photo_to_terrain.settings)
        if is_chosen(scene, picture):
            chosen = settings_with_mask(scene, chosen, folder)
        settings = dataclasses.replace(mixed(settings_of(report), chosen, self.stage), **self.seeds(scene, report))
        return launch(context, picture, folder, with_mask(scene, settings, picture, folder), redo_from=self.stage)

    def seeds(self, scene, report):
        """Invented ground is invented anew; what the picture shows does not depend on a seed."""
        if self.stage == "start":
            return {"seed": variations.free_seeds(scene, report, 1)[0], "detail_seed": 0}
        if self.stage == "completed":
            return {"seed": report["seed"], "detail_seed": variations.free_details(scene, report)}
        return {"seed": report["seed"], "detail_seed": variations.details_of(report)}


def settings_of(report: dict[str, Any]) -> TerrainSettings:
    """The settings that made a whole terrain, without those that only concern a painted region."""
    known = {f.name for f in dataclasses.fields(TerrainSettings)}
    values = {name: value for name, value in (report.get("settings") or {}).items() if name in known}
    region = ("base_path", "region_path", "region_seed", "region_seen")
    return TerrainSettings.from_dict({name: value for name, value in values.items() if name not in region})


def mixed(earlier: TerrainSettings, chosen: TerrainSettings, stage: str) -> TerrainSettings:
    """`earlier`, with the values of `chosen` for all that first matters at `stage` or later."""
    later = {f.name: getattr(chosen, f.name) for f in dataclasses.fields(TerrainSettings)
             if stage_index(f.metadata["stage"]) >= stage_index(stage)}
    return dataclasses.replace(earlier, **later)


def picture_of(scene: bpy.types.Scene, report: dict[str, Any]) -> Path:
    """The file of a terrain's picture: where it was, or the one chosen in the panel if it is the same. Raises MissingPicture."""
    path = Path(report["picture"]["path"])
    if path.is_file():
        return path
    try:
        chosen = chosen_picture(scene)
    except TerrainError:
        chosen = None
    if chosen is None or content_hash(chosen) != report["picture"]["sha256"]:
        raise MissingPicture(tell("The picture of this terrain is not at {path} any more. Choose where it is now.", path=path))
    return chosen


def is_chosen(scene: bpy.types.Scene, picture: Path) -> bool:
    """Whether the panel's picture is this one."""
    try:
        return chosen_picture(scene) == picture.resolve()
    except TerrainError:
        return False


def with_mask(scene: bpy.types.Scene, settings: TerrainSettings, picture: Path, folder: Path) -> TerrainSettings:
    """The settings with a mask that is there: a file that is gone is written again from what is painted, else left out."""
    if not settings.mask_path or Path(settings.mask_path).is_file():
        return settings
    settings = dataclasses.replace(settings, mask_path="")
    return settings_with_mask(scene, settings, folder) if is_chosen(scene, picture) else settings


CLASSES = (PHOTO_TO_TERRAIN_OT_more_variations, PHOTO_TO_TERRAIN_OT_redo)
