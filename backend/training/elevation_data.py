"""Real elevation models for training and validation: which files, which split, and how to read them.

The library is a folder of GeoTIFFs grouped by nominal spacing (`1m/` ... `90m/`) with a README whose table states
region, source and license of every file. Files whose license is not stated are not used. Validation regions are disjoint
from training regions: the split is by place, so that a place that occurs at two spacings stays on one side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

DEFAULT_LIBRARY = Path(__file__).resolve().parents[3] / "shared" / "data" / "dem"

VALIDATION_NAMES = frozenset({
    "swissalti3d_gurten",  # 2 m, the only file of its spacing: validation tells whether 2 m generalizes
    "tirol_avamal_1", "tirol_avahit_3",
    "swisstopo_davosdorf", "srtm1_davos",  # the same valley at 10 and 30 m
    "nzdem_ruapehu",
    "srtm1_baspa_2", "srtm1_missoula",
    "os50_skye", "os50_lake_district",
    "srtm3_n46e008", "srtm3_n37w119", "srtm3_n27e086", "srtm3_n42e001", "srtm3_n44w110", "srtm3_s33w071",
})
"""File stems held back from training."""


@dataclass(frozen=True)
class ElevationFile:
    """One file of the library: path, spacing in meters, region and license as the library's README states them."""

    path: Path
    dx_m: float
    region: str
    license: str
    validation: bool


def list_elevation_files(library: Path = DEFAULT_LIBRARY) -> list[ElevationFile]:
    """List every file of `library` whose license is stated, sorted by path.

    Raises FileNotFoundError when `library` holds no README.md.
    """
    rows = {}
    for line in (library / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 12 and re.fullmatch(r"\d+m/\S+\.tif", cells[0]):
            rows[cells[0]] = cells
    files = []
    for name, cells in sorted(rows.items()):
        path = library / name
        license_ = cells[11]
        if path.exists() and license_ and "not stated" not in license_:
            files.append(ElevationFile(path, float(cells[1]), cells[9], license_, path.stem in VALIDATION_NAMES))
    return files


def read_elevation(file: ElevationFile) -> np.ndarray:
    """Read heights in meters, float32 (rows, cols), NaN where the file has no data."""
    with rasterio.open(file.path) as source:
        raw = source.read(1, masked=True)
        return raw.astype(np.float32).filled(np.nan) * np.float32(source.scales[0])
