"""Guided tiled diffusion (P2P 5.1 to 5.4): the procedural start becomes terrain, seen cells are kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..context import Context
from ..contract.settings import TerrainSettings
from ..networks.terrain import CELLS, TerrainNetwork
from ..scene import VisibleTerrain
from .drainage import EPSILON_M
from .guidance import GEOMORPHOLOGY, HYDROLOGY, VIEW, Guidance, Weights
from .height_unit import HeightUnit
from .procedural_start import under_camera
from .schedule import AncestralSampler, FewStepSampler, NoiseSchedule, Sampler
from .tiling import extend, for_each_tile, layout

KEEP_KNOWN_UNTIL = 50
"""Below this step (t = 0.05) seen cells are no longer put back, so that they blend with the rest (P2P 5.1)."""
RIM = 32
"""Cells added around the grid while it is diffused."""


class TiledDenoiser:
    """The network on a whole grid: tiles at a new place on every call.   `check` is called before each tile."""

    def __init__(
        self,
        network: TerrainNetwork,
        schedule: NoiseSchedule,
        conditions: tuple[float, float],
        rng: np.random.Generator,
        check: Callable[[], None],
    ):
        self.network, self.schedule, self.conditions = network, schedule, conditions
        self.rng, self.check = rng, check

    def __call__(self, x: torch.Tensor, step: int) -> torch.Tensor:
        """(rows, cols) x_t -> predicted clean map."""
        clean, _ = self.with_transpose(x, step)
        return clean

    def with_transpose(
        self, x: torch.Tensor, step: int
    ) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]:
        """The clean map, and the network's transposed Jacobian at x (one more pass and its gradient)."""
        rows, cols = x.shape
        sigma, noisy = self.schedule.sigma(step), x / self.schedule.signal(step)
        cut = layout((rows, cols), CELLS, self.rng)

        def forward(tile: torch.Tensor) -> torch.Tensor:
            return self.network.denoise(tile, sigma, self.conditions)

        def backward(tile: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                variable = tile.detach().clone().requires_grad_(True)
                (answer,) = torch.autograd.grad(forward(variable), variable, gradient)
            return answer

        def transpose(gradient: torch.Tensor) -> torch.Tensor:
            return for_each_tile((noisy, gradient), cut, backward, self.check)

        return for_each_tile((noisy,), cut, forward, self.check), transpose


def make_weights(settings: TerrainSettings) -> Weights:
    """Guidance weights: the tuned ones times the artist's factors."""
    return Weights(
        HYDROLOGY * settings.hydrology_weight,
        GEOMORPHOLOGY * settings.geomorphology_weight,
        VIEW * settings.view_weight,
    )


def complete(
    start: np.ndarray,
    visible: VisibleTerrain,
    bound: np.ndarray,
    settings: TerrainSettings,
    ctx: Context,
    network: TerrainNetwork | None = None,
) -> np.ndarray:
    """Run the reverse diffusion from t = `settings.start_noise`.

    start: float32 (rows, cols) m, finite, the procedural start.   bound: float32, Z_max, +inf where free, read on
    hidden cells only.   Returns float32 heights in m, not yet projected: drainage and bound hold softly.
    Raises Cancelled, MissingWeights.
    """
    network = network or TerrainNetwork.load(device=ctx.device, half=fast_bfloat16(ctx.device))
    schedule = NoiseSchedule.linear()
    rng = ctx.rng("completed")
    unit = HeightUnit.of(start, visible)
    rim = min(RIM, min(start.shape) - 1)
    wide = extend(unit.reduce(start), rim)
    noise = _noise(wide.shape, rng, ctx.device)
    first = schedule.step_of(settings.start_noise)
    sampler: Sampler
    if settings.sampler == "ddpm_1000":
        sampler = AncestralSampler(schedule, first, lambda x: _noise(tuple(x.shape), rng, ctx.device))
    else:
        sampler = FewStepSampler(schedule, schedule.log_snr_steps(first, settings.steps))
    mask = np.pad(visible.mask, rim)
    known = torch.from_numpy(mask).to(ctx.device)
    seen = unit.reduce(np.where(visible.mask, visible.heights, unit.offset_m))
    known_heights = torch.from_numpy(np.pad(seen, rim)).to(ctx.device)
    ceiling = np.pad(unit.reduce(under_camera(bound, visible)), rim, constant_values=np.inf)
    guidance = Guidance(mask, ceiling, make_weights(settings), EPSILON_M / unit.scale_m, ctx.device)

    with torch.no_grad(), threads(ctx.threads):
        denoise = TiledDenoiser(network, schedule, unit.conditions, rng, ctx.check)
        x = schedule.add_noise(torch.from_numpy(wide).to(ctx.device), first, noise)
        for index, step in enumerate(sampler.steps):
            ctx.progress(index / len(sampler.steps), "Inventing hidden terrain")
            put_back = step >= KEEP_KNOWN_UNTIL
            if put_back:
                # A deterministic walk needs the same noise every time: fresh noise would leave its own path.
                again = noise if isinstance(sampler, FewStepSampler) else _noise(wide.shape, rng, ctx.device)
                x = torch.where(known, schedule.add_noise(known_heights, step, again), x)
            clean, transpose = denoise.with_transpose(x, step)
            clean = guidance.guide(clean, schedule.sigma(step), transpose if settings.exact_guidance else None)
            if put_back:
                clean = torch.where(known, known_heights, clean)
            x = sampler.step(index, x, clean)
    return unit.restore(x.cpu().numpy()[rim:-rim, rim:-rim])


def fast_bfloat16(device: str) -> bool:
    """Whether the device computes faster in bfloat16 than in float32."""
    if device == "cpu":
        return "avx512_bf16" in _cpu_flags() or "amx_bf16" in _cpu_flags()
    return device.startswith("cuda") and torch.cuda.is_bf16_supported()


def _cpu_flags() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as file:  # noqa: PTH123 (a device, read in part)
            return next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return ""


class threads:
    """Set torch's number of threads for a block of work; 0 leaves it as it is."""

    def __init__(self, count: int):
        self.count, self.before = count, torch.get_num_threads()

    def __enter__(self) -> None:
        if self.count:
            torch.set_num_threads(self.count)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.before)


def _noise(shape: tuple[int, ...], rng: np.random.Generator, device: str) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(device)
