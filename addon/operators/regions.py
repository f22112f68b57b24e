"""A part of the shown terrain is painted and made anew; the result is a further variation."""

import dataclasses
import hashlib
from pathlib import Path

import bpy
import numpy as np

from ...backend.contract.errors import OutputNotWritable, TerrainError
from ...backend.contract.height_files import written_beside
from .. import jobs
from ..compatibility import put
from ..region_properties import SEED, SEEN
from ..scene import paint_mode, region_paint
from ..scene import result_collections as places
from ..scene.result_folder import DamagedResult
from ..scene.take_over import take_over
from ..scene.viewport import redraw
from ..translations import tell
from .launching import folder_for, launch
from .more_variations import FurtherRun, picture_of, settings_of, with_mask

FILES = ("base_path", "region_path")
"""Settings that name files of this session."""


class NoRegion(TerrainError):
    """The terrain cannot be changed in part, or nothing is painted."""

    code = "no_region"


class RegionOperator:
    """What the operators below have in common: a terrain is shown and nothing runs."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if jobs.current():
            cls.poll_message_set("Something is being made")
            return False
        return context.scene is not None and shown_terrain(context) is not None


class PHOTO_TO_TERRAIN_OT_paint_region(RegionOperator, bpy.types.Operator):
    """Paint with Blender's own brushes what shall be made anew. Sand: the picture shows it. Gray: hidden. Orange: painted"""

    bl_idname = "photo_to_terrain.paint_region"
    bl_label = "Paint Region"

    def execute(self, context):
        terrain = shown_terrain(context)
        try:
            paint_mode.set_mode(context, terrain, "OBJECT")
            region_paint.begin(places.shown_result(context.scene))
        except DamagedResult as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        paint_mode.set_mode(context, terrain, "VERTEX_PAINT")
        paint_mode.take_color(context, True)
        paint_mode.show_paint(context, terrain)
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_region_brush(bpy.types.Operator):
    """Choose what the brush does"""

    bl_idname = "photo_to_terrain.region_brush"
    bl_label = "Brush"
    bl_options = {"INTERNAL"}

    erase: bpy.props.BoolProperty(name="Erase", description="Take points from the region instead of adding them")

    @classmethod
    def description(cls, context, properties):
        return tell("Take from the region") if properties.erase else tell("Add to the region")

    @classmethod
    def poll(cls, context):
        return region_paint.is_painting(shown_terrain(context))

    def execute(self, context):
        paint_mode.take_color(context, not self.erase)
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_clear_region(RegionOperator, bpy.types.Operator):
    """Take away all that is painted"""

    bl_idname = "photo_to_terrain.clear_region"
    bl_label = "Clear"

    @classmethod
    def poll(cls, context):
        return super().poll(context) and region_paint.has_region(shown_terrain(context).data)

    def execute(self, context):
        terrain = shown_terrain(context)
        mesh = terrain.data
        if region_paint.is_painting(terrain):
            region_paint.lay_colors(mesh, np.zeros(len(mesh.vertices), bool))
        else:
            leave_painting(context, terrain)
            region_paint.set_region(mesh, np.zeros(len(mesh.vertices), bool))
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_end_region(RegionOperator, bpy.types.Operator):
    """Leave painting. The region is kept with the terrain"""

    bl_idname = "photo_to_terrain.end_region"
    bl_label = "Done"

    def execute(self, context):
        leave_painting(context, shown_terrain(context))
        redraw()
        return {"FINISHED"}


