"""The ray caster against brute force, the camera, and the traps: holes, cameras outside, flat ground, looking down."""

import math

import numpy as np
import pytest

from backend.camera import Camera
from kernels.cpu.threads import set_thread_count
from kernels.raycast import RaycastInputError, pixel_rays, render_range, sunlit, world_points, z_depth


def hills(size=96, seed=0):
    rng = np.random.default_rng(seed)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    f[0, 0] = 1
    spectrum = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    z = np.fft.ifft2(spectrum * f**-1.8).real
    return ((z - z.min()) / np.ptp(z) * 600).astype(np.float32)


def bilinear(heights, x, y):
    rows, cols = heights.shape
    outside = (x < 0) | (y < 0) | (x > cols - 1) | (y > rows - 1)
    c, r = np.clip(x.astype(int), 0, cols - 2), np.clip(y.astype(int), 0, rows - 2)
    fx, fy = x - c, y - r
    z = (heights[r, c] * (1 - fx) + heights[r, c + 1] * fx) * (1 - fy) + (
        heights[r + 1, c] * (1 - fx) + heights[r + 1, c + 1] * fx
    ) * fy
    return np.where(outside, -np.inf, z)


def brute_force(heights, dx, origin, camera, pitch, fov, width, height, step_cells=0.02):
    rays = pixel_rays(pitch, fov, width, height).astype(np.float64)
    ground = np.hypot(rays[..., 0], rays[..., 1])
    out = np.full((height, width), np.inf)
    for k in range(int(2 * max(heights.shape) / step_cells)):
        t = k * step_cells * dx
        x = (camera[0] + rays[..., 0] / ground * t - origin[0]) / dx
        y = (origin[1] - camera[1] - rays[..., 1] / ground * t) / dx
        hit = (bilinear(heights, x, y) >= camera[2] + rays[..., 2] / ground * t) & np.isinf(out)
        out[hit] = t
    return out


@pytest.mark.parametrize(
    "pitch_deg, camera",
    [(0, (0.0, 0.0, 640.0)), (-20, (100.0, 50.0, 700.0)), (15, (30.0, -400.0, 330.0)), (-8, (0.0, -1500.0, 900.0))],
)
def test_matches_a_brute_force_march(pitch_deg, camera):
    heights, dx, origin = hills(), 20.0, (-950.0, 1500.0)
    z = bilinear(heights, np.array((camera[0] - origin[0]) / dx), np.array((origin[1] - camera[1]) / dx))
    camera = (camera[0], camera[1], max(camera[2], float(z) + 5))
    view = math.radians(pitch_deg), math.radians(60), 60, 40
    exact, slow = render_range(heights, dx, origin, camera, *view), brute_force(heights, dx, origin, camera, *view)
    agree = np.isfinite(exact) == np.isfinite(slow)
    assert agree.mean() > 0.998
    both = np.isfinite(exact) & np.isfinite(slow)
    error = np.abs(exact[both] - slow[both])
    assert both.any() and np.quantile(error, 0.99) < 0.03 * dx and (error > dx).mean() < 0.003


def test_skyline_of_a_table_mountain_is_within_half_a_pixel():
    n, dx = 101, 10.0
    yy, xx = np.mgrid[0:n, 0:n]
    heights = np.clip(500 - 8.0 * np.maximum(abs(xx - 50), abs(yy - 50)), 0, 300).astype(np.float32)
    camera = Camera(1000, 600, math.radians(50), math.radians(6), position_m=(0.0, -1500.0, 40.0))
    ranges = render_range(
        heights, dx, (-500.0, 500.0), camera.position_m, camera.pitch_rad, camera.fov_x_rad, 1000, 600
    )
    u, v, _ = camera.project(np.array([[0.0, -250.0, 300.0]]))
    first = np.isfinite(ranges[:, int(u[0])]).argmax()
    assert abs(first + 0.5 - v[0]) <= 1.0


