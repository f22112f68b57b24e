"""Height files: float32 GeoTIFF, 16-bit PNG with a JSON sidecar, plain .npy. Each is written beside and renamed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..camera import Camera
from ..contract.height_files import LOCAL_CRS, PNG_LEVELS, SOFTWARE, gray_levels, sidecar, written_beside
from ..terrain import Grid, Terrain


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
                target.update_tags(AREA_OR_POINT="Area", SOFTWARE=SOFTWARE, UNITS="m",
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
    grid = terrain.grid
    said = sidecar(low, high, grid.rows, grid.cols, grid.dx_m, grid.origin_m)
    with written_beside(path) as beside:
        Image.fromarray(gray_levels(terrain.heights, low, high)).save(beside, format="PNG", compress_level=3)
    with written_beside(path.with_suffix(".json")) as beside:
        beside.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return said


def read_png(path: Path) -> tuple[Grid, np.ndarray]:
    """What `write_png` wrote, exact to half a gray step: (grid, float32 heights). Raises OSError."""
    from PIL import Image

    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with Image.open(path) as image:
        gray = np.asarray(image).astype(np.float64)
    low, high = said["min_m"], said["max_m"]
    heights = (low + gray / PNG_LEVELS * (high - low)).astype(np.float32)
    return Grid(said["rows"], said["cols"], said["dx_m"], tuple(said["origin_m"])), heights


def write_npy(path: Path, array: np.ndarray) -> None:
    """A plain .npy, the format in which arrays cross to the add-on. Raises OSError."""
    with written_beside(path) as beside:
        np.save(beside, np.ascontiguousarray(array), allow_pickle=False)