class PHOTO_TO_TERRAIN_OT_regenerate_region(FurtherRun, bpy.types.Operator):
    """Make the painted region anew, as a further variation. Everything else stays as it is, bit for bit. Esc cancels"""

    bl_idname = "photo_to_terrain.regenerate_region"
    bl_label = "Regenerate Region"

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        terrain = shown_terrain(context)
        if terrain is None or not region_paint.has_region(terrain.data):
            cls.poll_message_set("Paint a region first")
            return False
        return True

    def begin(self, context):
        """Start the job from the terrain as it stands. Raises TerrainError, OSError."""
        collection, terrain = places.shown_result(context.scene), shown_terrain(context)
        assert collection is not None and terrain is not None    # see `poll`
        report = places.report_of(collection)
        picture = picture_of(context.scene, report)
        leave_painting(context, terrain, look_back=False)
        try:
            grid = region_paint.heights_now(collection)
        except DamagedResult as problem:
            raise NoRegion(str(problem)) from problem
        region = region_paint.region_of(terrain.data, grid.heights.size)
        if not region.any():
            raise NoRegion(tell("Nothing is painted. Paint the region that shall be made anew first."))
        self.base_key, self.base_report, self.region = collection[places.KEY_MARK], report, region
        self.seed = getattr(context.scene, SEED)
        folder = folder_for(context, picture)
        settings = dataclasses.replace(
            with_mask(context.scene, settings_of(report), picture, folder), seed=report.get("seed", 0), region_seed=self.seed,
            region_seen=getattr(context.scene, SEEN), **write_files(grid.heights, region.reshape(grid.heights.shape)))
        return launch(context, picture, folder, settings, tell("Region, seed {seed}", seed=self.seed))

    def place(self, read):
        """The steps from files to a further variation, which takes over how the old terrain stands and looks."""
        new = yield from FurtherRun.place(self, lambda: self.as_variation(read()))
        scene = self.scene(bpy.context)
        put(new.data, region_paint.REGION, "BOOLEAN", "POINT", "value", self.region)    # for another try
        base = next((c for c in places.results(scene) if c[places.KEY_MARK] == self.base_key), None)
        if base is not None:
            take_over(base, new.users_collection[0])
        setattr(scene, SEED, min(self.seed + 1, 2**31 - 1))
        return new

    def as_variation(self, finished):
        """The same terrain with a report that says which regions were made anew, one after the other. Touches no bpy."""
        earlier = list(self.base_report.get("regions") or [])
        latest = list(finished.report.get("regions") or [self.entry()])    # a draft that is kept says nothing of it
        report = {**finished.report, "regions": earlier + latest, "settings": self.base_report.get("settings", {})}
        return dataclasses.replace(finished, report=report)

    def entry(self):
        """What is known of the region without the backend."""
        digest = hashlib.sha256(np.packbits(self.region).tobytes()).hexdigest()
        return {"id": f"{self.seed}-{digest[:8]}", "seed": self.seed, "cells": int(self.region.sum())}

    def look(self, context):
        """The view stays: most of what is painted cannot be seen by the picture's camera."""

    def refuse(self, problem):
        """As always, but what is offered to be tried again is the region."""
        if problem.fix == "try_again":
            problem = dataclasses.replace(problem, fix="try_region")
        return FurtherRun.refuse(self, problem)


def shown_terrain(context: bpy.types.Context) -> bpy.types.Object | None:
    """The shown terrain's mesh object."""
    collection = places.shown_result(context.scene) if context.scene else None
    return places.terrain_in(collection) if collection else None


def leave_painting(context: bpy.types.Context, terrain: bpy.types.Object, look_back: bool = True) -> None:
    """Back to Object Mode; what was painted is kept as the attribute `region`, and the view is colored as before.

    look_back: also look through the camera again where the view did.
    """
    paint_mode.set_mode(context, terrain, "OBJECT")
    region_paint.end(terrain.data)
    paint_mode.show_before(context, look_back)


def write_files(heights: np.ndarray, region: np.ndarray) -> dict[str, str]:
    """Heights and region as files in this Blender's temporary folder. Returns the settings that name them. Raises
    OutputNotWritable."""
    folder = Path(bpy.app.tempdir)
    paths = {name: folder / f"photo_to_terrain_{name}.npy" for name in FILES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, values in zip(paths.values(), (heights, region), strict=True):
            with written_beside(path) as beside, beside.open("wb") as target:
                np.save(target, values)
    except OSError as problem:
        raise OutputNotWritable(tell("The folder {folder} cannot be written ({reason}).", folder=folder,
                                     reason=problem.strerror or problem)) from problem
    return {name: str(path) for name, path in paths.items()}


CLASSES = (
    PHOTO_TO_TERRAIN_OT_paint_region,
    PHOTO_TO_TERRAIN_OT_region_brush,
    PHOTO_TO_TERRAIN_OT_clear_region,
    PHOTO_TO_TERRAIN_OT_end_region,
    PHOTO_TO_TERRAIN_OT_regenerate_region,
)
