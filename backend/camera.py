"""The camera, and the only place where camera frames and the terrain frame are converted into each other.

Terrain frame: x right, y away from the camera, z up, meters, as in Blender. Camera frame: x right, y down, z forward
(OpenCV, as pointmaps come). Pixel centers lie at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with centered principal point.

    width, height: picture size in pixels.   fov_x_rad: horizontal field of view.   pitch_rad: up is positive.
    roll_rad: clockwise seen from behind the camera.   position_m: (x, y, z) in the terrain frame; it looks along +y.
    Raises ValueError when a value makes no camera.
    """

    width: int
    height: int
    fov_x_rad: float
    pitch_rad: float
    roll_rad: float = 0.0
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"A camera needs a picture, not {self.width} x {self.height} pixels.")
        if not 0.0 < self.fov_x_rad < math.pi:
            raise ValueError(f"Field of view {self.fov_x_rad} rad is not between 0 and pi.")
        if not all(map(math.isfinite, (self.pitch_rad, self.roll_rad, *self.position_m))):
            raise ValueError("Pitch, roll and position must be finite.")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return 0.5 * self.width / math.tan(0.5 * self.fov_x_rad)

    @property
    def fov_y_rad(self) -> float:
        """Vertical field of view."""
        return 2.0 * math.atan(0.5 * self.height / self.focal_px)

    def rotation(self) -> np.ndarray:
        """float64 (3, 3): camera frame vector to terrain frame vector."""
        cp, sp = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        cr, sr = math.cos(self.roll_rad), math.sin(self.roll_rad)
        roll = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
        axes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
        pitch = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
        return pitch @ axes @ roll

    def to_terrain(self, points_camera: np.ndarray) -> np.ndarray:
        """(..., 3) points in the camera frame to the terrain frame, same dtype."""
        turned = points_camera @ self.rotation().T.astype(points_camera.dtype)
        return turned + np.asarray(self.position_m, points_camera.dtype)

    def from_terrain(self, points_terrain: np.ndarray) -> np.ndarray:
        """(..., 3) points in the terrain frame to the camera frame, same dtype."""
        moved = points_terrain - np.asarray(self.position_m, points_terrain.dtype)
        return moved @ self.rotation().astype(points_terrain.dtype)

    def project(self, points_terrain: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(..., 3) points in the terrain frame to (u, v, depth): pixels right and down, meters along the optical axis."""
        p = self.from_terrain(points_terrain)
        depth = p[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            u = 0.5 * self.width + self.focal_px * p[..., 0] / depth
            v = 0.5 * self.height + self.focal_px * p[..., 1] / depth
        return u, v, depth

    def rays_camera(self, width: int | None = None, height: int | None = None) -> np.ndarray:
        """float32 (height, width, 3): direction of each pixel center in the camera frame with z = 1.

        Another size than the picture's samples the same view on another grid.
        """
        w, h = width or self.width, height or self.height
        tan_x = math.tan(0.5 * self.fov_x_rad)
        tan_y = tan_x * self.height / self.width
        x = ((np.arange(w, dtype=np.float32) + 0.5) / w * 2 - 1) * np.float32(tan_x)
        y = ((np.arange(h, dtype=np.float32) + 0.5) / h * 2 - 1) * np.float32(tan_y)
        rays = np.empty((h, w, 3), np.float32)
        rays[..., 0], rays[..., 1], rays[..., 2] = x[None, :], y[:, None], 1.0
        return rays

    def azimuth_and_tangent(self, width: int | None = None, height: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Per pixel: azimuth in radians (0 = along +y, right is positive) and tangent of the elevation, float32."""
        d = self.rays_camera(width, height) @ self.rotation().T.astype(np.float32)
        ground = np.hypot(d[..., 0], d[..., 1])
        return np.arctan2(d[..., 0], d[..., 1]), d[..., 2] / np.maximum(ground, 1e-9)

    def blender_euler_rad(self) -> tuple[float, float, float]:
        """XYZ Euler angles of the matching Blender camera (which looks along its own -z with +y up)."""
        blender_from_opencv = np.diag([1.0, -1.0, -1.0])
        m = self.rotation() @ blender_from_opencv
        y = math.asin(max(-1.0, min(1.0, -m[2, 0])))
        return math.atan2(m[2, 1], m[2, 2]), y, math.atan2(m[1, 0], m[0, 0])
