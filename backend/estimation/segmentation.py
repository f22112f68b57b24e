"""Terrain, sky and foreground (P2P 4.1): the scene network's masks, fitted to the picture's edges and to common sense.

Three masks, not one: the sky bounds the terrain from above, the foreground hides it and bounds nothing. The paper asks
Grounding DINO for "all mountains" and SAM for masks; here the bundled network answers both, and a mask painted by the
artist overrides it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from ..context import Context
from ..contract.errors import BadSettings, NoTerrainFound
from ..contract.masks import FOREGROUND, SKY, TERRAIN, UNKNOWN
from ..contract.settings import TerrainSettings
from ..networks.scene import ScenePrediction
from ..picture import Picture
from ..scene import Segmentation
from .guided_filter import GuidedFilter
from .resample import resample, resample_color, working_size

STAGE = "segmentation"
WORKING_SIDE_PX = 1000
LEAST_TERRAIN = 0.04
"""Share of the picture below which there is too little land to build from."""
ISLAND = 0.004
"""Share of the picture below which a piece of land floating in the sky counts as cloud or bird."""
SPECK = 0.0006
"""Share of the picture below which a hole or an island takes the class around it."""
SHAPE_TOLERANCE = 0.02
"""By so much the shape of a painted mask may differ from the picture's: small copies of it are rounded to whole pixels."""


def segment(picture: Picture, prediction: ScenePrediction, settings: TerrainSettings, ctx: Context) -> Segmentation:
    """Masks on a grid whose longer side is at most 1000 pixels.

    settings.mask_path: a picture with red sky, green terrain, blue foreground; what is none of them is unknown.
    Raises NoTerrainFound with what was seen instead, BadSettings for a mask that cannot be read.
    """
    if settings.mask_path:
        masks = painted_masks(Path(settings.mask_path), *size_for(picture))
        if masks[TERRAIN].mean() < 0.002:
            raise NoTerrainFound("the painted mask has no green")
        ctx.choice(STAGE, "masks painted by hand", "artist")
        return Segmentation(masks[TERRAIN], masks[SKY], masks[FOREGROUND], "artist")
    refuse_what_is_no_view(picture.rgb)
    labels = found_labels(picture, prediction, ctx)
    masks = [labels == k for k in (SKY, TERRAIN, FOREGROUND)]
    refuse_without_terrain(masks, prediction.probabilities)
    ctx.choice(STAGE, f"{100 * masks[TERRAIN].mean():.0f} % terrain, {100 * masks[SKY].mean():.0f} % sky, "
                      f"{100 * masks[FOREGROUND].mean():.0f} % foreground", "network")
    if not masks[SKY].any():
        ctx.warning(STAGE, "The picture shows no sky, so that nothing caps the ground behind the highest ridge.")
    return Segmentation(masks[TERRAIN], masks[SKY], masks[FOREGROUND], "bundled")


def size_for(picture: Picture) -> tuple[int, int]:
    """(height, width) of the masks: the picture's, reduced to WORKING_SIDE_PX."""
    height, width = picture.rgb.shape[:2]
    return working_size(height, width, WORKING_SIDE_PX)


def found_labels(picture: Picture, prediction: ScenePrediction, ctx: Context) -> np.ndarray:
    """uint8 (H, W) of SKY, TERRAIN, FOREGROUND on the working grid, whatever the picture shows: nothing is refused here."""
    rgb = resample_color(picture.rgb, *size_for(picture))
    ctx.progress(0.1, "fitting the masks to the picture's edges")
    labels = refined_labels(prediction.probabilities, rgb, ctx)
    ctx.progress(0.7, "checking the masks")
    return sensible(labels)


