"""The stages from which a terrain can be made again, in an artist's words. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RedoStage:
    """One of them. name: as in contract/stages.py.   label: for a button.   description: what changes, for its tooltip."""

    name: str
    label: str
    description: str


REDO = (
    RedoStage("segmentation", "Land and Sky",
              "Tell land, sky and foreground apart again, with the mask as it is now. All else follows from that"),
    RedoStage("pointmap", "Distances and Camera",
              "Estimate distances and find the camera again, with the panel's field of view, pitch and roll. Masks stay"),
    RedoStage("prior", "Size", "Set relief and slope again, with the panel's values. Masks and distances stay"),
    RedoStage("camera", "Grid",
              "Lay out the ground again, with the panel's resolution and spacing. What is known of the picture stays"),
    RedoStage("start", "Hidden Ground",
              "Invent another hidden side, as a new terrain with another seed. What the picture shows stays"),
    RedoStage("completed", "Details",
              "Keep the large forms of the hidden ground and invent other details on them, as a new terrain"),
    RedoStage("polished", "Polish",
              "Drain and smooth the same ground again, with the panel's polish rounds. Forms and details stay"),
)
