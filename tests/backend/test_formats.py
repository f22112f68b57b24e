"""Height files read back exactly: values, spacing, place."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from backend.camera import Camera
from backend.contract.height_files import COARSE_STEP_M
from backend.formats import heightmap
from backend.terrain import Grid, Terrain


def make(rows: int = 60, cols: int = 90, relief: float = 900.0, base: float = 100.0) -> Terrain:
    heights = base + relief * np.random.default_rng(3).random((rows, cols))
    return Terrain(Grid(rows, cols, 8.0, (-360.0, 512.0)), heights.astype(np.float32))


def test_geotiff_gives_back_every_bit(tmp_path):
    terrain, path = make(), tmp_path / "où ⛰.tif"
    heightmap.write_geotiff(path, terrain, heightmap.camera_tags(Camera(4, 3, 1.0, 0.1, 0.0, (0.0, 0.0, 250.0))))
    grid, heights, tags = heightmap.read_geotiff(path)
    assert grid == terrain.grid and np.array_equal(heights, terrain.heights)
    assert tags["DX_M"] == "8.0" and tags["AREA_OR_POINT"] == "Area" and tags["UNITS"] == "m"
    assert float(tags["CAMERA_PITCH_DEG"]) == pytest.approx(math.degrees(0.1), abs=1e-5)
    assert tags["CAMERA_POSITION_M"] == "0.000 0.000 250.000"
    assert list(tmp_path.iterdir()) == [path]


def test_geotiff_as_others_read_it(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    terrain = make()
    heightmap.write_geotiff(tmp_path / "t.tif", terrain)
    with rasterio.open(tmp_path / "t.tif") as source:
        assert source.dtypes == ("float32",) and source.nodata is None and source.units == ("m",)
        assert source.xy(0, 0) == terrain.grid.origin_m            # the center of the far left cell
        assert source.bounds.left == -364.0 and source.bounds.top == 516.0
        assert "Photo to Terrain" in source.crs.wkt and not source.crs.is_geographic
        assert source.res == (8.0, 8.0)


@pytest.mark.parametrize("terrain", [
    make(), make(relief=0.0), make(relief=1.0, base=8000.0), make(relief=5000.0, base=-200)])
def test_png_is_exact_to_half_a_step(tmp_path, terrain):
    sidecar = heightmap.write_png(tmp_path / "t.png", terrain)
    grid, heights = heightmap.read_png(tmp_path / "t.png")
    assert grid == terrain.grid
    assert np.abs(heights.astype(float) - terrain.heights).max() <= 0.5 * sidecar["step_m"] * 1.01 + 1e-3
    assert ("warning" in sidecar) == (sidecar["step_m"] > COARSE_STEP_M)
    from PIL import Image
    with Image.open(tmp_path / "t.png") as image:
        gray = np.asarray(image)
    if terrain.heights.max() > terrain.heights.min():
        assert gray.dtype == np.uint16 and gray.min() == 0 and gray.max() == 65535
    assert json.loads((tmp_path / "t.json").read_text()) == sidecar


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    terrain, path = make(), tmp_path / "t.npy"
    heightmap.write_npy(path, terrain.heights)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        heightmap.write_npy(path, terrain.heights * 2)
    assert np.array_equal(np.load(path), terrain.heights) and list(tmp_path.iterdir()) == [path]


def test_writing_nowhere_is_an_oserror(tmp_path: Path):
    with pytest.raises(OSError):
        heightmap.write_geotiff(tmp_path / "none" / "t.tif", make())
    with pytest.raises(OSError):
        heightmap.read_geotiff(tmp_path / "none.tif")
