"""Every failure a user can meet: a code for the wire, one sentence, and perhaps a fix the panel draws as a button.

    TerrainError
    ├── BadSettings          a value is outside of its limits
    ├── BadPicture           the file is no picture, or one that cannot be used
    │   ├── UnreadablePicture
    │   ├── PictureTooSmall
    │   └── PictureTooLarge
    ├── NoTerrainFound       nothing in the picture looks like land
    ├── ImplausibleGeometry  the pointmap is nonsense and was refused
    ├── OutputNotWritable    folder read-only, disk full
    ├── OutOfMemory
    ├── MissingWeights       a network's file is not there or damaged
    ├── Cancelled            the user asked to stop
    └── InternalError        a defect of ours; details are in the log

Standard library only: the add-on imports this file too.
"""

from __future__ import annotations

WORDS_OF_SHORTAGE = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc", "can't start new thread",
                     "unable to allocate", "insufficient memory")
"""How libraries say it, in an exception or with their last words."""


class TerrainError(Exception):
    """An expected failure. `str(error)` is one sentence for the user: what is wrong and what to do."""

    code = "error"
    fix: str | None = None


class BadSettings(TerrainError):
    """A setting is outside of its limits."""

    code = "bad_settings"


class BadPicture(TerrainError):
    """The picture cannot be used."""

    code, fix = "bad_picture", "choose_picture"


class UnreadablePicture(BadPicture):
    """The file is missing, damaged or no picture."""

    code = "unreadable_picture"


class PictureTooSmall(BadPicture):
    """The picture has too few pixels to show a mountain."""

    code = "picture_too_small"


class PictureTooLarge(BadPicture):
    """The picture has more pixels than can be decoded safely."""

    code = "picture_too_large"


class NoTerrainFound(TerrainError):
    """Segmentation found no terrain. `reason` says what was seen instead."""

    code, fix = "no_terrain_found", "edit_mask"

    def __init__(self, reason: str):
        super().__init__(f"No mountains found: {reason}. Choose another picture or paint the terrain mask by hand.")


class ImplausibleGeometry(TerrainError):
    """The pointmap contradicts itself or the picture."""

    code, fix = "implausible_geometry", "choose_picture"


class OutputNotWritable(TerrainError):
    """The output folder cannot be written."""

    code, fix = "output_not_writable", "choose_folder"


class OutOfMemory(TerrainError):
    """The job needs more memory than there is. need_gb, free_gb: estimated and free; 0 where not known.

    on_card: it was the graphics card's.
    """

    code, fix = "out_of_memory", "lower_resolution"

    def __init__(self, need_gb: float, free_gb: float, on_card: bool = False):
        if on_card:
            sentence = "The memory of the graphics card ran out. Close other programs that use it, or lower the resolution."
        elif 0.0 < free_gb < need_gb:
            sentence = f"This needs about {need_gb:.1f} GB of memory and {free_gb:.1f} GB are free. Lower the resolution."
        else:    # a limit on this process, or others took it meanwhile
            sentence = (f"Memory ran out; about {need_gb:.1f} GB are needed for this resolution. Close other programs or lower "
                        "the resolution.")
        super().__init__(sentence)


class MissingWeights(TerrainError):
    """A network's weights are missing or damaged."""

    code, fix = "missing_weights", "repair"


class Cancelled(TerrainError):
    """The user asked to stop."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class InternalError(TerrainError):
    """A defect of the program itself; the log has the details."""

    code, fix = "internal", "show_log"


def error_classes() -> dict[str, type[TerrainError]]:
    """Map every wire code to its class."""
    found: dict[str, type[TerrainError]] = {}
    waiting: list[type[TerrainError]] = [TerrainError]
    while waiting:
        kind = waiting.pop()
        found[kind.code] = kind
        waiting.extend(kind.__subclasses__())
    return found
