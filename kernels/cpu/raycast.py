"""Rays over a heightfield's pyramid of block maxima; see kernels.raycast for the frame and the sources."""

from __future__ import annotations

import math

import numba
import numpy as np

_NUDGE = 1e-7  # cells; only decides to which patch a point on an edge belongs


@numba.njit(cache=True, nogil=True)
def pyramid(heights):
    """Maxima of patches (level 0) and of 2 x 2 blocks of the level below, flat, with offsets and sizes per level."""
    rows, cols = heights.shape[0] - 1, heights.shape[1] - 1
    levels, r, c, total = 1, rows, cols, rows * cols
    while r > 1 or c > 1:
        r, c = (r + 1) // 2, (c + 1) // 2
        total += r * c
        levels += 1
    flat = np.full(total, -np.inf, np.float32)
    offsets = np.zeros(levels, np.int64)
    widths = np.zeros(levels, np.int64)
    widths[0] = cols
    for i in range(rows):
        for j in range(cols):
            top = max(max(heights[i, j], heights[i, j + 1]), max(heights[i + 1, j], heights[i + 1, j + 1]))
            if not math.isnan(heights[i, j] + heights[i, j + 1] + heights[i + 1, j] + heights[i + 1, j + 1]):
                flat[i * cols + j] = top
    r, c = rows, cols
    for level in range(1, levels):
        below, below_width = offsets[level - 1], c
        nr, nc = (r + 1) // 2, (c + 1) // 2
        offsets[level] = below + r * c
        widths[level] = nc
        for i in range(nr):
            for j in range(nc):
                top = np.float32(-np.inf)
                for k in range(2 * i, min(2 * i + 2, r)):
                    for m in range(2 * j, min(2 * j + 2, c)):
                        top = max(top, flat[below + k * below_width + m])
                flat[offsets[level] + i * nc + j] = top
        r, c = nr, nc
    return flat, offsets, widths


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _first_root(heights, row, col, x, y, z, ux, uy, uz, t0, t1):
    """First t in [t0, t1] at which the ray is at or below the bilinear patch, or -1."""
    a, b = heights[row, col], heights[row, col + 1]
    c, d = heights[row + 1, col], heights[row + 1, col + 1]
    px, py = x + ux * t0 - col, y + uy * t0 - row
    hx, hy, hxy = float(b) - a, float(c) - a, float(a) - b - c + d
    # gap(t0 + s) = q0 + q1 s + q2 s^2, positive above ground
    q0 = z + uz * t0 - (a + hx * px + hy * py + hxy * px * py)
    if q0 <= 0.0:
        return t0
    q1 = uz - (hx * ux + hy * uy + hxy * (px * uy + py * ux))
    q2 = -hxy * ux * uy
    length = t1 - t0
    root = -1.0
    if abs(q2) * length < 1e-9 * (abs(q1) + 1e-12):
        if q1 < 0.0:
            root = -q0 / q1
    else:
        inside = q1 * q1 - 4.0 * q2 * q0
        if inside >= 0.0:
            q = -0.5 * (q1 + math.copysign(math.sqrt(inside), q1))
            r0, r1 = q / q2, (q0 / q if q != 0.0 else np.inf)
            low, high = min(r0, r1), max(r0, r1)
            root = low if low >= 0.0 else high
    if 0.0 <= root <= length * (1.0 + 1e-9) + 1e-9:
        return t0 + root
    return -1.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _walk(heights, flat, offsets, widths, x, y, z, ux, uy, uz, t_start, t_limit):
    """Horizontal cells to the first ground along the unit vector (ux, uy) that climbs uz meters a cell, or inf."""
    rows, cols = heights.shape[0] - 1, heights.shape[1] - 1
    t, t_end = t_start, t_limit
    for axis in range(2):
        p, u, size = (x, ux, float(cols)) if axis == 0 else (y, uy, float(rows))
        if abs(u) < 1e-12:
            if p < 0.0 or p > size:
                return np.inf
        else:
            near, far = (0.0 - p) / u, (size - p) / u
            t, t_end = max(t, min(near, far)), min(t_end, max(near, far))
    top = len(offsets) - 1
    level = max(0, top - 2)
    while t < t_end:
        scale = 1 << level
        ahead = t + _NUDGE
        patch_col = min(max(int(x + ux * ahead), 0), cols - 1)
        patch_row = min(max(int(y + uy * ahead), 0), rows - 1)
        block_col, block_row = patch_col >> level, patch_row >> level
        out = t_end
        if ux > 1e-12:
            out = min(out, ((block_col + 1) * scale - x) / ux)
        elif ux < -1e-12:
            out = min(out, (block_col * scale - x) / ux)
        if uy > 1e-12:
            out = min(out, ((block_row + 1) * scale - y) / uy)
        elif uy < -1e-12:
            out = min(out, (block_row * scale - y) / uy)
        out = max(out, ahead)
        lowest = z + uz * (out if uz < 0.0 else t)
        if lowest > flat[offsets[level] + block_row * widths[level] + block_col]:
            t = out
            if level < top:
                level += 1
        elif level > 0:
            level -= 1
        else:
            if flat[patch_row * cols + patch_col] > -np.inf:
                hit = _first_root(heights, patch_row, patch_col, x, y, z, ux, uy, uz, t, out)
                if hit >= 0.0:
                    return hit
            t = out
            level = 1 if top > 0 else 0
    return np.inf


@numba.njit(cache=True, nogil=True, error_model="numpy")
def image(heights, flat, offsets, widths, x, y, z, dx, axes, tan_x, limit, out, first, last):
    """Rows first..last of the picture `out`, float32 (height, width): horizontal meters to the ground, inf = sky."""
    height, width = out.shape
    for i in range(first, last):
        down = ((i + 0.5) / height * 2.0 - 1.0) * tan_x * height / width
        for j in range(width):
            right = ((j + 0.5) / width * 2.0 - 1.0) * tan_x
            vx = axes[0, 0] * right + axes[0, 1] * down + axes[0, 2]
            vy = axes[1, 0] * right + axes[1, 1] * down + axes[1, 2]
            vz = axes[2, 0] * right + axes[2, 1] * down + axes[2, 2]
            ground = max(math.hypot(vx, vy), 1e-6)
            t = _walk(heights, flat, offsets, widths, x, y, z, vx / ground, -vy / ground, vz / ground * dx, 0.0, limit)
            out[i, j] = t * dx


@numba.njit(cache=True, nogil=True, error_model="numpy")
def lit(heights, flat, offsets, widths, points, ux, uy, uz, lift, out, first, last):
    """Points first..last (x in columns, y in rows, z): whether nothing stands toward (ux, uy, uz); True for unknown ones."""
    for k in range(first, last):
        x, y, z = points[k, 0], points[k, 1], points[k, 2]
        out[k] = True
        if not math.isnan(z):
            out[k] = not math.isfinite(_walk(heights, flat, offsets, widths, x, y, z + lift, ux, uy, uz, 0.01, np.inf))
