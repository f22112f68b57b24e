"""preview.png: the photograph, the terrain from the matched camera, a pulled-back view and a plan, two by two."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kernels.raycast import render_range, world_points
from kernels.shadow import cast_shadow

from .camera import Camera
from .picture import Picture
from .terrain import EVIDENCE_INFERRED, Grid, Terrain

PANEL_WIDTH = 800
GAP, CAPTION = 12, 34
SUPERSAMPLE = 2

PAPER = (0.965, 0.96, 0.95)
INK = (48, 46, 44)
FRUSTUM = (196, 38, 30)
SEEN = np.array([0.87, 0.82, 0.72], np.float32)
INFERRED = np.array([0.50, 0.58, 0.70], np.float32)
WALL = np.array([0.36, 0.33, 0.31], np.float32)
SKY_TOP, SKY_LOW = np.array([0.50, 0.66, 0.84], np.float32), np.array([0.86, 0.90, 0.93], np.float32)
GRASS, ROCK, SNOW = (np.array(c, np.float32) for c in ((0.40, 0.43, 0.28), (0.50, 0.46, 0.42), (0.93, 0.94, 0.96)))

SUN_AZIMUTH, SUN_ELEVATION = math.radians(-75.0), math.radians(38.0)
"""From the left and a little ahead: side light shows relief best."""

PLAN_SUN_AZIMUTH = math.radians(-45.0)
"""From the upper left, as maps have it; other light turns valleys into ridges for the eye."""


def draw(picture: Picture, terrain: Terrain, camera: Camera) -> Image.Image:
    """The whole sheet, RGB, about 1600 pixels wide."""
    height = min(max(round(PANEL_WIDTH * camera.height / camera.width), 300), 800)
    light = sunlight(terrain, SUN_AZIMUTH, with_shadows=True)
    panels = [
        ("Photograph", fitted(photograph(picture), PANEL_WIDTH, height)),
        ("Terrain from the matched camera", matched_view(terrain, camera, light, height)),
        ("Pulled back: seen ground is light, inferred ground is blue",
         pulled_back_view(terrain, camera, light, height)),
        (plan_caption(terrain), plan(terrain, camera, height)),
    ]
    sheet = Image.new("RGB", (2 * PANEL_WIDTH + 3 * GAP, 2 * (height + CAPTION) + GAP), _rgb(PAPER))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for index, (caption, image) in enumerate(panels):
        x = GAP + (index % 2) * (PANEL_WIDTH + GAP)
        y = (index // 2) * (height + CAPTION) + CAPTION
        sheet.paste(image, (x, y))
        pen.text((x + 2, y - 26), caption, INK, font)
    return sheet


def plan_caption(terrain: Terrain) -> str:
    """What the plan shows, in numbers."""
    grid, low, high = terrain.grid, float(terrain.heights.min()), float(terrain.heights.max())
    width, depth = grid.cols * grid.dx_m / 1000, grid.rows * grid.dx_m / 1000
    size = f"{width:.1f} x {depth:.1f} km, {grid.rows} x {grid.cols} points, {grid.dx_m:g} m apart"
    return f"Plan: {size}, {low:.0f} to {high:.0f} m"


def photograph(picture: Picture) -> Image.Image:
    """The picture as an 8-bit image."""
    return Image.fromarray((np.clip(picture.rgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The image scaled to fit, centered on paper."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (width, height), _rgb(PAPER))
    sheet.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return sheet


def sunlight(terrain: Terrain, azimuth_rad: float, with_shadows: bool) -> np.ndarray:
    """float32 (rows, cols): brightness of every cell by ambient light and sun; azimuth 0 is +y, right is positive."""
    grid = terrain.grid
    fall_y, fall_x = np.gradient(terrain.heights, grid.dx_m)
    normal_length = np.sqrt(fall_x**2 + fall_y**2 + 1.0)
    flat = math.cos(SUN_ELEVATION)
    sun = (math.sin(azimuth_rad) * flat, math.cos(azimuth_rad) * flat, math.sin(SUN_ELEVATION))
    facing = np.maximum((-fall_x * sun[0] + fall_y * sun[1] + sun[2]) / normal_length, 0.0)
    sky = 0.5 + 0.5 / normal_length
    if with_shadows:
        facing = facing * ~cast_shadow(terrain.heights, grid.dx_m, azimuth_rad, SUN_ELEVATION)
    return (0.40 * sky + 0.95 * facing).astype(np.float32)


def natural_colors(terrain: Terrain) -> np.ndarray:
    """float32 (rows, cols, 3): grass where it is low and flat, rock where steep, snow on high gentle ground."""
    fall_y, fall_x = np.gradient(terrain.heights, terrain.grid.dx_m)
    slope = np.hypot(fall_x, fall_y)
    low, high = np.percentile(terrain.heights, (2, 99))
    level = np.clip((terrain.heights - low) / max(high - low, 1e-6), 0, 1)
    rock = _smooth_step(slope + 0.5 * level, 0.45, 0.95)[..., None]
    is_alpine = _smooth_step(np.asarray(high - low), 700, 1500)
    snow = (_smooth_step(level - 0.25 * slope, 0.78, 0.94) * is_alpine)[..., None]
    ground = GRASS * (1 - rock) + ROCK * rock
    return ground * (1 - snow) + SNOW * snow


def matched_view(terrain: Terrain, camera: Camera, light: np.ndarray, height: int) -> Image.Image:
    """What the camera of the picture sees of the terrain."""
    w = min(PANEL_WIDTH, round(height * camera.width / camera.height))
    h = min(height, max(1, round(w * camera.height / camera.width)))
    ranges = render_range(terrain.heights, terrain.grid.dx_m, terrain.grid.origin_m, camera.position_m, camera.pitch_rad,
                          camera.fov_x_rad, w * SUPERSAMPLE, h * SUPERSAMPLE, roll_rad=camera.roll_rad)
    points = world_points(ranges, camera.position_m, camera.pitch_rad, camera.fov_x_rad, roll_rad=camera.roll_rad)
    colors = _sample(natural_colors(terrain) * light[..., None], terrain.grid, points)
    far = np.isfinite(ranges)
    reach = np.percentile(ranges[far], 98) if far.any() else 1.0
    haze = (1 - np.exp(-0.9 * np.where(far, ranges, 0) / max(reach, 1.0)))[..., None] * 0.62
    down = np.linspace(0, 1, ranges.shape[0], dtype=np.float32)[:, None, None]
    sky = SKY_TOP * (1 - down) + SKY_LOW * down
    view = np.where(far[..., None], colors * (1 - haze) + SKY_LOW * haze, sky)
    return fitted(_image(view, w, h), PANEL_WIDTH, height)


def pulled_back_view(terrain: Terrain, camera: Camera, light: np.ndarray, height: int) -> Image.Image:
    """The terrain as a block seen from behind and above the camera, with the camera's frustum."""
    grid = terrain.grid
    foot = float(terrain.heights.min()) - 0.05 * grid.cols * grid.dx_m
    view = overview(grid, foot, float(terrain.heights.max()), camera, PANEL_WIDTH, height)
    ranges = render_range(terrain.heights, grid.dx_m, grid.origin_m, view.position_m, view.pitch_rad, view.fov_x_rad,
                          PANEL_WIDTH * SUPERSAMPLE, height * SUPERSAMPLE, yaw_rad=YAW)
    points = world_points(ranges, view.position_m, view.pitch_rad, view.fov_x_rad, YAW)
    inferred = (terrain.layers["evidence"] == EVIDENCE_INFERRED)[..., None]
    colors = _sample(np.where(inferred, INFERRED, SEEN) * light[..., None], grid, points)
    surface = _sample(terrain.heights[..., None], grid, points)[..., 0]
    x, y = grid.x(), grid.y()
    inside = ((points[..., 0] - x[0] > 0.01 * grid.dx_m) & (x[-1] - points[..., 0] > 0.01 * grid.dx_m)
              & (y[0] - points[..., 1] > 0.01 * grid.dx_m) & (points[..., 1] - y[-1] > 0.01 * grid.dx_m))
    is_wall = ~inside & (points[..., 2] < surface - 0.02 * grid.dx_m)
    colors = np.where(is_wall[..., None], WALL, colors)
    shown = np.isfinite(ranges) & (points[..., 2] > foot)
    image = _image(np.where(shown[..., None], colors, np.array(PAPER, np.float32)), PANEL_WIDTH, height)
    pen = ImageDraw.Draw(image)
    reach = 0.4 * (grid.y()[0] - camera.position_m[1])
    corners = [camera.to_terrain(ray * reach) for ray in _corner_rays(camera)]
    project = _projector(view)
    eye = project(np.array(camera.position_m))
    outline = [project(corner) for corner in corners]
    for start, end in [*zip(outline, outline[1:] + outline[:1], strict=True), *((eye, corner) for corner in outline)]:
        pen.line([start, end], FRUSTUM, 2)
    pen.ellipse([eye[0] - 5, eye[1] - 5, eye[0] + 5, eye[1] + 5], FRUSTUM)
    return image