def refined_labels(probabilities: np.ndarray, rgb: np.ndarray, ctx: Context) -> np.ndarray:
    """uint8 (H, W) of SKY, TERRAIN, FOREGROUND: the network's probabilities, sharpened by the picture's own edges.

    Two rounds: a wide filter moves borders to the next edge, a narrow one follows it.
    """
    height, width = rgb.shape[:2]
    scores = [resample(p, height, width) for p in probabilities]
    for radius, epsilon in ((max(4, width // 90), 3e-4), (max(2, width // 250), 1e-4)):
        along = GuidedFilter(rgb, radius, epsilon)
        ctx.check()
        scores = [along(p) for p in scores[:2]]
        ctx.check()
        scores.append(1.0 - scores[0] - scores[1])
    return np.argmax(np.stack(scores), axis=0).astype(np.uint8)


def sensible(labels: np.ndarray) -> np.ndarray:
    """What every landscape obeys.

    Specks take the class around them; land floats in the sky only where it is large (a summit over a sea of clouds);
    sky reaches the top of the picture and never lies under land in its column (snow, lakes, mirrors), but for a few
    pixels under an overhang.
    """
    labels = without_specks(labels, max(4, int(SPECK * labels.size)))
    land = labels != SKY
    pieces, count = ndimage.label(land)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        grounded = np.zeros(count + 1, bool)
        grounded[np.unique(pieces[-1])] = True
        grounded[sizes >= ISLAND * labels.size] = True
        labels = np.where(land & ~grounded[pieces], SKY, labels)
    sky, _ = ndimage.label(labels == SKY)
    open_above = np.zeros(sky.max() + 1, bool)
    open_above[np.unique(sky[0])] = True
    open_above[0] = False
    below_branches = (labels == SKY) & ~open_above[sky] & _only_foreground_above(labels)
    open_above[np.unique(sky[below_branches])] = True
    open_above[0] = False
    labels = np.where((labels == SKY) & ~open_above[sky], TERRAIN, labels)
    tolerance = max(2, labels.shape[0] // 150)
    terrain_above = np.cumsum(labels == TERRAIN, axis=0) > tolerance
    return np.where((labels == SKY) & terrain_above, TERRAIN, labels).astype(np.uint8)


def _only_foreground_above(labels: np.ndarray) -> np.ndarray:
    return np.cumsum(labels == TERRAIN, axis=0) == 0


def without_specks(labels: np.ndarray, smallest: int) -> np.ndarray:
    """Connected pieces of fewer than `smallest` pixels take the class of the nearest larger piece."""
    small = np.zeros(labels.shape, bool)
    for value in (SKY, TERRAIN, FOREGROUND):
        pieces, count = ndimage.label(labels == value)
        if count:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = smallest
            small |= sizes[pieces] < smallest
    if not small.any() or small.all():
        return labels
    nearest = ndimage.distance_transform_edt(small, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]


def refuse_what_is_no_view(rgb: np.ndarray) -> None:
    """Raises NoTerrainFound for what no network need see, by what neighboring pixels have in common.

    Plain color; noise, where neighbors disagree; smooth color without an edge; areas of exactly one color with hard edges
    and nothing between (a screenshot, a chart: in photographs, paintings and scans gentle differences are everywhere).
    """
    gray = rgb.mean(axis=2)
    if float(rgb.std(axis=(0, 1)).max()) < 0.004:
        raise NoTerrainFound("the picture is one plain color")
    centered = gray - gray.mean()
    agreement = float((centered[1:] * centered[:-1]).mean() / max(float((centered * centered).mean()), 1e-12))
    if agreement < 0.3:
        raise NoTerrainFound("the picture is noise: neighboring pixels have nothing in common")
    brightest = rgb.max(axis=2)
    change = 255.0 * (ndimage.maximum_filter(brightest, 3) - ndimage.minimum_filter(brightest, 3))
    if float((change > 12.0).mean()) < 0.003:
        raise NoTerrainFound("the picture is smooth color without a single edge")
    if float((change < 0.5).mean()) > 0.6 and float(((change >= 0.5) & (change < 12.0)).mean()) < 0.02:
        raise NoTerrainFound("the picture has areas of one flat color with hard edges, like a screenshot or a chart")


def refuse_without_terrain(masks: list[np.ndarray], probabilities: np.ndarray) -> None:
    """Raises NoTerrainFound where little is land or the network is unsure of nearly all of it."""
    sky, terrain, foreground = (float(m.mean()) for m in masks)
    if terrain < LEAST_TERRAIN:
        if foreground > max(sky, 0.5):
            raise NoTerrainFound(f"objects in front fill {100 * foreground:.0f} % of the picture")
        if sky > 0.5:
            raise NoTerrainFound(f"the picture is mostly sky ({100 * sky:.0f} %)")
        raise NoTerrainFound(f"only {100 * terrain:.0f} % of the picture look like land")
    if foreground > 0.85:
        raise NoTerrainFound(f"objects in front fill {100 * foreground:.0f} % of the picture")
    land = probabilities.argmax(axis=0) == TERRAIN
    if land.any() and float(probabilities[TERRAIN][land].mean()) < 0.7:
        raise NoTerrainFound("nothing in the picture is surely land")


def painted_masks(path: Path, height: int, width: int) -> list[np.ndarray]:
    """Sky, terrain, foreground, bool (height, width), from a picture with red, green and blue of the same shape.

    Raises BadSettings for what is no picture, or one of another shape than the photograph.
    """
    try:
        with Image.open(path) as image:
            size = image.size
            small = image.convert("RGB").resize((width, height), Image.Resampling.NEAREST)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise BadSettings(f"The mask {path.name} cannot be read as a picture.") from problem
    if abs(size[0] / size[1] * height / width - 1.0) > SHAPE_TOLERANCE:
        raise BadSettings(f"The mask {path.name} has {size[0]} x {size[1]} pixels, another shape than the picture's; "
                          "use one that covers the whole picture.")
    rgb = np.asarray(small, np.int16)
    strongest, clear = rgb.argmax(axis=2), rgb.max(axis=2) - np.sort(rgb, axis=2)[..., 1] > 40
    return [(strongest == k) & clear for k in range(3)]


def labels_of(segmentation: Segmentation) -> np.ndarray:
    """uint8 (H, W) of SKY, TERRAIN, FOREGROUND and UNKNOWN."""
    labels = np.full(segmentation.terrain.shape, UNKNOWN, np.uint8)
    for value, mask in ((SKY, segmentation.sky), (TERRAIN, segmentation.terrain), (FOREGROUND, segmentation.foreground)):
        labels[mask] = value
    return labels
