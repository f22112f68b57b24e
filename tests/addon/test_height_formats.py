"""Height files written with the standard library alone, read back by other people's readers."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from backend.contract.height_files import COARSE_STEP_M
from backend.formats import heightmap
from backend.terrain import Grid, Terrain
from tests.addon import part

png, float_tiff, float_exr = (part(f"formats.{name}") for name in ("png", "float_tiff", "float_exr"))
HeightGrid = part("scene.result_folder").HeightGrid

SHAPES = [(2, 2), (17, 5), (64, 90), (130, 33)]
"""One strip, several, a last one that is shorter; blocks of EXR end inside and at the edge."""


def grid(rows: int = 64, cols: int = 90, relief: float = 900.0, base: float = 100.0):
    random = np.random.default_rng(rows)
    heights = (base + relief * random.random((rows, cols))).astype(np.float32)
    return HeightGrid(heights, 8.0, (-360.0, 512.0))


def hard_heights():
    """Numbers whose bits are easily lost: denormal, signed zero, huge, tiny, negative."""
    values = np.array([0.0, -0.0, 1e-45, -1e-39, 3.4e38, -430.5, 8848.86, np.nextafter(np.float32(1), np.float32(2))] * 6)
    return HeightGrid(values.astype(np.float32).reshape(6, 8), 0.1, (1 / 3, -2.5e5))


@pytest.mark.parametrize("shape", SHAPES)
def test_geotiff_gives_back_every_bit_and_the_place(tmp_path, shape):
    given, path = grid(*shape), tmp_path / "où ⛰.tif"
    float_tiff.write_heights(path, given)
    place, heights, _ = heightmap.read_geotiff(path)
    assert heights.tobytes() == given.heights.tobytes() and heights.dtype == np.float32
    assert (place.rows, place.cols, place.dx_m, place.origin_m) == (*shape, 8.0, (-360.0, 512.0))
    assert list(tmp_path.iterdir()) == [path]


def test_geotiff_says_what_the_backends_says(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    given = grid()
    float_tiff.write_heights(tmp_path / "ours.tif", given)
    terrain = Terrain(Grid(64, 90, 8.0, (-360.0, 512.0)), given.heights)
    heightmap.write_geotiff(tmp_path / "theirs.tif", terrain)
    with rasterio.open(tmp_path / "ours.tif") as ours, rasterio.open(tmp_path / "theirs.tif") as theirs:
        assert ours.crs == theirs.crs and "Photo to Terrain" in ours.crs.wkt
        assert ours.transform == theirs.transform and ours.units == theirs.units == ("m",)
        assert ours.descriptions == ("height",) and ours.nodata is None and ours.dtypes == ("float32",)
        assert ours.tags()["AREA_OR_POINT"] == "Area" and ours.compression.name == "deflate"
    ratio = (tmp_path / "ours.tif").stat().st_size / (tmp_path / "theirs.tif").stat().st_size
    assert ratio < 1.2


def test_geotiff_is_sound_for_a_strict_reader(tmp_path):
    """Tags in order, as TIFF 6.0 wants them, and Pillow's own decoder."""
    given = grid()
    content = float_tiff.encode(given)
    place, = struct.unpack("<I", content[4:8])
    count, = struct.unpack("<H", content[place:place + 2])
    tags = [struct.unpack("<H", content[place + 2 + 12 * k:place + 4 + 12 * k])[0] for k in range(count)]
    assert tags == sorted(set(tags)) and place % 2 == 0
    (tmp_path / "t.tif").write_bytes(content)
    with Image.open(tmp_path / "t.tif") as image:
        assert image.mode == "F" and np.array_equal(np.asarray(image), given.heights)


def test_geotiff_keeps_hard_bits(tmp_path):
    given = hard_heights()
    float_tiff.write_heights(tmp_path / "t.tif", given)
    place, heights, _ = heightmap.read_geotiff(tmp_path / "t.tif")
    assert heights.tobytes() == given.heights.tobytes()
    assert place.dx_m == 0.1 and place.origin_m == pytest.approx((1 / 3, -2.5e5), rel=1e-12)


@pytest.mark.parametrize("given", [
    grid(), grid(relief=0.0), grid(relief=1.0, base=8000.0), grid(relief=5000.0, base=-200), grid(2, 2)])
