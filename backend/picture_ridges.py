"""What the picture says about ridges: its skyline and the edges of nearer ground before farther ground, for an overlay.

They travel as ridges.json. A column's line lies at column + 0.5; a row is the border on top of that pixel row, counted
downward from the picture's top edge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from .estimation.rasterization import JUMP, horizontal_log_range, nearest_known
from .metrics import skyline_rows
from .scene import PosedScene, Segmentation

FORMAT = 1
MOST_COLUMNS = 1000
"""Columns that are told at most; of a wider picture every second or third."""
SHORTEST = 0.015
"""Of the picture's width: shorter edges inside the terrain are noise of the estimated distances."""
STEP = 0.003
"""Of the picture's width: an edge may be smeared over so many rows."""
STEP_SHARE = 0.45
"""Of the growth of range around an edge that lies in these rows, at least."""


def picture_ridges(segmentation: Segmentation, posed: PosedScene) -> dict[str, Any]:
    """The lines as a JSON object: format, width, height, columns, skyline, ridge_columns, ridge_rows, jump.

    skyline: a row for each of `columns`, null where the column has no land right below sky.   ridge_columns, ridge_rows:
    a pair for each edge pixel inside the terrain.   jump: change of log range across such an edge, at least.
    """
    mask = posed.mask
    height, width = mask.shape
    log_range = nearest_known(horizontal_log_range(posed), mask, segmentation.terrain)
    edges = distance_edges(log_range, segmentation.terrain | mask, max(1, round(STEP * width)))
    edges = long_edges(edges, max(2, round(SHORTEST * width)))
    columns = np.arange(0, width, -(-width // MOST_COLUMNS))
    skyline = skyline_rows(segmentation.sky, segmentation.terrain)[columns]
    rows, at = np.nonzero(edges[:, columns])
    return {
        "format": FORMAT, "width": width, "height": height, "columns": columns.tolist(),
        "skyline": [None if np.isnan(row) else int(row) for row in skyline],
        "ridge_columns": columns[at].tolist(), "ridge_rows": rows.tolist(), "jump": JUMP,
    }


def distance_edges(log_range: np.ndarray, land: np.ndarray, reach: int) -> np.ndarray:
    """bool (H, W): pixels right under ground farther by more than JUMP in log range, `reach` rows taken together.

    Of neighbors that all are, the one where the range grows most from its row to the one above. Ground seen flatly recedes
    as quickly, but evenly: most of the growth within three times as many rows must lie in the middle of them.
    """
    growth = np.zeros(land.shape)
    growth[1:] = np.where(land[1:] & land[:-1], log_range[:-1] - log_range[1:], 0.0)
    together, around = (ndimage.uniform_filter1d(growth, rows, axis=0, mode="constant") * rows for rows in (reach, 3 * reach))
    steepest = growth >= ndimage.maximum_filter1d(growth, 2 * reach + 1, axis=0, mode="constant")
    return (together > JUMP) & (together > STEP_SHARE * around) & steepest & (growth > 0)


def long_edges(edges: np.ndarray, shortest: int) -> np.ndarray:
    """bool (H, W): the connected edges that span at least `shortest` columns."""
    labels, _ = ndimage.label(edges, np.ones((3, 3), bool))
    pieces = ndimage.find_objects(labels)
    spans = np.array([0, *(piece[1].stop - piece[1].start for piece in pieces)])
    return edges & (spans[labels] >= shortest)


def write(path: Path, ridges: dict[str, Any]) -> None:
    """As one line of JSON. Raises OSError."""
    path.write_text(json.dumps(ridges, separators=(",", ":"), allow_nan=False), encoding="utf-8")
