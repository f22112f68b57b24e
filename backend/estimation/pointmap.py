"""A 3D point for every terrain pixel (P2P 4.1), from the scene network's affine log depth and a field of view.

The scale is free: only the shape is used (P2P 7.2 finds metric scales of depth networks an order of magnitude off for
mountains). The paper takes MoGe-2; any provider fills the same Pointmap.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ..camera import Camera
from ..context import Context
from ..contract.settings import TerrainSettings
from ..networks.scene import ScenePrediction
from ..picture import Picture
from ..scene import Pointmap, Segmentation
from .guided_filter import GuidedFilter
from .monotone import rising_ranges
from .plausibility import check_depth, check_field_of_view
from .resample import resample, resample_color

STAGE = "pointmap"
EDGE_WEIGHT = 0.1
"""Trust in a pixel on a jump of depth, against 1 on open ground."""
SMOOTH_REACH = 0.1
"""Distance in log range from the mean around it up to which a pixel is smoothed."""
JUMP = 0.04
"""Change of log depth from pixel to pixel, at 1000 pixels across, at which half of the trust is gone."""


def estimate(picture: Picture, segmentation: Segmentation, prediction: ScenePrediction, settings: TerrainSettings,
             ctx: Context) -> Pointmap:
    """Points of all terrain pixels, cleaned of whatever cannot be a heightfield. Raises ImplausibleGeometry."""
    fov, source = field_of_view(picture, prediction, settings)
    check_field_of_view(fov)
    ctx.choice(STAGE, f"field of view {math.degrees(fov):.1f} degrees", source)
    mask = segmentation.terrain
    height, width = mask.shape
    raw = np.exp(resample(np.nan_to_num(prediction.log_depth, nan=np.nan), height, width).astype(np.float64))
    check_depth(raw, mask)
    ctx.progress(0.2, "fitting distances to the picture's edges")
    log_depth = sharp_log_depth(prediction.log_depth, prediction.probabilities[1], mask,
                                resample_color(picture.rgb, height, width))
    ctx.progress(0.7, "ordering distances")
    pitch = math.radians(settings.pitch_deg) if settings.fix_pitch else prediction.pitch
    camera = Camera(width, height, fov, pitch, math.radians(settings.roll_deg))
    points = heightfield_points(log_depth, mask, camera)
    return Pointmap(points, mask, fov, False, "bundled")


def field_of_view(picture: Picture, prediction: ScenePrediction, settings: TerrainSettings) -> tuple[float, str]:
    """Horizontal field of view in radians and who said so: the artist, else EXIF, else the network."""
    if settings.fov_x_deg > 0:
        return math.radians(settings.fov_x_deg), "artist"
    if picture.exif_fov_x_rad:
        return picture.exif_fov_x_rad, "exif"
    return float(prediction.fov_x), "network"


def sharp_log_depth(log_depth: np.ndarray, land: np.ndarray, mask: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """float32 (H, W): coarse log depth on the mask's grid, following the picture's edges.

    log_depth: (h, w), means nothing off land.   land: (h, w), probability of terrain.   mask: bool (H, W).   rgb: guide.
    What is not land takes the nearest land's depth first, so that neither sky nor foreground seeps in; ramps over a
    ridge that the coarse grid smeared become steps again.
    """
    height, width = mask.shape
    sure = ndimage.binary_erosion(land > 0.5, border_value=1)
    if not sure.any():
        sure = land > 0.5
    if sure.any():
        nearest = ndimage.distance_transform_edt(~sure, return_distances=False, return_indices=True)
        log_depth = log_depth[tuple(nearest)]
    fine = resample(log_depth, height, width)
    blur = max(1, round(width / log_depth.shape[1]))
    fine = GuidedFilter(rgb, 2 * blur, 1e-3)(fine)
    return steps_from_ramps(fine, blur + 1)


def steps_from_ramps(values: np.ndarray, radius: int, least: float = 0.12) -> np.ndarray:
    """Where `values` climb by more than `least` within 2 radius + 1 pixels and by little around, snap to the nearer end.

    The ramp must be a smeared step: most of the change within three times that window lies in its middle. Ground that
    recedes evenly is left alone.
    """
    size = 2 * radius + 1
    low, high = ndimage.minimum_filter(values, size), ndimage.maximum_filter(values, size)
    wide = ndimage.maximum_filter(high, 2 * size + 1) - ndimage.minimum_filter(low, 2 * size + 1)
    is_step = (high - low > least) & (high - low > 0.6 * wide)
    snapped = np.where(values - low < high - values, low, high)
    return np.where(is_step, snapped, values).astype(np.float32)


def trust(log_depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """float32 (H, W): weight of every pixel's depth, small on jumps and at the rim of the mask."""
    scale = mask.shape[1] / 1000.0
    jump = np.zeros(mask.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(log_depth, axis=axis)) * scale
        before, after = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        before[axis], after[axis] = (1, 0), (0, 1)
        jump = np.maximum(jump, np.maximum(np.pad(step, before), np.pad(step, after)))
    weight = 1.0 / (1.0 + (jump / JUMP) ** 2)
    rim = mask & ~ndimage.binary_erosion(mask, iterations=2, border_value=1)
    return np.maximum(np.where(rim, 0.3 * weight, weight), EDGE_WEIGHT).astype(np.float32)


def smooth_surfaces(log_range: np.ndarray, mask: np.ndarray, scale: float) -> np.ndarray:
    """float32 (H, W): a Gaussian across columns, within the mask, but for jumps between surfaces, which stay.

    scale: of lengths in pixels, 1 at 1000 pixels across.
    """
    sigma = (1.5 * scale, 7.0 * scale)
    inside = mask.astype(np.float32)
    weight = ndimage.gaussian_filter(inside, sigma, truncate=2.5)
    mean = ndimage.gaussian_filter(np.where(mask, log_range, 0.0), sigma, truncate=2.5) / np.maximum(weight, 1e-6)
    keep = np.exp(-(((log_range - mean) / SMOOTH_REACH) ** 2))
    return np.where(mask, keep * mean + (1.0 - keep) * log_range, log_range).astype(np.float32)


def heightfield_points(log_depth: np.ndarray, mask: np.ndarray, camera: Camera) -> np.ndarray:
    """float32 (H, W, 3) camera frame, NaN outside `mask`: ranges made to rise in every column (`monotone`).

    Columns are fitted one by one, which leaves streaks; so the fit is smoothed along surfaces and fitted again.
    """
    height, width = mask.shape
    rays = camera.rays_camera(width, height)
    directions = rays @ camera.rotation().T.astype(np.float32)
    run = np.maximum(np.hypot(directions[..., 0], directions[..., 1]), 0.05)
    ground, tangent = np.log(run), directions[..., 2] / run
    weights = trust(log_depth, mask)
    fit = rising_ranges(log_depth + ground, tangent, mask, weights, camera.roll_rad)
    fit = smooth_surfaces(fit, mask, width / 1000.0)
    log_range = rising_ranges(fit, tangent, mask, weights, camera.roll_rad)
    points = rays * np.exp(log_range - ground)[..., None]
    return np.where(mask[..., None], points, np.float32(np.nan)).astype(np.float32)
