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
from .estimation.silhouettes import edge_pixels
from .metrics import skyline_rows
from .scene import PosedScene, Segmentation

FORMAT = 1
MOST_COLUMNS = 1000
"""Columns that are told at most; of a wider picture every second or third."""
SHORTEST = 0.015
"""Of the picture's width: shorter edges inside the terrain are noise of the estimated distances."""


def picture_ridges(segmentation: Segmentation, posed: PosedScene) -> dict[str, Any]:
    """The lines as a JSON object: format, width, height, columns, skyline, ridge_columns, ridge_rows, jump.

    skyline: a row for each of `columns`, null where the column has no land right below sky.   ridge_columns, ridge_rows:
    a pair for each edge pixel inside the terrain.   jump: change of log range across such an edge, at least.
    """
    mask = posed.mask
    height, width = mask.shape
    jump = JUMP * 1000.0 / width
    land = segmentation.terrain | mask
    log_range = nearest_known(horizontal_log_range(posed), mask, segmentation.terrain)
    edges = long_edges(edge_pixels(segmentation.sky, land, log_range, jump)[1], max(2, round(SHORTEST * width)))
    columns = np.arange(0, width, -(-width // MOST_COLUMNS))
    skyline = skyline_rows(segmentation.sky, segmentation.terrain)[columns]
    rows, at = np.nonzero(edges[:, columns])
    return {
        "format": FORMAT, "width": width, "height": height, "columns": columns.tolist(),
        "skyline": [None if np.isnan(row) else int(row) for row in skyline],
        "ridge_columns": columns[at].tolist(), "ridge_rows": rows.tolist(), "jump": round(jump, 4),
    }


def long_edges(edges: np.ndarray, shortest: int) -> np.ndarray:
    """bool (H, W): the connected edges that span at least `shortest` columns."""
    labels, _ = ndimage.label(edges, np.ones((3, 3), bool))
    pieces = ndimage.find_objects(labels)
    spans = np.array([0, *(piece[1].stop - piece[1].start for piece in pieces)])
    return edges & (spans[labels] >= shortest)


def write(path: Path, ridges: dict[str, Any]) -> None:
    """As one line of JSON. Raises OSError."""
    path.write_text(json.dumps(ridges, separators=(",", ":"), allow_nan=False), encoding="utf-8")
