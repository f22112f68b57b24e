"""The terrain's skyline and inner ridges as a camera sees them, and how far they are from the picture's. No bpy here.

From the eye, vertical planes fan out over the grid. In each, rows of cells follow each other from near to far, and ground
is seen where its rise over run beats all before it (a running maximum). Ground that is followed by hidden ground and then
by ground farther away, or by nothing, is a ridge. This does not depend on where the camera looks or on its lens: turning
and zooming only project the same points again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .photo_ridges import PhotoRidges
from .pinhole import WIDTH_PX, Pinhole
from .result_folder import HeightGrid

PLANES = 512
"""Vertical planes over the picture's width."""

MOST_SAMPLES = 1 << 19
"""Points looked at in one go, so that a large grid is answered as quickly: its planes become fewer."""

REACH_PX = 30.0
"""An inner ridge farther than this from any of the picture's has no counterpart there."""

TOLERANCE_M = 5.0
"""Off by less is drawn as right: figure 14 of Pixels2Peaks."""


@dataclass(frozen=True)
class Ridges:
    """Ridge points of a terrain. points: float64 (N, 3).   planes, rows: int (N,), the vertical plane and the grid's row,
    counted from near.   is_skyline: bool (N,)."""

    points: np.ndarray
    planes: np.ndarray
    rows: np.ndarray
    is_skyline: np.ndarray


@dataclass(frozen=True)
class Compared:
    """Ridges in the picture, WIDTH_PX wide, rows downward.

    u, v: float (N,), NaN outside of the picture.   wanted: float (N,), the row where the picture has this ridge, NaN where
    it has none.   off_px, off_m: float (N,), positive where the terrain is too high.   pairs: int (M, 2), points that lie
    side by side on one ridge.   is_skyline: bool (N,).   height_px: of the picture.
    """

    u: np.ndarray
    v: np.ndarray
    wanted: np.ndarray
    off_px: np.ndarray
    off_m: np.ndarray
    pairs: np.ndarray
    is_skyline: np.ndarray
    height_px: float

    def median(self, skyline: bool) -> tuple[float, float] | None:
        """Median distance in pixels and in meters of the skyline, or of the inner ridges; None without a counterpart."""
        known = np.isfinite(self.off_px) & (self.is_skyline == skyline)
        if not known.any():
            return None
        return float(np.median(np.abs(self.off_px[known]))), float(np.median(np.abs(self.off_m[known])))


