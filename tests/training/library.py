"""A made-up library of elevation models in the form that backend/training/elevation_data.py reads."""

from __future__ import annotations

from pathlib import Path

import rasterio

from tests.completion.scenes import hills


def write_library(folder: Path, side: int) -> Path:
    """Two files of 30 m and `side` cells: one to train on, one (srtm1_davos) held back."""
    (folder / "30m").mkdir(parents=True)
    rows = []
    for name, seed in (("train", 0), ("srtm1_davos", 1)):
        with rasterio.open(folder / f"30m/{name}.tif", "w", driver="GTiff", height=side, width=side, count=1,
                           dtype="float32") as file:
            file.write(hills(seed, side), 1)
        rows.append(f"| 30m/{name}.tif | 30 | {side} x {side} | 1 | 0 / 1 | 1 | 0 | float32 | none | here | us | CC0 | |")
    (folder / "README.md").write_text("\n".join(rows), encoding="utf-8")
    return folder
