"""Where the photograph may lie, against rays marched one by one; what its colors say; the picture of nothing but ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.camera import Camera
from backend.picture import Picture
from backend.scene import Segmentation
from backend.surface import cover, photo_colors
from backend.surface.ground_classes import ground_classes
from backend.surface.photo_weight import DEPTH_CELLS, photo_weight
from backend.terrain import Grid, Terrain

DX = 8.0
GRID = Grid(200, 220, DX, (-DX * 110, DX * 215))
CAMERA = Camera(300, 200, 1.1, 0.02, 0.03, (20.0, -30.0, 190.0))
GREEN, GRAY = (0.30, 0.38, 0.16), (0.52, 0.52, 0.54)


@pytest.fixture(scope="module")
def terrain() -> Terrain:
    """Two walls across the view, the far one higher, on rough ground."""
    rows, cols = np.mgrid[0:GRID.rows, 0:GRID.cols]
    heights = 12 * np.sin(rows / 9.0) * np.cos(cols / 13.0) + 5 * np.sin(rows / 2.1 + cols / 3.3)
    heights += 150 * np.exp(-(((rows - 120 + 0.1 * cols) / 12) ** 2)) + 330 * np.exp(-(((rows - 50) / 16) ** 2))
    return Terrain(GRID, heights.astype(np.float32), {"evidence": np.zeros(GRID.shape, np.uint8)})


def masks(foreground_columns: int = 0, sky_rows: int = 40) -> Segmentation:
    """Sky above, a tree along the left border, land else; at half the picture's size."""
    terrain, sky, front = (np.zeros((100, 150), bool) for _ in range(3))
    front[:, :foreground_columns] = True
    sky[:sky_rows // 2] = True
    sky &= ~front
    terrain |= ~(sky | front)
    return Segmentation(terrain, sky, front, "test")


def picture(rgb: np.ndarray) -> Picture:
    height, width = rgb.shape[:2]
    return Picture(rgb.astype(np.float32), Path("x.jpg"), "0" * 64, original_size=(width, height))


def depth_below_sight(terrain: Terrain, camera: Camera, row: int, col: int) -> float:
    """How far a cell lies below the lowest free line of sight, marched in tenths of a cell over bilinear ground; meters."""
    point = np.array([GRID.x()[col], GRID.y()[row]])
    eye = np.asarray(camera.position_m[:2])
    way = point - eye
    length = float(np.hypot(*way))
    share = np.arange(0.0, 1.0 - 1.2 * DX / length, 0.1 * DX / length)
    x, y = eye[0] + share * way[0], eye[1] + share * way[1]
    c, r = (x - GRID.origin_m[0]) / DX, (GRID.origin_m[1] - y) / DX
    inside = (c >= 0) & (c < GRID.cols - 1) & (r >= 0) & (r < GRID.rows - 1) & (share > 0)
    c, r, share = c[inside], r[inside], share[inside]
    c0, r0 = c.astype(int), r.astype(int)
    fc, fr = c - c0, r - r0
    z = terrain.heights
    ground = (z[r0, c0] * (1 - fc) + z[r0, c0 + 1] * fc) * (1 - fr) + (z[r0 + 1, c0] * (1 - fc) + z[r0 + 1, c0 + 1] * fc) * fr
    if not len(share):
        return -np.inf
    tangent = (ground - camera.position_m[2]) / (share * length)
    return camera.position_m[2] + length * float(tangent.max()) - float(z[row, col])


def test_no_photograph_on_cells_that_other_ground_hides(terrain):
    weight = photo_weight(terrain, CAMERA, masks(sky_rows=0).terrain).weight
    cells = np.argwhere(weight > 0)[::37]
    assert len(cells) > 100
    depths = np.array([depth_below_sight(terrain, CAMERA, *cell) for cell in cells])
    assert (depths > (DEPTH_CELLS + 0.5) * DX).mean() < 0.01    # half a cell of slack: the kernel goes by cells, the march between
    assert depths.max() < 3 * DX


def test_what_lies_in_plain_sight_has_the_photograph(terrain):
    found = photo_weight(terrain, CAMERA, masks(sky_rows=0).terrain)
    inside = ((found.column > 10) & (found.column < 290) & (found.row > 10) & (found.row < 190)
              & (found.distance_m > 5 * DX) & (found.facing > 0.2))
    cells = np.argwhere(inside)[::53]
    in_sight = np.array([depth_below_sight(terrain, CAMERA, *cell) < -0.5 * DX for cell in cells])
    assert in_sight.sum() > 50
    assert (found.weight[tuple(cells[in_sight].T)] > 0.5).mean() > 0.98
    hidden = np.array([depth_below_sight(terrain, CAMERA, *cell) > 2 * DX for cell in cells])
    assert hidden.sum() > 20 and not found.weight[tuple(cells[hidden].T)].any()


def test_sky_and_foreground_give_exactly_nothing(terrain):
    segmentation = masks(foreground_columns=50, sky_rows=60)
    found = photo_weight(terrain, CAMERA, segmentation.terrain)
    inside = (found.column >= 0) & (found.column < 300) & (found.row >= 0) & (found.row < 200) & (found.distance_m > 0)
    column, row = (found.column[inside] / 2).astype(int), (found.row[inside] / 2).astype(int)
    not_ground = ~segmentation.terrain[row, column]
    assert not_ground.sum() > 500
    assert not found.weight[inside][not_ground].any() and found.weight[inside][~not_ground].any()
    assert not found.weight[~inside].any()


def test_facing_is_the_cosine(terrain):
    slope = 0.3
    y = GRID.y()[:, None] + np.zeros((1, GRID.cols))
    plane = Terrain(GRID, (slope * y).astype(np.float32), {"evidence": np.zeros(GRID.shape, np.uint8)})
    facing = photo_weight(plane, CAMERA, masks(sky_rows=0).terrain).facing
    normal = np.array([0.0, -slope, 1.0]) / np.hypot(1.0, slope)
    point = np.array([GRID.x()[100], GRID.y()[60], plane.heights[60, 100]])
    way = np.asarray(CAMERA.position_m) - point
    assert facing[60, 100] == pytest.approx(max(0.0, float(normal @ way / np.linalg.norm(way))), abs=1e-3)


def test_classes_follow_the_shape():
    rows = np.arange(128)[:, None] + np.zeros((1, 128))
    flat = ground_classes(np.zeros((128, 128), np.float32) + rows.astype(np.float32) * 0.1, DX)
    cliff = ground_classes((rows * DX * 1.6).astype(np.float32), DX)
    middle = slice(20, -20)
    assert flat.rock[middle, middle].max() < 0.01 and flat.snow_hold[middle, middle].min() > 0.5
    assert cliff.rock[middle, middle].min() > 0.99 and cliff.snow_hold[middle, middle].max() < 0.01
    random = ground_classes((np.random.default_rng(2).random((90, 90)) * 60).astype(np.float32), DX)
    assert (random.rock + random.scree).max() <= 1.0 + 1e-6 and min(layer.min() for layer in (
        random.rock, random.scree, random.snow_hold)) >= 0


def test_the_palette_is_that_of_the_photograph(terrain):
    rgb = np.empty((200, 300, 3))
    rgb[:] = GRAY
    rgb[120:] = GREEN
    rgb[:40] = (0.35, 0.55, 0.95)    # sky
    rgb[:, :30] = (0.9, 0.1, 0.1)    # a foreground that must not be asked
    surface = cover.cover(picture(rgb), terrain, CAMERA, masks(foreground_columns=16))
    assert surface.colors["grass"] == pytest.approx(list(photo_colors.linear(np.array(GREEN))), abs=0.002)
    rock = photo_colors.linear(np.array(GRAY))
    assert surface.colors["rock"] == pytest.approx(list(rock), abs=0.01) and np.ptp(surface.colors["rock"]) < 0.5 * np.ptp(rock)
    assert surface.colors["snow_line_m"] is None and 0 < surface.colors["photo_share"] < 1


def test_the_snow_line_is_read_from_bright_ground():
    heights = np.linspace(0, 1000, 4000, dtype=np.float32)
    generator = np.random.default_rng(1)
    white = (heights > 640) ^ (generator.random(4000) < 0.05)
    assert photo_colors.snow_line(white, np.ones(4000, bool), heights) < 640
    above = photo_colors.snow_line(white & (heights > 640), np.ones(4000, bool), heights)
    assert 250 < above < 640    # half of what lies above it is white
    assert photo_colors.snow_line(np.zeros(4000, bool), np.ones(4000, bool), heights) is None


def test_sky_and_foreground_are_grown_over_by_ground():
    rgb = np.random.default_rng(4).random((120, 160, 3)).astype(np.float32) * 0.1 + np.array(GRAY, np.float32) * 0.8
    mask = np.zeros((60, 80), bool)
    mask[25:] = True
    mask[:, 30:40] = False
    rgb[:50] = (0.2, 0.5, 1.0)
    rgb[:, 60:80] = (1.0, 0.0, 0.0)
    filled = photo_colors.only_ground(rgb, mask)
    assert filled.shape == rgb.shape and np.isfinite(filled).all()
    assert np.abs(filled[..., 0] - filled[..., 2]).max() < 0.2    # neither the blue sky nor the red tree is left
    assert np.array_equal(filled[60:, 90:], rgb[60:, 90:])        # ground itself is untouched


def test_a_picture_without_any_ground_pixel_is_survived(terrain):
    nothing = Segmentation(*(np.zeros((100, 150), bool) for _ in range(3)), "test")
    surface = cover.cover(picture(np.full((200, 300, 3), 0.4)), terrain, CAMERA, nothing)
    assert not surface.layers[0].any() and surface.colors["photo_share"] == 0
    assert np.isfinite(surface.colors["rock"]).all()


def test_the_tint_meets_the_photograph_and_fades(terrain):
    found = photo_weight(terrain, CAMERA, masks(sky_rows=0).terrain)
    classes = ground_classes(terrain.heights, DX)
    dark = np.full((*GRID.shape, 3), 0.08, np.float32)
    one = np.full(3, 0.16, np.float32)
    tint = photo_colors.tint_map(dark, found, classes, photo_colors.Palette(one, one, one, one, None))
    share = tint[..., 3]
    assert share.max() == pytest.approx(photo_colors.TINT_SHARE) and share.min() < 0.05
    assert np.allclose(tint[..., :3][share > 0.1], 0.5, atol=0.01)    # half as bright as the painted ground, and as gray
    encoded = photo_colors.encoded_tint(tint) / 255.0
    assert np.allclose((2 * encoded[..., :3]) ** 2, tint[..., :3], atol=0.02) and np.allclose(encoded[..., 3], share, atol=0.003)


def test_sky_that_the_mask_took_for_land_is_no_ground():
    rgb = np.full((40, 60, 3), 0.4, np.float32)
    rgb[:20] = (0.3, 0.5, 0.9)
    rgb[20:30] = (0.45, 0.52, 0.60)    # hazy mountains
    ground = photo_colors.ground_mask(rgb, np.ones((20, 30), bool))
    assert not ground[:10].any() and ground[10:].all()


def test_files(terrain, tmp_path):
    surface = cover.cover(picture(np.full((200, 300, 3), 0.4)), terrain, CAMERA, masks())
    cover.write(tmp_path, surface)
    assert {p.name for p in tmp_path.iterdir()} == {"surface.npy", "ground.jpg", "tint.png"}
    assert np.load(tmp_path / "surface.npy").shape == (len(cover.LAYERS), *GRID.shape)
    with Image.open(tmp_path / "ground.jpg") as ground, Image.open(tmp_path / "tint.png") as tint:
        assert ground.size == (300, 200) and max(tint.size) == photo_colors.TINT_CELLS