YAW, OVERVIEW_PITCH, OVERVIEW_FOV = math.radians(24.0), math.radians(-33.0), math.radians(36.0)


def overview(grid: Grid, low: float, high: float, camera: Camera, width: int, height: int) -> Camera:
    """A camera behind the picture's one that sees it and the block from `low` to `high` (turn it right by YAW)."""
    x, y = grid.x(), grid.y()
    corners = np.array([(a, b, c) for a in (x[0], x[-1]) for b in (y[0], y[-1]) for c in (low, high)]
                       + [camera.position_m])
    center = np.array([x.mean(), y.mean(), 0.5 * (low + high)])
    size = float(np.linalg.norm(np.ptp(corners, axis=0)))
    right = np.array([math.cos(YAW), -math.sin(YAW), 0.0])
    back = np.array([math.sin(YAW) * math.cos(OVERVIEW_PITCH), math.cos(YAW) * math.cos(OVERVIEW_PITCH),
                     math.sin(OVERVIEW_PITCH)])
    up = np.cross(right, back)
    for distance in np.arange(0.6, 4.0, 0.04) * size:
        target = center
        for _ in range(3):    # center what is seen
            view = Camera(width, height, OVERVIEW_FOV, OVERVIEW_PITCH, 0.0, tuple(target - back * distance))
            spots = np.array([_projector(view)(corner) for corner in corners])
            if not np.isfinite(spots).all():
                break
            off = (spots.min(axis=0) + spots.max(axis=0) - (width, height)) / 2 * distance / view.focal_px
            target = target + right * off[0] - up * off[1]
        if np.isfinite(spots).all() and (np.ptp(spots, axis=0) < (width - 24, height - 24)).all():
            break
    return view


