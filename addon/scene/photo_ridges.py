"""The picture's own skyline and inner ridges, as the backend leaves them in ridges.json and a terrain's collection keeps them.

No bpy here: a collection is anything that custom properties can be written to.
"""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .pinhole import WIDTH_PX

FILE = "ridges.json"
MARK = "photo_to_terrain_ridges"
"""Custom property of a terrain's collection: the text of ridges.json."""


@dataclass(frozen=True)
class PhotoRidges:
    """Lines of a picture, told WIDTH_PX wide.

    at: float (C,), where its columns lie.   skyline: float (C,), rows, NaN where a column says nothing.
    ridge_columns: int (N,), numbers of columns, rising.   ridge_rows: float (N,), rising within a column.
    jump: change of log range across an inner ridge, at least.
    """

    at: np.ndarray
    skyline: np.ndarray
    ridge_columns: np.ndarray
    ridge_rows: np.ndarray
    jump: float

    def skyline_at(self, u: np.ndarray) -> np.ndarray:
        """float (N,): row of the skyline where u (N,) is, straight between columns; NaN beside a gap."""
        return np.interp(u, self.at, self.skyline, left=np.nan, right=np.nan)

    def ridge_near(self, u: np.ndarray, v: np.ndarray, reach: float) -> np.ndarray:
        """int (N,): number of the inner ridge point nearest to v in the column at u; -1 where none is within `reach`."""
        nearest = np.full(len(u), -1)
        known = np.isfinite(u)
        if not len(self.ridge_rows) or not known.any():
            return nearest
        stride = 4.0 * max(float(self.ridge_rows.max()), float(np.nanmax(v)), 1.0)
        keys = self.ridge_columns * stride + self.ridge_rows
        step = self.at[1] - self.at[0]
        column = np.clip(np.rint((u[known] - self.at[0]) / step), 0, len(self.at) - 1)
        wanted = column * stride + v[known]
        place = np.searchsorted(keys, wanted)
        numbers, least = np.full(len(wanted), -1), np.full(len(wanted), reach)
        for candidate in (place - 1, place):
            at = np.clip(candidate, 0, len(keys) - 1)
            distance = np.abs(keys[at] - wanted)    # beyond `reach` whenever the columns differ
            closer = distance <= least
            numbers[closer], least[closer] = at[closer], distance[closer]
        nearest[known] = numbers
        return nearest


def keep_ridges(collection: MutableMapping[str, Any], folder: Path) -> None:
    """Store the picture's ridges with a terrain; nothing where the job has left none or damaged ones."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    if parsed(text) is not None:
        collection[MARK] = text


def parsed(text: str) -> PhotoRidges | None:
    """The ridges in the text of ridges.json; None where that makes no sense."""
    try:
        content = json.loads(text)
        width, columns = float(content["width"]), np.array(content["columns"], int)
        scale = WIDTH_PX / width
        skyline = np.array([np.nan if row is None else float(row) for row in content["skyline"]]) * scale
        ridge_columns, ridge_rows = np.array(content["ridge_columns"], int), np.array(content["ridge_rows"], float) * scale
        jump = float(content["jump"])
        if len(columns) < 2 or columns.shape != skyline.shape or ridge_columns.shape != ridge_rows.shape:
            return None
        numbers = np.searchsorted(columns, ridge_columns)
        order = np.lexsort((ridge_rows, numbers))
        return PhotoRidges((columns + 0.5) * scale, skyline, numbers[order], ridge_rows[order], jump)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None
