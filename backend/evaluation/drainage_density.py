"""How finely channels cut up a terrain."""

from __future__ import annotations

import numpy as np

from kernels.flow import flow_accumulation, flow_receivers

CHANNEL_HEAD_M2 = 1e5
"""Area above which water is taken to run in a channel: 0.1 km^2.

Channel heads mapped in the field drain 10^3 to 10^5 m^2 (Montgomery and Dietrich 1988, Nature 336, 232-234); the upper end is
used, because it is 12 cells of 90 m and so means the same at every spacing of the library.
"""


def drainage_density(heights: np.ndarray, dx_m: float, channel_head_m2: float = CHANNEL_HEAD_M2) -> float:
    """Length of channels per area in km per km^2 (Horton 1932); cells that at least `channel_head_m2` drains through are channels.

    heights: (rows, cols) m, finite.   The way to the receiver of each channel cell counts (dx, or dx times the root of 2);
    water is led through depressions (`kernels.flow.flow_receivers`), so standing water, which MDD measures, does not end a
    channel. The threshold is in square meters, so the number does not depend on the spacing as long as some cells make it up.
    """
    grid = np.ascontiguousarray(heights, np.float32)
    receivers = flow_receivers(grid, dx_m)
    area = flow_accumulation(grid, dx_m, receivers=receivers) * dx_m**2
    here = np.arange(grid.size).reshape(grid.shape)
    rows, cols = (np.abs(a - b) for a, b in zip(np.divmod(receivers, grid.shape[1]), np.divmod(here, grid.shape[1]), strict=True))
    steps = np.hypot(rows, cols) * dx_m
    return float(steps[area >= channel_head_m2].sum() / (grid.size * dx_m**2) * 1e3)
