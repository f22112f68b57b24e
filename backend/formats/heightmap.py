"""Height files: float32 GeoTIFF, 16-bit PNG with a JSON sidecar, plain .npy. Each is written beside and renamed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..camera import Camera
from ..contract.version import VERSION
from ..terrain import Grid, Terrain

LOCAL_CRS = 'LOCAL_CS["Photo to Terrain, camera at the origin",UNIT["metre",1],AXIS["Right",EAST],AXIS["Away",NORTH]]'
"""The terrain frame of a picture whose place on Earth is unknown: an engineering frame in meters."""

PNG_LEVELS = 65535

COARSE_STEP_M = 0.02
"""A 16-bit height image with coarser steps than this shows terraces in a close render; the sidecar then warns."""


@contextlib.contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder; takes the place of `path` when the block ends well, else it vanishes."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_geotiff(path: Path, terrain: Terrain, tags: dict[str, str] | None = None) -> None:
    """Heights in meters as one float32 band with the terrain's CRS, or the local one.

    The affine transform maps pixel *corners*, so that the center of cell (0, 0) is `grid.origin_m`
    (AREA_OR_POINT=Area). Raises OSError.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.transform import Affine

    grid = terrain.grid
    dx = grid.dx_m
    corner = Affine(dx, 0.0, grid.origin_m[0] - 0.5 * dx, 0.0, -dx, grid.origin_m[1] + 0.5 * dx)
    profile = {
        "driver": "GTiff", "width": grid.cols, "height": grid.rows, "count": 1, "dtype": "float32", "transform": corner,
        "crs": rasterio.crs.CRS.from_wkt(terrain.crs or LOCAL_CRS), "compress": "deflate", "predictor": 3, "zlevel": 6,
        "tiled": True, "blockxsize": 256, "blockysize": 256,
    }
    with written_beside(path) as beside:
        try:
            with rasterio.open(beside, "w", **profile) as target:
                target.write(terrain.heights, 1)
                target.set_band_description(1, "height")
                target.set_band_unit(1, "m")
                target.update_tags(AREA_OR_POINT="Area", SOFTWARE=f"Photo to Terrain {VERSION}", UNITS="m",
                                   DX_M=repr(dx), **(tags or {}))
        except RasterioError as problem:    # GDAL's own errors say nothing of errno
            raise OSError(str(problem)) from problem


def read_geotiff(path: Path) -> tuple[Grid, np.ndarray, dict[str, str]]:
    """What `write_geotiff` wrote: (grid, float32 heights, tags). Raises OSError."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path) as source:
            t = source.transform
            origin = (t.c + 0.5 * t.a, t.f + 0.5 * t.e)
            return Grid(source.height, source.width, t.a, origin), source.read(1), source.tags()
    except RasterioError as problem:
        raise OSError(str(problem)) from problem


def camera_tags(camera: Camera) -> dict[str, str]:
    """The matched camera as GeoTIFF tags, degrees and meters."""
    x, y, z = camera.position_m
    return {
        "CAMERA_PITCH_DEG": f"{np.degrees(camera.pitch_rad):.6f}",
        "CAMERA_ROLL_DEG": f"{np.degrees(camera.roll_rad):.6f}",
        "CAMERA_FOV_X_DEG": f"{np.degrees(camera.fov_x_rad):.6f}",
        "CAMERA_POSITION_M": f"{x:.3f} {y:.3f} {z:.3f}",
    }


def write_png(path: Path, terrain: Terrain) -> dict[str, Any]:
    """Heights as 16-bit gray over the full range, and `path` with .json saying how to read it. Returns the sidecar.

    Height = min_m + gray / 65535 * (max_m - min_m). Row 0 is the far side. Raises OSError.
    """
    from PIL import Image

    low, high = float(terrain.heights.min()), float(terrain.heights.max())
    scale = PNG_LEVELS / (high - low) if high > low else 0.0
    gray = np.round((terrain.heights.astype(np.float64) - low) * scale).astype(np.uint16)
    step = (high - low) / PNG_LEVELS
    grid = terrain.grid
    sidecar: dict[str, Any] = {
        "min_m": low, "max_m": high, "step_m": step, "dx_m": grid.dx_m, "rows": grid.rows, "cols": grid.cols,
        "origin_m": list(grid.origin_m), "bits": 16, "formula": "height_m = min_m + gray / 65535 * (max_m - min_m)",
        "origin": "x, y of the center of the pixel in row 0, column 0, the far left one; y falls with the rows",
        "version": VERSION,
    }
    if step > COARSE_STEP_M:
        sidecar["warning"] = f"One gray step is {100 * step:.1f} cm; use the GeoTIFF where terraces would show."
    with written_beside(path) as beside:
        Image.fromarray(gray).save(beside, format="PNG", compress_level=3)
    with written_beside(path.with_suffix(".json")) as beside:
        beside.write_text(json.dumps(sidecar, indent=1) + "\n", encoding="utf-8")
    return sidecar


def read_png(path: Path) -> tuple[Grid, np.ndarray]:
    """What `write_png` wrote, exact to half a gray step: (grid, float32 heights). Raises OSError."""
    from PIL import Image

    sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with Image.open(path) as image:
        gray = np.asarray(image).astype(np.float64)
    low, high = sidecar["min_m"], sidecar["max_m"]
    heights = (low + gray / PNG_LEVELS * (high - low)).astype(np.float32)
    return Grid(sidecar["rows"], sidecar["cols"], sidecar["dx_m"], tuple(sidecar["origin_m"])), heights


def write_npy(path: Path, array: np.ndarray) -> None:
    """A plain .npy, the format in which arrays cross to the add-on. Raises OSError."""
    with written_beside(path) as beside:
        np.save(beside, np.ascontiguousarray(array), allow_pickle=False)
