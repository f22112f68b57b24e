"""What a user can choose, written once: the request, the panel, the preset file and the batch file are made from this.

Units end the names. Zero or an empty string means "decide for me" where the description says so. Limits are checked
when a `TerrainSettings` is made, so that a wrong value never reaches the pipeline. Standard library only.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import BadSettings

SAMPLERS = ("few_step", "ddpm_1000")


def option(
    default: Any,
    label: str,
    description: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[str, ...] = (),
    expert: bool = False,
    stage: str = "",
    panel: bool = True,
) -> Any:
    """Declare one setting. `stage` is the first pipeline stage whose result depends on it.

    panel: False for what the add-on fills in itself.
    """
    return field(
        default=default,
        metadata={
            "label": label, "description": description, "min": min, "max": max,
            "choices": choices, "expert": expert, "stage": stage, "panel": panel,
        },
    )


@dataclass(frozen=True)
class TerrainSettings:
    """One job's choices. Raises BadSettings when a value is of the wrong type or outside of its limits."""

    resolution: int = option(
        1024, "Resolution", "Grid points along each side of the finished terrain", min=128, max=4096, stage="camera")
    seed: int = option(
        0, "Seed", "Another number invents another hidden side", min=0, max=2**31 - 1, stage="start")
    fov_x_deg: float = option(
        0.0, "Field of view", "Horizontal field of view of the picture in degrees; 0 reads EXIF or estimates",
        min=0.0, max=150.0, stage="pointmap")
    pitch_deg: float = option(
        0.0, "Pitch", "Camera pitch in degrees, up is positive; used only when Fix Pitch is on",
        min=-80.0, max=80.0, stage="pointmap")
    fix_pitch: bool = option(False, "Fix Pitch", "Use the typed pitch instead of searching for it", stage="pointmap")
    roll_deg: float = option(
        0.0, "Roll", "Camera roll in degrees, clockwise seen from behind the camera", min=-45.0, max=45.0,
        stage="pointmap")
    elevation_range_m: float = option(
        0.0, "Relief", "Height from the lowest to the highest visible ground in meters; 0 estimates it",
        min=0.0, max=9000.0, stage="prior")
    mean_slope_deg: float = option(
        0.0, "Mean slope", "Mean slope of the visible ground in degrees; 0 estimates it", min=0.0, max=80.0,
        expert=True, stage="prior")
    dx_m: float = option(
        0.0, "Spacing", "Distance of neighboring grid points in meters; 0 chooses a power of two that fits the extent",
        min=0.0, max=128.0, expert=True, stage="camera")
    detail_seed: int = option(
        0, "Detail seed", "Another number gives the same sketch of the hidden ground other details; 0 uses the seed",
        min=0, max=2**31 - 1, stage="completed", panel=False)
    sampler: str = option(
        "few_step", "Sampler", "few_step: log-SNR spaced DPM-Solver++; ddpm_1000: the paper's ancestral sampler",
        choices=SAMPLERS, expert=True, stage="completed")
    steps: int = option(8, "Steps", "Steps of the few-step sampler", min=2, max=100, expert=True, stage="completed")
    start_noise: float = option(
        0.5, "Start noise", "t at which the procedural start enters the diffusion (P2P 5.3)", min=0.05, max=1.0,
        expert=True, stage="completed")
    hydrology_weight: float = option(
        1.0, "Drainage", "Weight of the hydrological guidance (P2P eq. 7); 1 is tuned", min=0.0, max=100.0,
        expert=True, stage="completed")
    geomorphology_weight: float = option(
        1.0, "Character", "Weight of the slope and curvature guidance (P2P eq. 8); 1 is tuned", min=0.0, max=100.0,
        expert=True, stage="completed")
    view_weight: float = option(
        1.0, "View", "Weight of the view guidance (P2P eq. 9); 1 is tuned", min=0.0, max=100.0, expert=True,
        stage="completed")
    exact_guidance: bool = option(
        False, "Exact guidance", "Differentiate the guidance through the network: three times slower", expert=True,
        stage="completed")
    polish_rounds: int = option(
        3, "Polish rounds", "Rounds of breach, clamp and denoise (P2P algorithm 4)", min=0, max=8, expert=True,
        stage="polished")
    upsample: int = option(
        1, "Upsample", "Factor by which polishing refines the diffused grid (P2P algorithm 4, u); the finished terrain "
        "has Resolution points either way", min=1, max=4, expert=True, stage="camera")
    mask_path: str = option(
        "", "Mask", "An edited mask picture (red sky, green terrain, blue foreground); empty segments the picture",
        stage="segmentation")
    base_path: str = option(
        "", "Terrain to change", "Heights (terrain.npy or .tif) of a finished terrain of which only a region is made anew",
        stage="start", panel=False)
    region_path: str = option(
        "", "Region", "What to make anew of that terrain: a picture of its size (white) or an .npy file (1)",
        stage="start", panel=False)
    region_seed: int = option(
        0, "Region seed", "Another number invents other ground in the region", min=0, max=2**31 - 1, stage="start",
        panel=False)
    region_seen: bool = option(
        False, "Change seen ground", "Also make anew what the picture shows", stage="start", panel=False)

    def __post_init__(self) -> None:
        for f in fields(self):
            value, limit = getattr(self, f.name), f.metadata
            wanted = type(f.default)
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                object.__setattr__(self, f.name, float(value))
                value = float(value)
            if type(value) is not wanted:
                raise BadSettings(f"{limit['label']} must be a {wanted.__name__}, not {value!r}.")
            if limit["choices"] and value not in limit["choices"]:
                raise BadSettings(f"{limit['label']} must be one of {', '.join(limit['choices'])}, not {value!r}.")
            if wanted in (int, float):
                low, high = limit["min"], limit["max"]
                if not low <= value <= high:
                    raise BadSettings(f"{limit['label']} must be between {low:g} and {high:g}, not {value:g}.")
        if bool(self.base_path) != bool(self.region_path):
            raise BadSettings("A region needs both its mask and the heights of the terrain that it belongs to.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TerrainSettings:
        """Make settings from a decoded JSON object. Raises BadSettings for an unknown name."""
        known = {f.name for f in fields(cls)}
        for name in values:
            if name not in known:
                raise BadSettings(f"There is no setting called {name!r}.")
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> TerrainSettings:
        """Make settings from JSON text. Raises BadSettings when it is no JSON object."""
        try:
            values = json.loads(text)
        except ValueError as problem:
            raise BadSettings(f"The settings are not valid JSON: {problem}.") from problem
        if not isinstance(values, dict):
            raise BadSettings("The settings must be a JSON object.")
        return cls.from_dict(values)

    def to_dict(self) -> dict[str, Any]:
        """All values by name, ready for JSON."""
        return dataclasses.asdict(self)
