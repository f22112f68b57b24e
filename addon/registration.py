"""What Blender gets to know of us, and forgets again: one list, registered in order, unregistered in reverse."""

import bpy
from bpy.app.handlers import persistent

from . import (
    jobs,
    look_properties,
    mask_watch,
    match_properties,
    object_properties,
    region_properties,
    setup_state,
    shadow_watch,
    translations,
)
from .headless import command
from .installation import task
from .operators import (
    export_heights,
    mask_painting,
    masks,
    match,
    more_variations,
    presets,
    regions,
    remedies,
    set_up,
    terrain_object,
    variations,
)
from .operators.generate import PHOTO_TO_TERRAIN_OT_generate
from .operators.keep_draft import PHOTO_TO_TERRAIN_OT_keep_draft
from .operators.looks import PHOTO_TO_TERRAIN_OT_bake_colors, PHOTO_TO_TERRAIN_OT_cast_shadows
from .operators.waiting import end_timers
from .panels import masks as mask_panels
from .panels import regions as region_panels
from .panels import terrain_object as object_panels
from .panels import variations as variation_panels
from .panels.export import PHOTO_TO_TERRAIN_PT_export
from .panels.generate import PHOTO_TO_TERRAIN_PT_generate
from .panels.looks import PHOTO_TO_TERRAIN_PT_look
from .panels.match import PHOTO_TO_TERRAIN_PT_match
from .panels.picture import PHOTO_TO_TERRAIN_PT_picture
from .panels.settings import PHOTO_TO_TERRAIN_PT_expert, PHOTO_TO_TERRAIN_PT_known
from .panels.story import PHOTO_TO_TERRAIN_PT_refine, PHOTO_TO_TERRAIN_PT_terrain
from .preferences import PHOTO_TO_TERRAIN_Preferences
from .properties import PhotoToTerrainScene, PhotoToTerrainSettings
from .scene import ridge_overlay, terrain_modifiers, viewport
from .scene.draft import drop_draft

CLASSES = (
    PHOTO_TO_TERRAIN_Preferences,
    PhotoToTerrainSettings,
    PhotoToTerrainScene,
    match_properties.PhotoToTerrainMatch,
    PHOTO_TO_TERRAIN_OT_generate,
    remedies.PHOTO_TO_TERRAIN_OT_cancel,
    PHOTO_TO_TERRAIN_OT_keep_draft,
    remedies.PHOTO_TO_TERRAIN_OT_dismiss,
    remedies.PHOTO_TO_TERRAIN_OT_choose_picture,
    remedies.PHOTO_TO_TERRAIN_OT_choose_folder,
    remedies.PHOTO_TO_TERRAIN_OT_lower_resolution,
    remedies.PHOTO_TO_TERRAIN_OT_open_preferences,
    remedies.PHOTO_TO_TERRAIN_OT_show_log,
    PHOTO_TO_TERRAIN_OT_bake_colors,
    PHOTO_TO_TERRAIN_OT_cast_shadows,
    masks.PHOTO_TO_TERRAIN_OT_find_land,
    *mask_painting.CLASSES,
    *match.CLASSES,
    *variations.CLASSES,
    *more_variations.CLASSES,
    *regions.CLASSES,
    *terrain_object.CLASSES,
    *set_up.CLASSES,
    export_heights.PHOTO_TO_TERRAIN_OT_export_heights,
    *presets.CLASSES,
    PHOTO_TO_TERRAIN_PT_terrain,
    PHOTO_TO_TERRAIN_PT_picture,
    PHOTO_TO_TERRAIN_PT_generate,
    *variation_panels.CLASSES,
    PHOTO_TO_TERRAIN_PT_refine,
    *mask_panels.CLASSES,
    PHOTO_TO_TERRAIN_PT_known,
    PHOTO_TO_TERRAIN_PT_expert,
    PHOTO_TO_TERRAIN_PT_match,
    *region_panels.CLASSES,
    PHOTO_TO_TERRAIN_PT_look,
    *object_panels.CLASSES,
    PHOTO_TO_TERRAIN_PT_export,
)
"""A class comes after those it refers to."""


@persistent
def leave_file(*_: object) -> None:
    """Another file is about to be loaded: the running job belongs to this one."""
    jobs.abandon(jobs.Problem("interrupted", translations.tell(
        "Another file was opened while a terrain was in the making. Its finished stages are kept: the same picture goes on from "
        "there.")))
    end_timers()
    shadow_watch.forget()


@persistent
def tidy_file(*_: object) -> None:
    """A file saved in the middle of a job still holds that job's draft."""
    for scene in bpy.data.scenes:
        drop_draft(scene)
    ridge_overlay.forget()
    shadow_watch.watch()
    mask_watch.another_file()


def percent_now(_: bpy.types.WindowManager) -> float:
    """Progress of the set-up or of the running job, for the bar of Blenders before 4.0."""
    running = task.current() or jobs.current()
    return 100 * running.fraction if running else 0.0


def register() -> None:
    """Make the add-on known to Blender."""
    translations.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.photo_to_terrain = bpy.props.PointerProperty(type=PhotoToTerrainScene)
    bpy.types.WindowManager.photo_to_terrain_percent = bpy.props.FloatProperty(
        name="Progress", description="How far the running job is, in percent", subtype="PERCENTAGE", min=0.0, max=100.0,
        precision=0, get=percent_now)
    match_properties.register()
    object_properties.register()
    terrain_modifiers.register()
    viewport.register()
    ridge_overlay.register()
    bpy.app.handlers.load_pre.append(leave_file)
    bpy.app.handlers.load_post.append(tidy_file)
    command.register()
    look_properties.register()
    region_properties.register()
    shadow_watch.follow()
    mask_watch.register()
    mask_panels.register()


def unregister() -> None:
    """Take away all that `register` and the operators have added."""
    mask_panels.unregister()
    command.unregister()
    export_heights.forget()
    if jobs.current():
        tidy_file()
    shadow_watch.unfollow()
    mask_watch.unregister()
    look_properties.unregister()
    region_properties.unregister()
    setup_state.end()
    jobs.stop_all(is_waiting=bpy.app.background)
    end_timers()
    if bpy.app.timers.is_registered(jobs.release_if_idle):
        bpy.app.timers.unregister(jobs.release_if_idle)
    ridge_overlay.unregister()
    viewport.unregister()
    terrain_modifiers.unregister()
    object_properties.unregister()
    match_properties.unregister()
    bpy.app.handlers.load_post.remove(tidy_file)
    bpy.app.handlers.load_pre.remove(leave_file)
    del bpy.types.WindowManager.photo_to_terrain_percent
    del bpy.types.Scene.photo_to_terrain
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    translations.unregister()