def test_points_agree_with_the_camera_and_lie_on_the_ground():
    heights, dx, origin = hills(), 20.0, (-950.0, 1500.0)
    camera = Camera(90, 60, 1.0, -0.2, position_m=(40.0, 60.0, 700.0))
    ranges = render_range(heights, dx, origin, camera.position_m, camera.pitch_rad, camera.fov_x_rad, 90, 60)
    points = world_points(ranges, camera.position_m, camera.pitch_rad, camera.fov_x_rad)
    seen = np.isfinite(ranges)
    u, v, depth = camera.project(points[seen].astype(np.float64))
    i, j = np.nonzero(seen)
    assert np.abs(u - j - 0.5).max() < 0.01 and np.abs(v - i - 0.5).max() < 0.01
    assert np.allclose(depth, z_depth(ranges, camera.pitch_rad, camera.fov_x_rad)[seen], rtol=1e-3)
    z = bilinear(heights, (points[seen][:, 0] - origin[0]) / dx, (origin[1] - points[seen][:, 1]) / dx)
    assert np.abs(z - points[seen][:, 2]).max() < 0.5


def test_flat_ground_has_the_range_of_trigonometry():
    ranges = render_range(
        np.zeros((50, 50), np.float32), 100.0, (-2450.0, 4900.0), (0.0, 0.0, 100.0), -0.3, 0.6, 31, 31
    )
    assert ranges[15, 15] == pytest.approx(100 / math.tan(0.3), rel=1e-3)
    straight_down = render_range(
        np.zeros((9, 9), np.float32), 1.0, (-4.0, 4.0), (0.0, 0.0, 3.0), -math.pi / 2, 0.5, 5, 5
    )
    assert straight_down[2, 2] < 0.01 and np.isfinite(straight_down).all()


def test_holes_are_transparent_and_the_limit_ends_rays():
    heights = np.zeros((20, 20), np.float32)
    heights[5, :] = 100
    arguments = (10.0, (-95.0, 250.0), (0.0, 0.0, 20.0), 0.0, 0.3, 21, 15)
    assert np.isfinite(render_range(heights, *arguments)[7, 10])
    assert np.isinf(render_range(heights, *arguments, max_range_m=50.0)).all()
    heights[3:8, :] = np.nan
    assert np.isinf(render_range(heights, *arguments)[7, 10])


def test_yaw_turns_the_camera_to_the_right():
    heights = np.zeros((60, 60), np.float32)
    heights[30, 45] = 80
    arguments = (10.0, (-300.0, 300.0), (0.0, 0.0, 40.0), 0.0, 0.4, 41, 21)
    assert not np.isfinite(render_range(heights, *arguments)[:10]).any()
    assert np.isfinite(render_range(heights, *arguments, yaw_rad=math.pi / 2)[:10]).any()


def test_a_wall_throws_its_shadow_away_from_the_sun():
    heights = np.zeros((40, 40), np.float32)
    heights[:, 20] = 50
    points = np.array([[-50.0, 0.0, 0.0], [50.0, 0.0, 0.0]], np.float32)
    lit = sunlit(heights, 10.0, (-200.0, 200.0), points, math.pi / 2, math.radians(30))  # sun on the right
    assert lit.tolist() == [False, True]


def test_same_bits_for_any_number_of_threads():
    heights, view = hills(), (20.0, (-950.0, 1500.0), (100.0, 50.0, 700.0), -0.3, 1.0, 60, 40)
    points = world_points(render_range(heights, *view), view[2], -0.3, 1.0)
    light = 20.0, (-950.0, 1500.0), points, 0.7, 0.3
    expected = render_range(heights, *view), sunlit(heights, *light)
    assert np.isfinite(expected[0]).any() and expected[1].any() and not expected[1].all()
    try:
        for threads in (1, 2, 5):
            set_thread_count(threads)
            np.testing.assert_array_equal(render_range(heights, *view), expected[0])
            np.testing.assert_array_equal(sunlit(heights, *light), expected[1])
    finally:
        set_thread_count(None)


def test_degenerate_input_is_refused():
    with pytest.raises(RaycastInputError):
        render_range(np.zeros((1, 5), np.float32), 1.0, (0, 0), (0, 0, 1), 0.0, 1.0, 4, 4)
    with pytest.raises(RaycastInputError):
        render_range(np.zeros((5, 5), np.float32), 1.0, (0, 0), (0, 0, 1), 0.0, 4.0, 4, 4)