def test_png_is_exact_to_half_a_step(tmp_path, given):
    said = png.write_heights(tmp_path / "é.png", given)
    place, _ = heightmap.read_png(tmp_path / "é.png")
    assert (place.rows, place.cols, place.dx_m, place.origin_m) == (*given.heights.shape, 8.0, (-360.0, 512.0))
    with Image.open(tmp_path / "é.png") as image:
        gray = np.asarray(image)
    assert gray.dtype == np.uint16
    exact = said["min_m"] + gray / 65535 * (said["max_m"] - said["min_m"])
    assert np.abs(exact - given.heights.astype(float)).max() <= 0.5 * said["step_m"] * (1 + 1e-9)
    if np.ptp(given.heights) > 0:
        assert gray.min() == 0 and gray.max() == 65535
    assert json.loads((tmp_path / "é.json").read_text()) == said
    assert ("warning" in said) == (said["step_m"] > COARSE_STEP_M)
    assert len(list(tmp_path.iterdir())) == 2


def test_png_and_sidecar_are_the_backends(tmp_path):
    given = grid()
    png.write_heights(tmp_path / "ours.png", given)
    heightmap.write_png(tmp_path / "theirs.png", Terrain(Grid(64, 90, 8.0, (-360.0, 512.0)), given.heights))
    with Image.open(tmp_path / "ours.png") as ours, Image.open(tmp_path / "theirs.png") as theirs:
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    assert (tmp_path / "ours.json").read_text() == (tmp_path / "theirs.json").read_text()


def test_png_of_colors(tmp_path):
    colors = np.random.default_rng(1).integers(0, 256, (31, 17, 3)).astype(np.uint8)
    (tmp_path / "c.png").write_bytes(png.encode(colors))
    with Image.open(tmp_path / "c.png") as image:
        assert image.mode == "RGB" and np.array_equal(np.asarray(image), colors)
    with pytest.raises(ValueError, match="float32"):
        png.encode(np.zeros((3, 3), np.float32))


def read_exr(content: bytes) -> tuple[dict[str, bytes], np.ndarray]:
    """Attributes and pixels, read by the book: openexr.com, "OpenEXR File Layout" and ImfZip.cpp's predictor."""
    assert struct.unpack("<2I", content[:8]) == (20000630, 2)
    place, attributes = 8, {}
    while content[place]:
        name, _, rest = content[place:].partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        length, = struct.unpack("<I", rest[:4])
        attributes[name.decode()] = rest[4:4 + length]
        place = len(content) - len(rest) + 4 + length
    x0, y0, x1, y1 = struct.unpack("<4i", attributes["dataWindow"])
    cols, rows = x1 - x0 + 1, y1 - y0 + 1
    blocks = -(-rows // 16)
    offsets = struct.unpack(f"<{blocks}Q", content[place + 1:place + 1 + 8 * blocks])
    assert offsets[0] == place + 1 + 8 * blocks
    lines = []
    for number, offset in enumerate(offsets):
        row, size = struct.unpack("<2i", content[offset:offset + 8])
        assert row == 16 * number
        packed, full = content[offset + 8:offset + 8 + size], 4 * cols * min(16, rows - row)
        if size < full:
            plain = bytearray(zlib.decompress(packed))
            for k in range(1, len(plain)):
                plain[k] = (plain[k - 1] + plain[k] - 128) & 255
            half = (len(plain) + 1) // 2
            packed = bytes(plain[k // 2 + half * (k % 2)] for k in range(len(plain)))
        lines.append(np.frombuffer(packed, "<f4").reshape(-1, cols))
    return attributes, np.concatenate(lines)


@pytest.mark.parametrize("given", [*(grid(*shape) for shape in SHAPES), hard_heights()])
def test_exr_gives_back_every_bit(tmp_path, given):
    float_exr.write_heights(tmp_path / "é.exr", given)
    attributes, heights = read_exr((tmp_path / "é.exr").read_bytes())
    assert heights.tobytes() == given.heights.tobytes()
    said = json.loads(attributes["comments"])
    assert said["dx_m"] == given.dx_m and tuple(said["origin_m"]) == given.origin_m and said["unit"] == "m"
    assert attributes["channels"].startswith(b"Y\0\x02\0\0\0")


def test_smooth_ground_is_packed(tmp_path):
    rows, cols = np.mgrid[0:256, 0:256]
    smooth = HeightGrid((300 * np.sin(rows / 40) * np.cos(cols / 50)).astype(np.float32), 8.0, (0.0, 0.0))
    plain = smooth.heights.nbytes
    assert len(float_exr.encode(smooth)) < plain and len(float_tiff.encode(smooth)) < 0.8 * plain
    _, heights = read_exr(float_exr.encode(smooth))
    assert np.array_equal(heights, smooth.heights)


@pytest.mark.parametrize("writer", [png, float_tiff, float_exr])
def test_a_failed_write_leaves_the_old_files(tmp_path, monkeypatch, writer):
    path = tmp_path / "t.png"
    path.write_text("old")
    path.with_suffix(".json").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        writer.write_heights(path, grid())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.json", "t.png"]
    assert path.read_text() == path.with_suffix(".json").read_text() == "old"
