"""Make ranges rise upward in every picture column.

Seen from one point, a heightfield's horizontal range never falls when the gaze climbs in one vertical plane: whatever
is higher in the picture is farther away or the same wall. Where a depth network says otherwise (curtains between a
ridge and what lies behind it, spikes) the closest ranges that obey are taken: isotonic regression of the logarithm,
weighted, by pooling adjacent violators (Ayer et al. 1955). Where that leaves a wall the range climbs a little with
every pixel, as ground no steeper than STEEPEST does: walls of one range are rare in nature and common in errors.
"""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True)
def _columns(log_range, mask, weights, shear):
    rows, cols = log_range.shape
    out = log_range.copy()
    value, weight = np.empty(rows), np.empty(rows)
    size = np.empty(rows, np.int64)
    row_of, col_of = np.empty(rows, np.int64), np.empty(rows, np.int64)
    reach = int(abs(shear) * rows) + 1
    for start in range(-reach, cols + reach):
        count, blocks = 0, 0
        for i in range(rows - 1, -1, -1):
            j = start + round(shear * (i - 0.5 * rows))
            if j < 0 or j >= cols or not mask[i, j]:
                continue
            row_of[count], col_of[count] = i, j
            count += 1
            value[blocks], weight[blocks], size[blocks] = log_range[i, j], weights[i, j], 1
            blocks += 1
            while blocks > 1 and value[blocks - 2] > value[blocks - 1]:
                total = weight[blocks - 2] + weight[blocks - 1]
                value[blocks - 2] += (value[blocks - 1] - value[blocks - 2]) * weight[blocks - 1] / total
                weight[blocks - 2] = total
                size[blocks - 2] += size[blocks - 1]
                blocks -= 1
        k = 0
        for b in range(blocks):
            for _ in range(size[b]):
                out[row_of[k], col_of[k]] = value[b]
                k += 1
    return out


STEEPEST = math.tan(math.radians(65.0))


def rising_ranges(log_range: np.ndarray, tangent: np.ndarray, mask: np.ndarray, weights: np.ndarray,
                  roll_rad: float = 0.0, steepest: float = STEEPEST) -> np.ndarray:
    """float32 (H, W): the weighted least-squares fit to `log_range` that makes a heightfield in every column.

    log_range: log of the horizontal range.   tangent: of each pixel's elevation above the horizontal.   mask: bool,
    pixels that count; the others come back unchanged.   weights: positive, how far a pixel is trusted.   roll_rad: of
    the camera; columns lean by it.   steepest: rise over run of the steepest ground, inf for walls.

    With z = R T, ground that rises by s over run has dR / R = dT / (s - T): the least climb of log R with the tangent.
    """
    climb = -np.log(np.maximum(steepest - tangent.astype(np.float64), 0.05)) if math.isfinite(steepest) else 0.0
    fit = _columns(log_range - climb, mask, weights.astype(np.float64), math.tan(roll_rad)) + climb
    return np.where(mask, fit, log_range).astype(np.float32)