def plan(terrain: Terrain, camera: Camera, height: int) -> Image.Image:
    """Seen from above, far side up: shaded relief in elevation colors, inferred ground paler, camera and frustum."""
    grid, heights = terrain.grid, terrain.heights
    low, high = np.percentile(heights, (1, 99))
    level = np.clip((heights - low) / max(high - low, 1e-6), 0, 1)
    colors = np.stack([np.interp(level, (0, 0.3, 0.6, 0.85, 1), tone) for tone in (
        (0.36, 0.62, 0.80, 0.74, 0.97), (0.52, 0.66, 0.72, 0.64, 0.96), (0.38, 0.44, 0.52, 0.56, 0.96))], -1)
    inferred = (terrain.layers["evidence"] == EVIDENCE_INFERRED)[..., None]
    colors = np.where(inferred, 0.5 * INFERRED + 0.5 * colors, colors)
    colors = colors * sunlight(terrain, PLAN_SUN_AZIMUTH, with_shadows=False)[..., None] * 1.12
    x, y = grid.x(), grid.y()
    half = 0.5 * grid.dx_m
    left, right, far, near = x[0] - half, x[-1] + half, y[0] + half, y[-1] - half
    cx, cy = camera.position_m[:2]
    box_left, box_right = min(left, cx), max(right, cx)
    box_far, box_near = max(far, cy), min(near, cy)
    scale = min((PANEL_WIDTH - 40) / (box_right - box_left), (height - 40) / (box_far - box_near))
    to_px = _plan_projector(0.5 * (box_left + box_right), 0.5 * (box_far + box_near), scale, PANEL_WIDTH, height)
    sheet = Image.new("RGB", (PANEL_WIDTH, height), _rgb(PAPER))
    (x0, y0), (x1, y1) = to_px(left, far), to_px(right, near)
    relief = Image.fromarray(_bytes(colors))
    size = max(1, round(x1 - x0)), max(1, round(y1 - y0))
    sheet.paste(relief.resize(size, Image.Resampling.LANCZOS), (round(x0), round(y0)))
    pen = ImageDraw.Draw(sheet)
    eye, reach = to_px(cx, cy), far - cy
    for side in (-1, 1):
        pen.line([eye, to_px(cx + side * reach * math.tan(0.5 * camera.fov_x_rad), far)], FRUSTUM, 2)
    pen.ellipse([eye[0] - 5, eye[1] - 5, eye[0] + 5, eye[1] + 5], FRUSTUM)
    _scale_bar(pen, scale, height)
    return sheet