def ridges_of(grid: HeightGrid, eye_m: np.ndarray, fan: tuple[float, float], jump: float,
              planes: int = PLANES) -> Ridges:
    """The ridges of a terrain. eye_m: (3,).   fan: least and greatest x / y.   jump: change of log range that makes a ridge."""
    rows, cols = grid.heights.shape
    ahead = grid.origin_m[1] - grid.dx_m * np.arange(rows)[::-1] - eye_m[1]    # from near to far
    first = int(np.searchsorted(ahead, 0.5 * grid.dx_m))
    ahead = ahead[first:].astype(np.float32)
    count = len(ahead)
    planes = max(2, min(planes, MOST_SAMPLES // max(count, 1)))
    slopes = np.linspace(*fan, planes, dtype=np.float32)
    if not count:
        return Ridges(np.zeros((0, 3)), *(np.zeros(0, int),) * 2, np.zeros(0, bool))
    place = ahead[:, None] * (slopes / np.float32(grid.dx_m))
    place += np.float32((eye_m[0] - grid.origin_m[0]) / grid.dx_m)
    left = np.clip(place, 0, cols - 2).astype(np.int32)
    share = place - left
    flat = left + (np.arange(rows - 1 - first, -1, -1, dtype=np.int32) * cols)[:, None]
    near_side = grid.heights.ravel().take(flat)
    heights = near_side + share * (grid.heights.ravel().take(flat + 1) - near_side)
    rise = (heights - np.float32(eye_m[2])) / ahead[:, None]
    rise[(share < 0) | (share > 1)] = -np.inf
    best = running(np.maximum, rise)
    is_seen = np.isfinite(rise)
    is_seen[1:] &= rise[1:] > best[:-1]
    number = np.arange(count, dtype=np.int32)[:, None]
    following = np.full((count, planes), count, np.int32)
    following[:-1] = running(np.minimum, np.where(is_seen, number, np.int32(count))[:0:-1])[::-1]
    at, plane = np.nonzero(is_seen & (following > number + 1))
    last = following[at, plane]
    is_skyline = last == count
    log_range = np.log(ahead)
    kept = is_skyline | (log_range[np.minimum(last, count - 1)] - log_range[at] > jump)
    at, plane, is_skyline = at[kept], plane[kept], is_skyline[kept]
    # The farthest row has no following one to be hidden by, so it is not in `at` yet.
    (edge,) = np.nonzero(is_seen[-1])
    at, plane = np.concatenate([at, np.full(len(edge), count - 1)]), np.concatenate([plane, edge])
    is_skyline = np.concatenate([is_skyline, np.ones(len(edge), bool)])
    points = np.stack([eye_m[0] + slopes[plane] * ahead[at], eye_m[1] + ahead[at], heights[at, plane]], axis=-1)
    return Ridges(points.astype(np.float64), plane, at, is_skyline)


def running(extreme: np.ufunc, values: np.ndarray) -> np.ndarray:
    """(R, C): extreme.accumulate(values, axis=0), several times as fast: whole rows at a time."""
    result = values.copy()
    for row in range(1, len(result)):
        extreme(result[row - 1], result[row], out=result[row])
    return result


def compare(ridges: Ridges, camera: Pinhole, photo: PhotoRidges) -> Compared:
    """Where the ridges are in the picture and how far that is from the picture's own."""
    u, v, _ = camera.project(ridges.points)
    with np.errstate(invalid="ignore"):
        inside = (u >= 0) & (u <= WIDTH_PX) & (v >= 0) & (v <= camera.height_px)
    u, v = np.where(inside, u, np.nan), np.where(inside, v, np.nan)
    wanted = np.where(ridges.is_skyline, photo.skyline_at(u), counterparts(ridges, u, v, photo))
    run = np.hypot(*(ridges.points[:, :2] - camera.eye_m[:2]).T)
    off_m = ridges.points[:, 2] - camera.eye_m[2] - run * camera.tangents(u, wanted)
    pairs = neighbors(ridges.planes, ridges.rows, np.maximum(2, ridges.rows // 20))
    return Compared(u, v, wanted, wanted - v, off_m, pairs, ridges.is_skyline, camera.height_px)


def counterparts(ridges: Ridges, u: np.ndarray, v: np.ndarray, photo: PhotoRidges) -> np.ndarray:
    """float (N,): row of the picture's inner ridge that belongs to each inner ridge point, NaN where none does.

    It is the nearest in the picture, and the point is the nearest to it in its vertical plane: one ridge answers one.
    """
    nearest = np.where(ridges.is_skyline, -1, photo.ridge_near(u, v, REACH_PX))
    (some,) = np.nonzero(nearest >= 0)
    rows = photo.ridge_rows[nearest[some]]
    order = np.lexsort((np.abs(rows - v[some]), nearest[some], ridges.planes[some]))
    some, rows = some[order], rows[order]
    first = np.ones(len(some), bool)
    first[1:] = (np.diff(nearest[some]) != 0) | (np.diff(ridges.planes[some]) != 0)
    belongs = np.full(len(u), np.nan)
    belongs[some[first]] = rows[first]
    return belongs


def neighbors(columns: np.ndarray, rows: np.ndarray, reach: np.ndarray | int) -> np.ndarray:
    """int (M, 2): pairs of points in adjacent columns whose rows differ by at most `reach`, each with its nearest.

    columns, rows: int (N,), not negative, no point twice.   reach: int, or (N,).
    """
    if len(columns) < 2:
        return np.zeros((0, 2), int)
    stride = int(rows.max()) + 1
    keys = columns.astype(np.int64) * stride + rows
    order = np.argsort(keys)
    ordered = keys[order]
    wanted = keys + stride
    place = np.searchsorted(ordered, wanted)
    best = np.full(len(keys), -1)
    least = np.full(len(keys), np.iinfo(np.int64).max)
    for candidate in (place - 1, place):
        known = np.clip(candidate, 0, len(keys) - 1)
        fits = (candidate >= 0) & (candidate < len(keys)) & (columns[order[known]] == columns + 1)
        distance = np.abs(ordered[known] - wanted)
        closer = fits & (distance < least) & (distance <= reach)
        best[closer], least[closer] = order[known][closer], distance[closer]
    (linked,) = np.nonzero(best >= 0)
    return np.stack([linked, best[linked]], axis=-1)


def first_ground(grid: HeightGrid, eye_m: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
    """(3,): the first ground that a ray from the eye meets, or None. direction: (3,), it must lead toward +y."""
    if direction[1] <= 0:
        return None
    rows, cols = grid.heights.shape
    ahead = grid.origin_m[1] - grid.dx_m * np.arange(rows)[::-1] - eye_m[1]
    ahead, heights = ahead[ahead > 0], grid.heights[::-1][ahead > 0]
    place = (eye_m[0] + ahead * direction[0] / direction[1] - grid.origin_m[0]) / grid.dx_m
    inside = (place >= 0) & (place <= cols - 1)
    ahead, heights, place = ahead[inside], heights[inside], place[inside]
    left = np.clip(place.astype(int), 0, cols - 2)
    number = np.arange(len(place))
    ground = heights[number, left] + (place - left) * (heights[number, left + 1] - heights[number, left])
    above = ground - (eye_m[2] + ahead * direction[2] / direction[1])
    (hits,) = np.nonzero(above >= 0)
    if not len(hits):
        return None
    hit = hits[0]
    run = ahead[hit]
    if hit > 0:    # between two rows the ground is taken as straight
        run -= (ahead[hit] - ahead[hit - 1]) * above[hit] / (above[hit] - above[hit - 1])
    return eye_m + direction * (run / direction[1])
