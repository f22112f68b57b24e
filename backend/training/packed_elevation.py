"""The tiles of a pack of crops as elevation files, so that pictures can be rendered where there is no library.

A tile of 384 cells is larger than any window that a picture is rendered from (`viewpoints.random_view`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .crop_pack import CropPack
from .elevation_data import ElevationFile, list_elevation_files

Heights = dict[Path, np.ndarray]


def elevation_files(library: Path, *, validation: bool) -> tuple[list[ElevationFile], Heights]:
    """Files of one split, and heights float32 (rows, cols) in meters of those that need not be read.

    library: a folder, whose files are read when they are first needed, or a pack (`pack_crops`).   Raises FileNotFoundError,
    ValueError.
    """
    if library.is_dir():
        return [file for file in list_elevation_files(library) if file.validation == validation], {}
    pack = CropPack.load(library)
    tiles = held_back(pack) if validation else [
        (tile.astype(np.float32) * scale, float(dx)) for tile, scale, dx in zip(pack.tiles, pack.scale_m, pack.dx_m, strict=True)]
    files, heights = [], {}
    for number, (tile, dx_m) in enumerate(tiles):
        path = library / f"{'validation' if validation else 'training'}_{number}"
        files.append(ElevationFile(path, dx_m, path.name, "in the pack's manifest", validation))
        heights[path] = tile
    return files, heights


def held_back(pack: CropPack) -> list[tuple[np.ndarray, float]]:
    """Validation crops in meters about their mean, and their spacing in meters; steepened as they were when they were drawn."""
    crops, told = pack.held_back()
    dx_m = 2.0 ** (2.0 * told[:, 0] + 4.5)
    unit_m = 4.0 * dx_m * np.exp(0.6 * told[:, 1])
    return [(crop[0] * unit, float(dx)) for crop, unit, dx in zip(crops, unit_m, dx_m, strict=True)]