def _scale_bar(pen: ImageDraw.ImageDraw, scale: float, height: int) -> None:
    wanted = 120 / scale
    length = 10 ** math.floor(math.log10(wanted))
    length *= next(factor for factor in (5, 2, 1) if factor * length <= wanted)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    y = height - 24
    pen.line([(16, y), (16 + length * scale, y)], INK, 3)
    pen.text((16, y - 22), text, INK, ImageFont.load_default(size=15))


def _plan_projector(center_x: float, center_y: float, scale: float, width: int, height: int):
    def to_px(x: float, y: float) -> tuple[float, float]:
        return 0.5 * width + (x - center_x) * scale, 0.5 * height - (y - center_y) * scale
    return to_px


def _projector(view: Camera):
    """Terrain point -> pixel of `view` turned right by YAW."""
    turn = np.array([[math.cos(YAW), -math.sin(YAW), 0.0], [math.sin(YAW), math.cos(YAW), 0.0], [0.0, 0.0, 1.0]])
    eye = np.asarray(view.position_m)

    def project(point: np.ndarray) -> tuple[float, float]:
        u, v, depth = view.project(turn @ (np.asarray(point, float) - eye) + eye)
        return (float(u), float(v)) if depth > 0 else (math.inf, math.inf)
    return project


def _corner_rays(camera: Camera) -> np.ndarray:
    tan_x = math.tan(0.5 * camera.fov_x_rad)
    tan_y = tan_x * camera.height / camera.width
    return np.array([(-tan_x, -tan_y, 1.0), (tan_x, -tan_y, 1.0), (tan_x, tan_y, 1.0), (-tan_x, tan_y, 1.0)])


def _sample(layer: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """Bilinear values of a (rows, cols, n) layer below the points; what lies outside takes the border's."""
    x, y = np.nan_to_num(points[..., 0]), np.nan_to_num(points[..., 1])
    col = np.clip((x - grid.origin_m[0]) / grid.dx_m, 0, grid.cols - 1.001).astype(np.float32)
    row = np.clip((grid.origin_m[1] - y) / grid.dx_m, 0, grid.rows - 1.001).astype(np.float32)
    c, r = col.astype(np.int32), row.astype(np.int32)
    fc, fr = (col - c)[..., None], (row - r)[..., None]
    near = layer[r, c] * (1 - fc) + layer[r, c + 1] * fc
    return near * (1 - fr) + (layer[r + 1, c] * (1 - fc) + layer[r + 1, c + 1] * fc) * fr


def _image(colors: np.ndarray, width: int, height: int) -> Image.Image:
    """Supersampled colors 0..1 to an image of the given size."""
    return Image.fromarray(_bytes(colors)).resize((width, height), Image.Resampling.BOX)


def _bytes(colors: np.ndarray) -> np.ndarray:
    return (np.clip(colors, 0, 1) * 255 + 0.5).astype(np.uint8)


def _rgb(color: tuple[float, float, float]) -> tuple[int, int, int]:
    return tuple(round(255 * c) for c in color)  # type: ignore[return-value]


def _smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
