"""What is believed before the geometry is solved (P2P 4.2): mean slope, relief and pitch, each with spread and source.

The paper asks a vision-language model; here the scene network answers. The artist's own number beats both. All fill the
same small object, and later stages never ask where a number came from.
"""

from __future__ import annotations

import math

from ..context import Context
from ..contract.settings import TerrainSettings
from ..networks.scene import ScenePrediction
from ..picture import Picture
from ..scene import Estimate, Pointmap, Prior, Segmentation

STAGE = "prior"
SLOPE_LIMITS_RAD = (math.radians(1.0), math.radians(80.0))
RELIEF_LIMITS_M = (10.0, 9000.0)
PITCH_MEAN_RAD, PITCH_SPREAD_RAD = math.radians(-0.04), math.radians(8.82)
"""Of about 3000 mountain photographs (GeoPose3K, in P2P 4.2)."""
DEFAULT_SLOPE_RAD, DEFAULT_SLOPE_SPREAD_RAD = math.radians(22.0), math.radians(8.0)
DEFAULT_RELIEF_M = 600.0
DEFAULT_LOG_RELIEF_SPREAD = 0.8
FLAT_SLOPE_RAD, FLAT_RELIEF_M = math.radians(4.0), 60.0


def estimate(picture: Picture, segmentation: Segmentation, pointmap: Pointmap, prediction: ScenePrediction,
             settings: TerrainSettings, ctx: Context) -> Prior:
    """Artist's values, else the network's where they are possible, else what mountain pictures have on average."""
    prior = Prior(_slope(prediction, settings, ctx), _relief(prediction, settings, ctx), _pitch(prediction, settings))
    if prior.mean_slope_rad.value < FLAT_SLOPE_RAD or prior.elevation_range_m.value < FLAT_RELIEF_M:
        ctx.warning(STAGE, "The landscape looks nearly flat: the terrain is low and its relief little more than a guess.")
    ctx.choice(STAGE, f"mean slope {math.degrees(prior.mean_slope_rad.value):.0f} degrees", prior.mean_slope_rad.source)
    ctx.choice(STAGE, f"relief {prior.elevation_range_m.value:.0f} m", prior.elevation_range_m.source)
    return prior


def _slope(prediction: ScenePrediction, settings: TerrainSettings, ctx: Context) -> Estimate:
    if settings.mean_slope_deg > 0:
        return Estimate(math.radians(settings.mean_slope_deg), math.radians(0.5), "artist")
    value, spread = float(prediction.mean_slope), float(prediction.mean_slope_spread)
    if SLOPE_LIMITS_RAD[0] <= value <= SLOPE_LIMITS_RAD[1] and spread > 0:
        return Estimate(value, spread, "network")
    if 0 <= value < SLOPE_LIMITS_RAD[0]:
        return Estimate(SLOPE_LIMITS_RAD[0], max(spread, math.radians(1.0)), "network")
    ctx.warning(STAGE, "The estimated mean slope was impossible; the average of mountain pictures is used.")
    return Estimate(DEFAULT_SLOPE_RAD, DEFAULT_SLOPE_SPREAD_RAD, "default")


def _relief(prediction: ScenePrediction, settings: TerrainSettings, ctx: Context) -> Estimate:
    if settings.elevation_range_m > 0:
        return Estimate(settings.elevation_range_m, 0.01 * settings.elevation_range_m, "artist")
    log_value, spread = float(prediction.log_relief), float(prediction.log_relief_spread)
    if math.isfinite(log_value) and math.log(RELIEF_LIMITS_M[0]) <= log_value <= math.log(RELIEF_LIMITS_M[1]):
        value = math.exp(log_value)
        return Estimate(value, value * max(spread, 0.05), "network")
    if log_value < math.log(RELIEF_LIMITS_M[0]):
        return Estimate(RELIEF_LIMITS_M[0], RELIEF_LIMITS_M[0], "network")
    ctx.warning(STAGE, "The estimated relief was impossible; the average of mountain pictures is used.")
    return Estimate(DEFAULT_RELIEF_M, DEFAULT_RELIEF_M * DEFAULT_LOG_RELIEF_SPREAD, "default")


def _pitch(prediction: ScenePrediction, settings: TerrainSettings) -> Estimate:
    if settings.fix_pitch:
        return Estimate(math.radians(settings.pitch_deg), 0.0, "artist")
    value, spread = float(prediction.pitch), float(prediction.pitch_spread)
    if math.isfinite(value) and abs(value) < math.radians(70.0) and 0 < spread < math.radians(30.0):
        return Estimate(value, max(spread, math.radians(1.0)), "network")
    return Estimate(PITCH_MEAN_RAD, PITCH_SPREAD_RAD, "GeoPose3K")
