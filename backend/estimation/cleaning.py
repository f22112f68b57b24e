"""Remove stray points (P2P 4.1): DBSCAN (Ester et al. 1996), on points whose distances mean something.

The paper gives neither eps nor min_samples. In meters eps has no good value: neighboring pixels lie a meter apart on
the near meadow and a kilometer on the far ridge. So points are clustered as (column, row, log depth), every axis
divided by what separates neighbors on one surface: one step of the subsample in the picture, and DEPTH_STEP in log
depth. With eps = 1.5 the eight neighbors are reached (a diagonal is 1.41) as long as depth changes by less than about
a third from sample to sample, as on a plain that recedes to the horizon; min_samples = 4 asks for more than a line.
Points strewn between a ridge and what is behind it have no such neighbors: they are noise, and small clusters are
dropped with them.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN

from ..context import Context
from ..contract.errors import ImplausibleGeometry
from ..contract.settings import TerrainSettings
from ..scene import Pointmap, Segmentation

STAGE = "cleaning"
SAMPLES = 8000
EPS, MIN_SAMPLES = 1.5, 4
DEPTH_STEP = 0.3
"""Change of log depth that counts as much as one step of the subsample."""
SMALLEST_CLUSTER = 0.004
"""Share of all samples; smaller clusters are stray."""
MOST_REMOVED = 0.4
"""Where more than this share would go, the depth is rough everywhere and nothing is removed."""


def clean(pointmap: Pointmap, segmentation: Segmentation, settings: TerrainSettings, ctx: Context) -> Pointmap:
    """The pointmap without stray points. Raises ImplausibleGeometry where no point is left."""
    keep = kept_pixels(pointmap, ctx)
    if not keep.any():
        raise ImplausibleGeometry("No two neighboring points of the terrain agree.")
    removed = 1.0 - keep.sum() / max(1, pointmap.mask.sum())
    if removed > MOST_REMOVED:
        ctx.warning(STAGE, f"Distances are rough: {100 * removed:.0f} % of the points look stray and were kept.")
        return pointmap
    ctx.choice(STAGE, f"{100 * removed:.1f} % of the points removed as stray, eps {EPS}, min_samples {MIN_SAMPLES}",
               "default")
    points = np.where(keep[..., None], pointmap.points, np.float32(np.nan))
    return Pointmap(points, keep, pointmap.fov_x_rad, pointmap.metric, pointmap.provider)


def kept_pixels(pointmap: Pointmap, ctx: Context) -> np.ndarray:
    """bool (H, W): pixels whose nearest sample lies in a large cluster."""
    mask = pointmap.mask
    step = max(1, int(np.ceil(np.sqrt(mask.sum() / SAMPLES))))
    log_depth = np.log(np.maximum(np.where(mask, pointmap.points[..., 2], 1.0), 1e-9))
    rows, cols = np.nonzero(mask[step // 2::step, step // 2::step])
    rows, cols = rows * step + step // 2, cols * step + step // 2
    if rows.size < 50:
        return mask
    samples = np.stack([cols / step, rows / step, log_depth[rows, cols] / DEPTH_STEP], axis=1)
    labels = DBSCAN(eps=EPS, min_samples=MIN_SAMPLES).fit_predict(samples)
    ctx.progress(0.5, "removing stray points")
    sizes = np.bincount(labels + 1, minlength=2)
    large = sizes >= max(MIN_SAMPLES, SMALLEST_CLUSTER * rows.size)
    large[0] = False
    good = large[labels + 1]
    if not good.any():
        return np.zeros(mask.shape, bool)
    if good.all():
        return mask
    all_rows, all_cols = np.nonzero(mask)
    points = np.stack([all_cols / step, all_rows / step, log_depth[all_rows, all_cols] / DEPTH_STEP], axis=1)
    _, nearest = cKDTree(samples).query(points, workers=2)
    keep = np.zeros(mask.shape, bool)
    keep[all_rows, all_cols] = good[nearest]
    return keep
